"""Groups of commands, whose errors know the commands of fastText, and its options with a single dash."""

import re
from typing import Any

import click

from wordsparse.options import hint, meant

# The counterpart of each of fastText's commands, or an explanation. docs/gensim.md has the same table.
_FASTTEXT = {
    "skipgram": "wordsparse train TEXT -o MODEL --model skipgram",
    "cbow": "wordsparse train TEXT -o MODEL",
    "supervised": "wordsparse labels train FILE -o MODEL",
    **dict.fromkeys(("predict", "predict-prob"), "wordsparse labels predict MODEL FILE"),
    "test": "wordsparse labels evaluate MODEL FILE",
    "test-label": "wordsparse labels evaluate MODEL FILE --per-label LABELS.csv",
    "nn": "wordsparse similar MODEL WORD",
    "analogies": "wordsparse analogy MODEL A B C",
    "print-word-vectors": "wordsparse vectors MODEL - < WORDS",
    "print-sentence-vectors": "wordsparse documents MODEL - -o - < LINES",
    "dump": "read the options and figures of the model in its model.json",
    "quantize": "train a smaller model: with a higher --min-count and, for labels, with --ngrams 1",
    "print-ngrams": "n-grams are not printed; wordsparse vectors MODEL WORD composes the vector of an unknown word",
}
# A pattern for options such as -output, which click would read as -o with the value "utput".
_SINGLE_DASH = re.compile("-[A-Za-z][A-Za-z-]+")


class Commands(click.Group):
    """A group of commands. If a command is unknown, the error names fastText's counterpart or a similar command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            advice = _FASTTEXT.get(args[0]) or meant(args[0], names)
            is_command = advice.startswith("wordsparse ")
            ctx.fail(f"no such command {args[0]!r}: {f'it is {advice}' if is_command else advice}")
        name, command, rest = super().resolve_command(ctx, args)
        if "-output" in rest and command is not None and not isinstance(command, click.Group):
            raise click.NoSuchOption("-output", ctx=click.Context(command, ctx, name))
        return name, command, rest


def unknown_options(error: click.NoSuchOption, arguments: list[str]) -> click.UsageError:
    """Return the usage error for an unknown option, with hints for users who know the options of another tool.

    click reads ``-input`` as single letters, ``-i`` first; the error names each option as the user typed it.
    """
    written = {} if error.ctx is None else _written(error.ctx)

    def advice(name: str) -> str:
        return hint(name.lstrip("-"), written, lambda ours: written.get(ours, ours))

    letter = error.option_name.lstrip("-")
    typed = [word for word in arguments if _SINGLE_DASH.fullmatch(word)]
    first = next((word for word in typed if len(letter) == 1 and letter in word), error.option_name)
    names = [word for word in typed if word == first or advice(word)]
    names = names if first in names else [first, *names]
    said = (f"{name}: {text}" if (text := advice(name)) else name for name in names)
    return click.UsageError(f"no such option {'; '.join(said)}", error.ctx)


def _written(ctx: click.Context) -> dict[str, Any]:
    """Return the name of each option and argument of a command, and how it is written on the command line."""
    parameters = ctx.command.get_params(ctx)
    written = {each.name: each.opts[-1] for each in parameters if each.name is not None}
    for each in parameters:
        if isinstance(each, click.Argument):
            written[each.name or ""] = f"{each.human_readable_name}, without an option"
            written.setdefault("corpus", written[each.name or ""])
    return written

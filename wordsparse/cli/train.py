"""``wordsparse train``: a training run, and its summary."""

import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH, emit, given, json_option, output_option, quiet_option
from wordsparse.cli.options import corpus_argument, options_of
from wordsparse.corpus.options import TextOptions
from wordsparse.files import regular
from wordsparse.files.escaping import number_of
from wordsparse.files.storage import check_apart, naming
from wordsparse.options import abouts, refuse_unknown
from wordsparse.tokens import phrases
from wordsparse.tokens.tokenizers import DIGEST, FUNCTION
from wordsparse.training.options import RunOptions, TrainOptions
from wordsparse.training.runs import train
from wordsparse.vectors.formats import check_output
from wordsparse.words.kinds import TEXT, kind_of
from wordsparse.words.model import Model
from wordsparse.words.model_directory import files_of, is_model, recorded_options
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

KIND, IS_NAMED, OF_PYTHON, CONFIG = (f"wordsparse.{key}" for key in ("kind", "is_named", "of_python", "config"))
"""Keys of a click context's ``meta``: the kind of data, whether --for names it, the options of the --config file that
the command line does not have (PYTHON_ONLY), and the path of that file."""
PYTHON_ONLY = ("recipe", "measure_power")
OF_GROUPS = ("group_by", "order_by", "min_groups", "half_life", "features")
"""Options for tables whose rows form groups, such as baskets. The help for text hides these options."""
BRIEF = ("output", "model", "dim", "kind", "column", "tokens", "export")
"""The options that the help shows without --for. With --for, the help shows all options."""
OF_TEXT = {name for name, about in abouts(TrainOptions).items() if about.cli is not None}


class TrainCommand(click.Command):
    """A command whose options depend on ``--for``, which is given on the command line or in the ``--config`` file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read --config and --for first: they decide which options exist, and their defaults."""
        path, name = _named("--config", args), _named("--for", args)
        kind = kind_of(name) if name else None
        content = {} if path is None else recorded_options(path) if is_model(path) else regular.read_toml(path)
        ctx.meta[CONFIG], ctx.meta[IS_NAMED] = path, name is not None
        with naming(Path(path)) if path else nullcontext():
            stored = {name: content.pop(name) for name in PYTHON_ONLY if name in content}
            if "recipe" in stored:
                stored["recipe"] = Recipe.from_dict(stored["recipe"])
            ctx.meta[OF_PYTHON] = stored
            ctx.meta[KIND] = kind or kind_of(content.get("for", content.get("kind", TEXT)))
            # click converts and checks the options of default_map like command-line options, which override
            # default_map.
            ctx.default_map = _defaults(self.get_params(ctx), content)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not any(error.option_name in each.opts for each in self.params):
                raise
            message = f"{error.option_name} does not apply to --for {ctx.meta[KIND].name}: leave it out"
            raise click.UsageError(message, ctx) from error

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's options. Options for the given kind of data replace the options for text."""
        kind, params = ctx.meta.get(KIND), super().get_params(ctx)
        is_brief = not ctx.meta.get(IS_NAMED) and not ctx.resilient_parsing
        for param in params:
            is_foreign = param.name in OF_GROUPS and (kind is None or kind.name == TEXT)
            param.hidden = param.name not in BRIEF if is_brief else is_foreign  # type: ignore[attr-defined]
        if kind is None or kind.reading is TextOptions:
            return params
        own: list[click.Parameter] = []
        for each in (Options, kind.reading, RunOptions):
            own += click.command()(options_of(each, defaults=kind.defaults)(lambda **_: None)).params
        first = min(params.index(each) for each in params if each.name in OF_TEXT)
        others = [each for each in params if each.name not in OF_TEXT]
        return [*others[:first], *own, *others[first:]]


def _named(option: str, args: Sequence[str]) -> str | None:
    """Return the value of an option before click parses the command line; None if the option is left out."""
    for word, after in itertools.pairwise([*args, ""]):
        if word == option or word.startswith(f"{option}="):
            return after if word == option else word.partition("=")[2]
    return None


def _defaults(params: Sequence[click.Parameter], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's options as text, which click converts and checks as on the command line."""
    parameters: dict[str, click.Parameter] = {}
    for each in params:
        parameters |= dict.fromkeys((each.opts[-1].lstrip("-").replace("-", "_"), str(each.name)), each)
    options = {name.replace("-", "_"): value for name, value in content.items()}
    refuse_unknown(options, parameters)
    return {str(parameters[name].name): _as_text(parameters[name], value) for name, value in options.items()}


def _as_text(parameter: click.Parameter, value: Any) -> str | list[str]:
    items = [str(item) for item in (value if isinstance(value, list) else [value])]
    return items if parameter.nargs == -1 or parameter.multiple else ",".join(items)


@click.command(cls=TrainCommand, epilog="All options: wordsparse train --for KIND --help")
@corpus_argument
@output_option("Model directory to write.")
@options_of(TrainOptions)
@click.option(
    "--export",
    metavar="FILE",
    type=PATH,
    help="Also write the vectors to FILE, as `export` does; the suffix of FILE decides the format.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=PATH,
    expose_value=False,
    help="TOML file of options, or a model directory, to repeat its training run. Command-line options override FILE.",
)
@quiet_option
@json_option
def command(corpus: tuple[Path, ...], output: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Train word vectors on text, or on the output of `encode`.

    CORPUS: files of UTF-8 text (plain, .gz, .bz2, .xz, .zst), directories, which are read recursively, or - for
    standard input. By default, each line is a sentence, white space separates words, and words are not changed.
    """
    run(train, corpus, output, quiet, as_json, options)


def run(
    trainer: Callable[..., Model],
    corpus: tuple[Path, ...],
    output: Path,
    quiet: bool,
    as_json: bool,
    options: Mapping[str, Any],
    *,
    writes: bool = True,
) -> None:
    """Train with ``trainer``, :func:`wordsparse.train` or a function like it, and print a summary.

    If several processes train one model, they all call this function and check the request, but only the process that
    passes ``writes=True`` exports the vectors.
    """
    request, meta = given(options), click.get_current_context().meta
    inputs = [*corpus, *files_of(request.get("init")), *files_of(meta[CONFIG])]
    for file in (request.get("log"), export := request.pop("export", None)):
        if file is not None:
            check_apart(file, inputs)
    if export is not None:
        check_output(export)
    request |= {**meta[OF_PYTHON], "progress": not quiet}
    model = trainer(list(corpus), output=output, **request)
    figures, lines = _told(model, output)
    if export and writes:
        figures["exported"] = [str(file) for file in model.export(export)]
        lines.insert(1, f"written: {', '.join(figures['exported'])}")
    emit(figures, lines, as_json)


def _first_and_last(losses: Sequence[float]) -> str:
    """Format the losses of the first and of the last epoch. The output of --json has the losses of all epochs."""
    return " → ".join(f"{loss:.4f}" for loss in (losses if len(losses) < 3 else (losses[0], losses[-1])))


def _told(model: Model, output: Path) -> tuple[dict[str, Any], list[str]]:
    """Summarise a trained model, as JSON and as lines."""
    report = model.report
    made = f"{report['vocab_size']:,} vectors of dimension {report['dim']} in {output}"
    how = (
        f"{report['tokens']:,} tokens in {number_of(len(report['loss']), 'epoch')} and {report['wall_seconds']:.1f} s "
        f"({report['tokens_per_second']:,.0f} tokens/s, {number_of(report['threads'], 'thread')}); "
        f"loss: {_first_and_last(report['loss'])}"
    )
    if "heldout_loss" in report:
        how += f"; held-out: {_first_and_last(report['heldout_loss'])}"
    question = kind_of(model.options.get("kind", TEXT)).question
    spelling = [f"spelling: {report['spelling']}"] if "spelling" in report else []
    lines = [
        made,
        how,
        *spelling,
        *phrases.lines(report),
        f"next: wordsparse {question.format(shlex.quote(str(output)))}",
    ]
    tokens = model.call.get("tokens", "split")
    if tokens not in ("split", FUNCTION) and not tokens.startswith(DIGEST) and "corpus" in model.call:
        lines.append(f"to train on this text again, first encode it: wordsparse encode --tokens {shlex.quote(tokens)}")
    return {**report, "output": str(output)}, lines

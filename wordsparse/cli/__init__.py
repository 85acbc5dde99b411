"""The command line. Each sub-command has its own module, which leaves the work to other packages.
:mod:`wordsparse.doors` lists the sub-commands.

Exit status: 0 done; 2 the request is wrong and nothing was started or written; 1 failed while running; 130 interrupted.
"""

import errno
import importlib
import re
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from wordsparse.cli import terminal
from wordsparse.doors import COMMANDS
from wordsparse.errors import CutShortError, InputError, WordsparseError
from wordsparse.options import hint, meant
from wordsparse.training.interruption import stop_requests

# The counterpart of each of fastText's commands, or an explanation. docs/gensim.md has the same table.
_FASTTEXT = {
    "skipgram": "wordsparse train TEXT -o MODEL --model skipgram",
    "cbow": "wordsparse train TEXT -o MODEL",
    "supervised": "wordsparse labels train FILE -o MODEL",
    **dict.fromkeys(("predict", "predict-prob"), "wordsparse labels predict MODEL FILE"),
    "test": "wordsparse labels evaluate MODEL FILE",
    "nn": "wordsparse similar MODEL WORD",
    "analogies": "wordsparse analogy MODEL A B C",
    "print-word-vectors": "wordsparse vectors MODEL - < WORDS",
    "print-sentence-vectors": "wordsparse documents MODEL - -o - < LINES",
    "dump": "read the options and figures of the model in its model.json",
    **dict.fromkeys(("quantize", "print-ngrams", "test-label"), "wordsparse has no command for this purpose"),
}
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # new in click 8.2
# Errors of writing, which name no file if they come from standard output.
_WRITING = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EINVAL, errno.EIO, errno.ENOSPC, errno.EPERM}
# A pattern for options such as -output, which click would read as -o with the value "utput".
_SINGLE_DASH = re.compile("-[A-Za-z]{2,}")


class _LazyGroup(click.Group):
    """A group that imports a sub-command's module only on use, so that help and completion do not load NumPy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help":
            args = [*args[1:], "--help"]
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            advice = _FASTTEXT.get(args[0]) or meant(args[0], COMMANDS)
            ctx.fail(f"no such command {args[0]!r}: {f'it is {advice}' if advice.startswith('wordsparse') else advice}")
        if "-output" in args:
            ctx.fail("no such option -output: did you mean --output?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [CompletionItem(name) for name in COMMANDS if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CutShortError as error:  # click would abort, because CutShortError is an EOFError
            raise InputError(str(error)) from error


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wordsparse")
def cli() -> None:
    """Train word embeddings with the exact gradient over the whole vocabulary."""


def main(arguments: Sequence[str] | None = None, command: click.Command = cli, name: str = "wordsparse") -> int:
    """Run the command line, or only ``command`` under the name ``name``, and return the exit status."""
    try:
        with stop_requests():
            return _status(list(sys.argv[1:] if arguments is None else arguments), command, name)
    except KeyboardInterrupt:  # Ctrl-C while a message was being written
        return 130


def _status(arguments: list[str], command: click.Command, name: str) -> int:
    try:
        with terminal.messages():
            status = command.main(args=arguments, prog_name=name, standalone_mode=False, obj=arguments)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except _NO_ARGUMENTS as error:
        terminal.say(error.format_message().splitlines())
        return 2
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):
            error = _unknown(error, arguments)
        _say(" ".join(error.format_message().split()))
        if isinstance(error, click.UsageError) and error.ctx is not None:
            terminal.say([f"{error.ctx.get_usage()}", f"help: {error.ctx.command_path} --help"])
        return 2
    except InputError as error:
        _say(error)
        return 2
    except WordsparseError as error:
        _say(error)
        return 1
    except OSError as error:
        terminal.silence(sys.stdout)
        if not isinstance(error, BrokenPipeError):  # the program that reads our output has ended, as head does
            place = error.filename or ("standard output" if error.errno in _WRITING else None)
            _say(f"{place}: {error.strerror or error}" if place else error.strerror or error)
        return 1
    except ModuleNotFoundError as error:  # the folder of this command was deleted
        if error.name is None or not error.name.startswith("wordsparse."):
            raise
        _say(f"{arguments[0]} needs {error.name}, which this installation lacks: install wordsparse again")
        return 2
    except MemoryError:
        _say("out of memory")
        return 1
    except (KeyboardInterrupt, click.Abort) as stop:
        # click replaces KeyboardInterrupt by Abort; the original exception, its cause, may name the checkpoint.
        _say(str(stop) or str(stop.__cause__ or "") or "interrupted")
        return 130
    return status if isinstance(status, int) else 0


def _unknown(error: click.NoSuchOption, arguments: list[str]) -> click.UsageError:
    """Return the usage error for an unknown option, with a hint for users who know the option from another tool.

    click reads ``-input`` as single letters, ``-i`` first; the error names the option as the user typed it.
    """
    options = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    written = {each.name: each.opts[-1] for each in options if each.name is not None}
    for each in options:
        if isinstance(each, click.Argument):
            written[each.name or ""] = f"{each.human_readable_name}, without an option"
            written.setdefault("corpus", written[each.name or ""])
    letter = error.option_name.lstrip("-")
    typed = [word for word in arguments if len(letter) == 1 and _SINGLE_DASH.fullmatch(word) and letter in word]
    name = typed[0] if typed else error.option_name  # cli.next, a module of this package, hides the built-in next()
    advice = hint(name.lstrip("-"), written, lambda name: written.get(name, name))
    return click.UsageError(f"no such option {name}{': ' + advice if advice else ''}", error.ctx)


def _say(message: object) -> None:
    terminal.say([f"wordsparse: {message}"])

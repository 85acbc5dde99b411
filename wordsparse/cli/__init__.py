"""The command line. Each sub-command has its own module, which leaves the work to other packages.
:mod:`wordsparse.doors` lists the sub-commands.

Exit status: 0 done; 2 the request is wrong and nothing was started or written; 1 failed while running; 130 interrupted.
"""

import errno
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from wordsparse.cli import citation, terminal
from wordsparse.cli.commands import Commands, unknown_options
from wordsparse.doors import COMMANDS
from wordsparse.errors import CutShortError, InputError, WordsparseError
from wordsparse.training.interruption import stop_requests

_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # new in click 8.2
# Errors of writing, which name no file if they come from standard output.
_WRITING = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EINVAL, errno.EIO, errno.ENOSPC, errno.EPERM}


class _LazyGroup(Commands):
    """A group that imports a sub-command's module only on use, so that help and completion do not load NumPy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help":
            args = [*args[1:], "--help"]
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
@click.option("--cite", is_flag=True, is_eager=True, expose_value=False, callback=citation.show, help="How to cite.")
def cli() -> None:
    """Train word embeddings with the exact gradient over the whole vocabulary."""


def main(arguments: Sequence[str] | None = None, command: click.Command = cli, name: str = "wordsparse") -> int:
    """Run the command line, or only ``command`` under the name ``name``, and return the exit status."""
    try:
        with stop_requests():
            return _status(list(sys.argv[1:] if arguments is None else arguments), command, name)
    except KeyboardInterrupt:  # Ctrl-C while a message was being written
        return 130
    except RuntimeError as error:
        if not _follows_interruption(error):
            raise
        _say("interrupted")
        return 130


def _follows_interruption(error: BaseException) -> bool:
    """Return whether an error arose while an interruption was handled. Python's conditions raise RuntimeError if a
    signal arrives just before they release their lock (python/cpython issue 78667)."""
    before = error.__context__
    return before is not None and (isinstance(before, KeyboardInterrupt) or _follows_interruption(before))


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
            error = unknown_options(error, arguments)
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


def _say(message: object) -> None:
    terminal.say([f"wordsparse: {message}"])

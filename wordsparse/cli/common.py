"""Code shared by the sub-commands: the ``--json`` option, lists of numbers, and the output of a result."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from wordsparse.cli import terminal
from wordsparse.display import Display
from wordsparse.errors import InputError, UnknownWordError, WordsparseError
from wordsparse.files import outputs, regular
from wordsparse.files.escaping import listed, number_of
from wordsparse.options import meant

LINES_BYTES = 2**30
"""The maximum size of a file with a word on each line."""

Item = TypeVar("Item")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else, on standard output."
)


def _hush(context: click.Context, parameter: click.Parameter, quiet: bool) -> bool:
    if quiet:
        logging.getLogger("wordsparse").setLevel(logging.WARNING)
    return quiet


class Choice(click.Choice[str]):
    """A choice among names. The error for an unknown name suggests the closest name."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value. Raise a usage error if the value is not one of the names."""
        if value not in self.choices:
            self.fail(f"{value!r} is not known: {meant(value, list(self.choices))}", param, ctx)
        return value


class FilePath(click.Path):
    """A path that is not empty: an empty path would mean the current directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Raise a usage error if the path is empty."""
        if not os.fspath(value):
            self.fail("the path is empty: name a file or a directory", param, ctx)
        return super().convert(value, param, ctx)


PATH = FilePath(path_type=Path)


def check_order(model: str | os.PathLike[str], words: Sequence[str]) -> None:
    """Raise InputError if the model and a word were typed in the wrong order."""
    if not os.path.exists(model) and (named := next((word for word in words if os.path.exists(word)), None)):
        raise InputError(f"there is no model {os.fspath(model)}: the model comes first, {named} {os.fspath(model)}")


def output_option(help: str, metavar: str | None = None) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds the required option ``-o``, a path."""
    return click.option("-o", "--output", required=True, metavar=metavar, type=PATH, help=help)


def report_stream(output: str | os.PathLike[str], as_json: bool, option: str = "--output") -> TextIO | None:
    """Return standard error if the command writes ``output``, which the user named with ``option``, to standard output;
    None otherwise."""
    if not outputs.is_standard_output(Path(output)):
        return None
    if as_json:
        raise InputError(f"--json and {option} both name standard output: write the result to a file")
    return sys.stderr


quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    callback=_hush,
    help="Show no progress, only the result, warnings and errors.",
)


def emit(result: Mapping[str, object], lines: Iterable[str], as_json: bool, file: TextIO | None = None) -> None:
    """Print ``result`` as one JSON object, or the human-readable ``lines``, on standard output. If ``file`` is given
    (standard error), print the lines there instead."""
    if file is not None:
        terminal.say(lines)
    else:
        terminal.show([json.dumps(result, allow_nan=False)] if as_json else lines)


def counted(items: Iterable[Item], display: Display, phase: str, unit: str) -> Iterator[Item]:
    """Yield the items, and show the number of items so far on the display."""
    for i, item in enumerate(items):
        display.update(phase, unit, i)
        yield item


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the user has given, that is, all options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def lines_of(path: Path) -> list[str]:
    """Return the lines of a regular file that are not blank, such as one item per line. Raise InputError if the file
    cannot be read."""
    lines = regular.read_text(path, LINES_BYTES).split("\n")  # splitlines would also cut names at U+2028
    return [line.removesuffix("\r") for line in lines if line.strip()]


def words_in(path: Path, vocabulary: Container[str]) -> list[str]:
    """Return the words in a file, one per line. Report the words that are not in the vocabulary. Raise InputError if
    the file cannot be read."""
    words = lines_of(path)
    unknown = [word for word in words if word not in vocabulary]
    if 0 < len(unknown) < len(words):
        n = number_of(len(words), "line")
        terminal.say([f"{path}: {len(unknown):,} of {n} not in the vocabulary; ignored: {listed(unknown)}"])
    return words


class Questions:
    """Questions, each a list of words. The words on the command line are one question. A single ``-`` stands for
    standard input, where each line is a question, answered as it arrives.

    A line holds words separated by white space, or a JSON string or list of strings, which may contain spaces. A line
    that is itself a word of the ``vocabulary``, such as ``[12]``, is read as that word. A line without words is a
    question only if ``blank`` is True. WordsparseError is raised at the end of the input if no line could be answered.
    """

    def __init__(self, words: Sequence[str], vocabulary: Container[str], *, blank: bool = False) -> None:
        self.are_lines, self._blank = list(words) == ["-"], blank
        self._words, self._vocabulary, self._answered = words, vocabulary, False

    def __iter__(self) -> Iterator[list[str]]:
        was_asked = False
        for words in map(self._words_of, sys.stdin) if self.are_lines else [list(self._words)]:
            if not (words or self._blank):
                continue
            was_asked = True
            yield words
        if was_asked and not self._answered:
            raise WordsparseError("no line of standard input could be answered: is this the right model?")

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Report an unknown word in a line of standard input, and continue with the next line."""
        try:
            yield
        except UnknownWordError as error:
            if not self.are_lines:
                raise
            terminal.say([f"wordsparse: {error}"])
        else:
            self._answered = True

    def _words_of(self, line: str) -> list[str]:
        """Split a line into words."""
        if line.lstrip().startswith(("[", '"')) and line.strip() not in self._vocabulary:
            with contextlib.suppress(ValueError, RecursionError):
                content = json.loads(line)
                words = content if isinstance(content, list) else [content]
                if all(isinstance(word, str | int) for word in words):
                    return [*map(str, words)]
        return line.split()


def int_list(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Parse an option's value, a comma-separated list of positive whole numbers. click calls this function."""
    try:
        numbers = tuple(int(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive whole numbers such as 1,2,5")
    return numbers

"""What sub-commands share: the ``--json`` option, lists of numbers, and how a result is printed."""

import json
from collections.abc import Iterable, Mapping
from typing import TextIO

import click

from wordsparse.cli import terminal
from wordsparse.files.unpacking import MAX_EXPANSION

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output and nothing else there."
)

expansion_option = click.option(
    "--max-expansion",
    type=float,
    default=MAX_EXPANSION,
    show_default=True,
    metavar="TIMES",
    help="Refuse a compressed file that unpacks to more than so many times its size.",
)


def emit(result: Mapping[str, object], lines: Iterable[str], as_json: bool, file: TextIO | None = None) -> None:
    """Print ``result`` as one JSON object, or ``lines`` for people, on standard output or in ``file``."""
    terminal.show([json.dumps(result, allow_nan=False)] if as_json else lines, file)


def int_list(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """An option's callback: positive whole numbers separated by commas."""
    if value is None:
        return None
    try:
        numbers = tuple(int(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise click.BadParameter(f"{value!r} is not a list of positive whole numbers such as 1,2,5")
    return numbers

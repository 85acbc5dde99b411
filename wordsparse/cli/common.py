"""What every sub-command shares: the ``--json`` option and how a result is printed."""

import json
import sys
from collections.abc import Mapping

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output and nothing else there."
)


def emit(result: Mapping[str, object], text: str, as_json: bool) -> None:
    """Print ``result`` as one JSON object, or ``text`` for people, on standard output."""
    print(json.dumps(result, allow_nan=False) if as_json else text, file=sys.stdout)

"""``wordsparse analogy``: words x such that A is to B as C is to x."""

import click

from wordsparse.cli.common import json_option
from wordsparse.cli.similar import emit_neighbours, neighbours_option


@click.command("analogy")
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.argument("c")
@neighbours_option
@json_option
def command(model: str, a: str, b: str, c: str, n: int, as_json: bool) -> None:
    """Show the words x such that A is to B as C is to x. For man, king, woman the expected answer is queen."""
    from wordsparse.words.model_directory import read_vectors

    emit_neighbours({"a": a, "b": b, "c": c}, read_vectors(model).analogy(a, b, c, n), as_json)

"""``wordsparse analogy``: words x such that A is to B as C is to x."""

from pathlib import Path

import click

from wordsparse.cli.common import json_option
from wordsparse.cli.similar import candidate_words, candidates_option, emit_neighbours, neighbours_option
from wordsparse.errors import InputError


@click.command("analogy")
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.argument("c")
@neighbours_option
@click.option(
    "--form",
    type=float,
    metavar="STRENGTH",
    help="Strength of the n-grams in the vectors, instead of the model's own. 3 finds more inflected forms.",
)
@candidates_option
@json_option
def command(
    model: str, a: str, b: str, c: str, n: int, form: float | None, candidates: Path | None, as_json: bool
) -> None:
    """Show the words x such that A is to B as C is to x. For man, king, woman the expected answer is queen."""
    from wordsparse.words.model_directory import is_model, load, read_vectors

    if form is not None and not is_model(model):
        raise InputError(f"{model}: is not a model directory, so its vectors keep their strength: leave out --form")
    vectors = read_vectors(model) if form is None else load(model, mapped=True).with_form(form).wv
    chosen = candidate_words(candidates, vectors)
    emit_neighbours({"a": a, "b": b, "c": c}, vectors.analogy(a, b, c, n, candidates=chosen), as_json)

"""``wordsparse analogy``: words x such that A is to B as C is to x."""

from pathlib import Path

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import json_option
from wordsparse.cli.similar import (
    candidate_words,
    candidates_option,
    emit_neighbours,
    evidence_option,
    neighbours_option,
)
from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors


@click.command("analogy")
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.argument("c")
@neighbours_option
@click.option(
    "--inflections",
    is_flag=True,
    help="Find inflected forms, such as walk : walking = jump : jumping, by new n-grams of 1 to 5 characters, nine "
    "times as strong.",
)
@candidates_option
@evidence_option
@json_option
def command(
    model: str,
    a: str,
    b: str,
    c: str,
    n: int,
    inflections: bool,
    candidates: Path | None,
    evidence: bool,
    as_json: bool,
) -> None:
    """Show the words x such that A is to B as C is to x. For man, king, woman the expected answer is queen."""
    vectors = _vectors(model, inflections)
    chosen = candidate_words(candidates, vectors)
    found = vectors.analogy(a, b, c, n, candidates=chosen, evidence=evidence)
    emit_neighbours({"a": a, "b": b, "c": c}, found, as_json)
    if vectors.ngrams is not None and not inflections:
        terminal.say(["for inflected forms, such as walk : walking, add --inflections"])


def _vectors(model: str, inflections: bool) -> WordVectors:
    """Return the vectors of a model, or its vectors with n-grams for inflections."""
    from wordsparse.words.form import INFLECTIONS
    from wordsparse.words.model_directory import is_model, load, read_vectors

    if not inflections:
        return read_vectors(model)
    if not is_model(model):
        raise InputError(f"{model}: is not a model directory, so it has no n-grams to fit: leave --inflections out")
    return load(model, mapped=True).fit_ngrams(*INFLECTIONS).wv

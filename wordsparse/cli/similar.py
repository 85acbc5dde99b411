"""``wordsparse similar``: the nearest words of a word."""

from collections.abc import Mapping, Sequence

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import emit, json_option
from wordsparse.files.escaping import shortened

neighbours_option = click.option(
    "-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of words to show."
)


@click.command("similar")
@click.argument("model")
@click.argument("word")
@neighbours_option
@json_option
def command(model: str, word: str, n: int, as_json: bool) -> None:
    """Show the words whose vectors have the largest cosine with that of WORD.

    If WORD is not in the vocabulary and the model has n-grams, its vector is composed from them, and a line says so.
    For a model trained with --bootstrap, also in how many of the resamples each word is among the nearest again, and
    the interval of its cosine in 90 % of them.
    """
    from wordsparse.stability.model import ResampledModel, resampled_model
    from wordsparse.words.model_directory import is_model, read_vectors

    trained = resampled_model(model) if is_model(model) else None
    vectors = read_vectors(model) if trained is None else trained.wv
    composed = vectors.is_composed(word)
    if composed:
        terminal.say([f"{word}: not in the vocabulary; its vector is composed from its n-grams"])
    if not isinstance(trained, ResampledModel) or composed:
        emit_neighbours({"word": word, "composed": composed}, vectors.similar(word, n), as_json)
        return
    found, resamples = trained.neighbours(word, n), len(trained.resamples)
    result = {"word": word, "resamples": resamples, "neighbours": [near._asdict() for near in found]}
    width = max(len("word"), *(len(shortened(near.word)) for near in found))
    lines = [f"{'word':{width}}  cosine  came back  90 % of resamples"]
    for near in found:
        back = f"{near.returned} of {resamples}"
        within = "-" if near.low is None else f"{near.low:.3f} … {near.high:.3f}"
        lines.append(f"{shortened(near.word):{width}}  {near.cosine:6.3f}  {back:>9}  {within:>17}")
    emit(result, lines, as_json)


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the found words with their cosines; the JSON output contains the question too."""
    shown = [(shortened(word), cosine) for word, cosine in neighbours]
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    width = max((len(word) for word, _ in shown), default=0)
    emit(result, [f"{word:{width}}  {cosine:6.3f}" for word, cosine in shown], as_json)

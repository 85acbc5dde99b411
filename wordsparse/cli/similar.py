"""``wordsparse similar``: the nearest words of a word, or of several."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import emit, json_option
from wordsparse.errors import InputError
from wordsparse.files.escaping import padded, shortened, width_of
from wordsparse.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from wordsparse.stability.model import ResampledModel

neighbours_option = click.option(
    "-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of words to show."
)


@click.command("similar")
@click.argument("model")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@neighbours_option
@json_option
def command(model: str, words: tuple[str, ...], n: int, as_json: bool) -> None:
    """Show the words whose vectors have the largest cosine with that of WORD, or with the mean of several words.

    Without a WORD, lines of words are asked for until the end of the input (Ctrl-D). A WORD that is not in the
    vocabulary is written as the model's tokeniser writes it; if it is not known then and the model has n-grams, its
    vector is composed from them. A line says so. For a model trained with --bootstrap, also in how many of the
    resamples each word is among the nearest again, and the interval of its cosine in 90 % of them.
    """
    from wordsparse.words.model_directory import read_vectors

    if as_json and not words:
        raise InputError("--json needs a WORD: name one")
    trained = _resampled(model)
    vectors = read_vectors(model) if trained is None else trained.wv

    def answer(words: Sequence[str]) -> None:
        meant = _meant(vectors, words)
        composed = vectors.is_composed(meant[0]) if len(meant) == 1 else False
        question = {"word": words[0], "composed": composed} if len(words) == 1 else {"words": list(words)}
        if len(meant) > 1 or composed or trained is None:
            emit_neighbours(question, vectors.similar(meant, n), as_json)
        else:
            _emit_resampled(words[0], trained, meant[0], n, as_json)

    if words:
        answer(words)
    else:
        _converse(answer)


def _resampled(path: str) -> "ResampledModel | None":
    """A model that has resamples of its text beside it."""
    if not (Path(path) / "resamples").exists():
        return None
    from wordsparse.stability.model import ResampledModel, resampled_model

    model = resampled_model(path)
    return model if isinstance(model, ResampledModel) else None


def _converse(answer: Callable[[Sequence[str]], None]) -> None:
    """Answer each line of words until the input ends; one that is not known is refused, and the next one asked for."""
    for line in _lines():
        try:
            if line.split():
                answer(line.split())
        except InputError as error:
            terminal.say([f"wordsparse: {error}"])


def _lines() -> Iterator[str]:
    while True:
        try:
            yield click.prompt("word", default="", show_default=False, prompt_suffix="> ", err=True)
        except click.Abort as end:
            if isinstance(end.__context__, KeyboardInterrupt):
                raise
            return


def _meant(vectors: WordVectors, words: Sequence[str]) -> list[str]:
    """The words of the vocabulary that the given ones stand for; a line says where they are others."""
    found: list[str] = []
    for word in words:
        meant = [str(key) for key in vectors.meant(word)]
        if meant != [word]:
            terminal.say([f"{word}: taken as {' and '.join(meant)}{', the mean of them' if len(meant) > 1 else ''}"])
        for each in meant:
            if vectors.is_composed(each):
                terminal.say([f"{each}: not in the vocabulary; its vector is composed from its n-grams"])
        found += meant
    return found


def _emit_resampled(word: str, trained: "ResampledModel", meant: str, n: int, as_json: bool) -> None:
    found, resamples = trained.neighbours(meant, n), len(trained.resamples)
    result = {"word": word, "resamples": resamples, "neighbours": [near._asdict() for near in found]}
    width = max(len("word"), *(width_of(shortened(near.word)) for near in found))
    lines = [f"{'word':{width}}  cosine  came back  90 % of resamples"]
    for near in found:
        back = f"{near.returned} of {resamples}"
        within = "-" if near.low is None else f"{near.low:.3f} … {near.high:.3f}"
        lines.append(f"{padded(shortened(near.word), width)}  {near.cosine:6.3f}  {back:>9}  {within:>17}")
    emit(result, lines, as_json)


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the found words with their cosines; the JSON output contains the question too."""
    shown = [(shortened(word), cosine) for word, cosine in neighbours]
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    width = max((width_of(word) for word, _ in shown), default=0)
    emit(result, [f"{padded(word, width)}  {cosine:6.3f}" for word, cosine in shown], as_json)

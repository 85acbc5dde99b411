"""``wordsparse similar``: the nearest words of a word, or of several."""

from collections.abc import Mapping, Sequence

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import Questions, check_order, emit, json_option
from wordsparse.vectors.word_vectors import WordVectors

neighbours_option = click.option(
    "-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of words to show."
)


@click.command("similar")
@click.argument("model")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@neighbours_option
@json_option
def command(model: str, words: tuple[str, ...], n: int, as_json: bool) -> None:
    """Show the words that are nearest to WORD, or to several words.

    Near is by the cosine with the vector of WORD, or with the mean of several. With - lines of words are read from
    standard input, and each is answered as it comes; a line may be a JSON list, whose words may hold spaces. A WORD
    that is not in the vocabulary is written as the model's tokeniser writes it; if it is not known then and the model
    has n-grams, its vector is composed from them. A line says so.
    """
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    vectors = read_vectors(model)

    questions = Questions(words, vectors)
    for asked in questions:
        with questions.answering():
            meant = _meant(vectors, asked)
            composed = vectors.is_composed(meant[0]) if len(meant) == 1 else False
            question = {"word": asked[0], "composed": composed} if len(asked) == 1 else {"words": asked}
            emit_neighbours(question, vectors.similar(meant, n), as_json)


def _meant(vectors: WordVectors, words: Sequence[str]) -> list[str]:
    """The words of the vocabulary that the given ones stand for; a line says where they are others."""
    found: list[str] = []
    for word in words:
        meant = [str(key) for key in vectors.meant(word)]
        if meant != [word]:
            terminal.say([f"{word}: taken as {' and '.join(meant)}{', the mean of them' if len(meant) > 1 else ''}"])
        for each in meant:
            if vectors.is_composed(each):
                close = f"; close to it: {', '.join(near)}" if (near := vectors.close_to(each)) else ""
                terminal.say([f"{each}: not in the vocabulary; its vector is composed from its n-grams{close}"])
        found += meant
    return found


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the found words with their cosines; the JSON output contains the question too."""
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    emit(result, [f"{word} {cosine:.3f}" for word, cosine in neighbours], as_json)

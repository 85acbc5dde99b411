"""``wordsparse similar``: the nearest neighbours of a word, or of several."""

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

    Words are compared by the cosine with the vector of WORD, or with the mean of several. With - questions are read
    from standard input, one line each, and answered as they arrive; a line may be a JSON list, whose words may contain
    spaces. If a WORD is not in the vocabulary, it is written as the model's tokeniser writes it; if that is unknown too
    and the model has n-grams, its vector is composed from them. A line says so.
    """
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    vectors = read_vectors(model)

    questions = Questions(words, vectors)
    for query in questions:
        with questions.answering():
            meant = _meant(vectors, query)
            composed = vectors.is_composed(meant[0]) if len(meant) == 1 else False
            question = {"word": query[0], "composed": composed} if len(query) == 1 else {"words": query}
            emit_neighbours(question, vectors.similar(meant, n), as_json)


def _meant(vectors: WordVectors, words: Sequence[str]) -> list[str]:
    """Return the words of the vocabulary that ``words`` stand for; report each that differs."""
    resolved: list[str] = []
    for word in words:
        meant = [str(key) for key in vectors.meant(word)]
        if meant != [word]:
            terminal.say([f"{word}: read as {' and '.join(meant)}{' (their mean)' if len(meant) > 1 else ''}"])
        for each in meant:
            if vectors.is_composed(each):
                close = f"; close to it: {', '.join(near)}" if (near := vectors.close_to(each)) else ""
                terminal.say([f"{each}: not in the vocabulary; its vector is composed from its n-grams{close}"])
        resolved += meant
    return resolved


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the neighbours with their cosines; the JSON output contains the question too."""
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    emit(result, [f"{word} {cosine:.3f}" for word, cosine in neighbours], as_json)

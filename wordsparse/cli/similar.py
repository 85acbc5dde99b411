"""``wordsparse similar``: the nearest neighbours of one or more words."""

from collections.abc import Mapping, Sequence

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import Questions, check_order, emit, json_option
from wordsparse.vectors import queries
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

    Words are ranked by the cosine of their vectors with the vector of WORD, or with the mean vector of several words.
    With -, each line of standard input is a question, answered as it arrives; a line may be a JSON list, whose words
    may contain spaces. If WORD is not in the vocabulary, the model's tokeniser is applied to it. If the result is
    unknown too and the model has n-grams, its vector is composed from n-grams. A message reports each replaced word and
    each composed vector.
    """
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    vectors = read_vectors(model)

    questions = Questions(words, vectors)
    for query in questions:
        with questions.answering():
            _report_parts(vectors, query)
            parts = queries.parts(vectors, query[0])
            composed = len(parts) > 1 or vectors.is_composed(parts[0][0])
            question = {"word": query[0], "composed": composed} if len(query) == 1 else {"words": query}
            emit_neighbours(question, vectors.similar(query, n), as_json)


def _report_parts(vectors: WordVectors, query: Sequence[str]) -> None:
    """Report which words of a query the model's tokeniser replaces, and which vectors are composed from n-grams."""
    for word in query:
        parts = [str(key) for key, _ in queries.parts(vectors, word)]
        if parts != [word]:
            unknown = [str(key) for key in queries.meant(vectors, word) if key not in parts]
            notes = ["their mean"] * (len(parts) > 1) + [f"{key} has no vector" for key in unknown]
            note = f" ({'; '.join(notes)})" if notes else ""
            terminal.say([f"{word}: read as {' and '.join(parts)}{note}"])
        for part in parts:
            if vectors.is_composed(part):
                close = f"; close to it: {', '.join(near)}" if (near := queries.close_to(vectors, part)) else ""
                terminal.say([f"{part}: not in the vocabulary; its vector is composed from its n-grams{close}"])


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the neighbours with their cosines; the JSON output contains the question too."""
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    emit(result, [f"{word} {cosine:.3f}" for word, cosine in neighbours], as_json)

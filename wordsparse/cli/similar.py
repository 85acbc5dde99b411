"""``wordsparse similar``: the nearest neighbours of one or more words, of each line of words, or of all words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import click
import numpy as np

from wordsparse.cli import terminal
from wordsparse.cli.common import (
    PATH,
    Questions,
    check_order,
    counted,
    emit,
    json_option,
    quiet_option,
    report_stream,
    words_in,
)
from wordsparse.corpus.tables import writing
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.escaping import number_of
from wordsparse.types import Array
from wordsparse.vectors import queries
from wordsparse.vectors.encoder import BATCH, batches
from wordsparse.vectors.graph import nearest_of_all
from wordsparse.vectors.word_vectors import WordVectors

# The columns of a table of neighbours.
COLUMNS = ("word", "rank", "neighbour", "cosine")

neighbours_option = click.option(
    "-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of words to show."
)
candidates_option = click.option(
    "--candidates", type=PATH, metavar="FILE", help="Show only the words in FILE, one per line."
)
evidence_option = click.option(
    "--evidence/--no-evidence", default=True, help="Rank rare words lower, or by cosine alone.", show_default=True
)


@click.command("similar")
@click.argument("model")
@click.argument("words", nargs=-1, metavar="[WORD...]")
@neighbours_option
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="Write the neighbours to this .parquet, .csv or .jsonl file; - prints JSON lines. Without WORD, all words.",
)
@candidates_option
@evidence_option
@quiet_option
@json_option
def command(
    model: str,
    words: tuple[str, ...],
    n: int,
    output: Path | None,
    candidates: Path | None,
    evidence: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show the words that are nearest to WORD, or to several words.

    Words are ranked by the cosine of their vectors with the vector of WORD, or with the mean vector of several words,
    and rare words lower, because the text tells little of them. The cosines are shown, so they need not descend.
    With -, each line of standard input is a question, answered as it arrives; a line may be a JSON list, whose words
    may contain spaces. If WORD is not in the vocabulary, the model's tokeniser is applied to it. If the result is
    unknown too and the model has n-grams, its vector is composed from n-grams. A message reports each replaced word and
    each composed vector.

    With -o, the answers are a table with the columns word, rank, neighbour and cosine, for WORD or, with -, for each
    line of standard input. Without WORD, the table has the neighbours of all words, a graph for UMAP or Embedding
    Atlas.
    """
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    if output is not None:
        return _answer_all(model, words, n, output, candidates, evidence, quiet, as_json)
    if not words:
        raise InputError("name a WORD, or the table to write with the neighbours of all words, -o FILE.parquet")
    vectors = read_vectors(model)
    chosen = candidate_words(candidates, vectors)
    questions = Questions(words, vectors)
    for query in questions:
        with questions.answering():
            _report_parts(vectors, query)
            parts = queries.parts(vectors, query[0])
            composed = len(parts) > 1 or vectors.is_composed(parts[0][0])
            question = {"word": query[0], "composed": composed} if len(query) == 1 else {"words": query}
            found = vectors.similar(query, n, candidates=chosen, evidence=evidence)
            emit_neighbours(question, found, as_json)
    return None


def candidate_words(path: Path | None, vectors: WordVectors) -> list[str] | None:
    """Return the words in the file of ``--candidates``."""
    return None if path is None else words_in(path, vectors)


def _answer_all(
    model: str,
    words: tuple[str, ...],
    n: int,
    output: Path,
    candidates: Path | None,
    evidence: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a table with a row for each neighbour of each question, or of each word in the vocabulary."""
    from wordsparse.words.model_directory import files_of, read_vectors

    report = report_stream(output, as_json)
    writing.check(output)
    storage.check_apart(output, [*files_of(model), candidates])
    vectors = read_vectors(model).with_text()
    chosen = candidate_words(candidates, vectors)
    asked = _answerable(Questions(words, vectors), vectors) if words else ([word] for word in vectors)
    m = 0

    def answers() -> Iterator[tuple[list[list[str]], Array, Array]]:
        """Yield questions with their nearest words and cosines, batch by batch."""
        questions = counted(asked, display, "similar", "questions")
        if not words and chosen is None:
            doubts = np.array([vectors.doubt_of([row]) for row in range(len(vectors))]) if evidence else None
            for rows, cosines in nearest_of_all(vectors, n, doubts):
                yield [*islice(questions, len(rows))], vectors.named(rows), cosines
        for batch in batches(questions, BATCH):
            yield batch, *vectors.similar_to_each(batch, n, candidates=chosen, evidence=evidence)

    def parts() -> Iterator[writing.Part]:
        nonlocal m
        for batch, nearest, cosines in answers():
            m += len(batch)
            yield _columns(zip(map(" ".join, batch), nearest.tolist(), cosines.tolist(), strict=True))
        if not m:
            yield _columns(())

    with Display(not quiet) as display:
        writing.write(output, parts())
    emit({"output": str(output), "questions": m}, [f"{number_of(m, 'question')} -> {output}"], as_json, report)


def _answerable(questions: Questions, vectors: WordVectors) -> Iterator[list[str]]:
    """Yield the questions whose words all have vectors. Report the other questions, and how words are read."""
    for query in questions:
        with questions.answering():
            for word in query:
                vectors.vector(word)
            _report_parts(vectors, query)
            yield query


def _columns(answers: Iterable[tuple[str, Sequence[object], Sequence[float]]]) -> writing.Part:
    rows = [
        (question, rank, word, cosine)
        for question, words, cosines in answers
        for rank, (word, cosine) in enumerate(zip(words, cosines, strict=True), 1)
        if word is not None
    ]
    return dict(zip(COLUMNS, [*zip(*rows, strict=True)] or [()] * len(COLUMNS), strict=True))


def _report_parts(vectors: WordVectors, query: Sequence[str]) -> None:
    """Report which words of a query the model's tokeniser replaces, and which vectors are composed from n-grams."""
    for word in query:
        parts = [str(key) for key, _ in queries.parts(vectors, word)]
        if parts != [word]:
            unknown = [str(key) for key in queries.meant(vectors, word) if key not in parts]
            notes = ["their mean"] * (len(parts) > 1) + [f"{key} has no vector" for key in unknown]
            note = f" ({'; '.join(notes)})" if notes else ""
            terminal.say([f"{word}: read as {' and '.join(parts)}{note}"])
    for part in vectors.new_compositions([*query]):
        close = f"; close to it: {', '.join(near)}" if (near := queries.close_to(vectors, part)) else ""
        terminal.say([f"{part}: not in the vocabulary; its vector is composed from its n-grams{close}"])


def emit_neighbours(question: Mapping[str, object], neighbours: Sequence[tuple[str, float]], as_json: bool) -> None:
    """Print the neighbours with their cosines; the JSON output contains the question too."""
    result = {**question, "neighbours": [{"word": word, "cosine": cosine} for word, cosine in neighbours]}
    emit(result, [f"{word} {cosine:.3f}" for word, cosine in neighbours], as_json)

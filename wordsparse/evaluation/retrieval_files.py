"""Collections for judging search: documents, queries and judgements.

In the layout of BEIR (Thakur et al., 2021), ``corpus.jsonl`` has documents with ``_id``, ``text`` and perhaps
``title``, ``queries.jsonl`` has queries with ``_id`` and ``text``, and ``qrels/NAME.tsv`` has the columns ``query-id``,
``corpus-id`` and ``score``, the grade of a document for a query. For the documents of an index, one table with the
columns ``question``, ``id`` and perhaps ``grade`` is enough.
"""

import logging
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.corpus.tables import column_names, format_of_file, table_rows
from wordsparse.errors import InputError
from wordsparse.validation import finite
from wordsparse.vectors.ranking import Ranking
from wordsparse.vectors.word_vectors import WordVectors

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
COLUMNS, OF_INDEX = ("query-id", "corpus-id", "score"), ("question", "id", "grade")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Collection:
    """Documents, which stay on disk or are those of an index, and the queries with a relevant document.

    ``relevant`` maps, for each query, the row of each relevant document to its grade, which is above 0. ``unjudged`` is
    the number of queries that are left out because they have no relevant document. ``stem`` is the language of the
    stems of an index.
    """

    documents: Path | Ranking
    queries: Sequence[str]
    relevant: Sequence[Mapping[int, float]]
    unjudged: int
    stem: str | None = None

    def __len__(self) -> int:
        return len(self.queries)

    def texts(self) -> Iterator[str]:
        """Yield the title and the text of each document on disk, as one text."""
        assert isinstance(self.documents, Path)
        columns = [
            name for name in ("title", "text") if name == "text" or name in column_names(self.documents, "jsonl")
        ]
        return (" ".join(str(cell) for cell in cells if cell) for _, cells in table_rows(self.documents, columns))

    def ranking(self, vectors: WordVectors) -> Ranking:
        """Return the documents, to be ranked by these vectors, which are those of the index if there is one."""
        ranking = Ranking(vectors)
        if isinstance(self.documents, Ranking):
            return ranking.restored([self.documents.rows], self.documents.index)
        return ranking.added(self.texts())


def read_collection(path: str | PathLike[str]) -> Collection:
    """Read a collection from its directory or from one of its judgement files.

    ``qrels/test.tsv`` is read if there are several judgement files. Raise InputError if a file is missing or malformed.
    """
    judgements = Path(path) if Path(path).parent.name == QRELS else _judgements(Path(path))
    folder, lines = judgements.parent.parent, dict[str, int]()
    for name, (document,) in table_rows(folder / CORPUS, ["_id"]):
        if str(document) in lines:
            raise InputError(f"{name}: the _id {document!r} occurs twice; leave one of the documents out")
        lines[str(document)] = len(lines)
    texts = {str(query): str(text) for _, (query, text) in table_rows(folder / QUERIES, ["_id", "text"])}
    grades = _grades(judgements, table_rows(judgements, COLUMNS), lines, texts)
    queries = [query for query in grades if grades[query]]
    relevant = [grades[query] for query in queries]
    return Collection(folder / CORPUS, [texts[query] for query in queries], relevant, len(texts) - len(queries))


def read_table(path: str | PathLike[str], ids: Iterable[Any], documents: Ranking) -> Collection:
    """Read the judged questions of an index from a table. ``ids`` are the ids of the documents. Without a column
    ``grade``, each document is relevant. Raise InputError if the table is malformed."""
    names = column_names(Path(path), format_of_file(Path(path)))
    rows = table_rows(Path(path), [name for name in OF_INDEX if name != "grade" or name in names])
    grades = _grades(Path(path), rows, {str(document): row for row, document in enumerate(ids)})
    queries = [query for query in grades if grades[query]]
    relevant, stem = [grades[query] for query in queries], documents.language.name if documents.language else None
    return Collection(documents, queries, relevant, len(grades) - len(queries), stem)


def _grades(
    path: Path,
    rows: Iterable[tuple[str, tuple[Any, ...]]],
    places: dict[str, int],
    known: Container[str] | None = None,
) -> dict[str, dict[int, float]]:
    """Return the rows and the grades of the relevant documents of each query. ``places`` has the rows by ids, and
    ``known`` the ids of queries, if they have ids."""
    grades, documents = dict[str, dict[int, float]](), len(places)
    for name, (query, document, *score) in rows:
        if known is not None and str(query) not in known:
            raise InputError(f"{name}: the query {query!r} is not in {QUERIES}; leave its judgements out")
        of_query = grades.setdefault(str(query), {})
        if (grade := finite(f"{name}: the grade", *score or (1,))) > 0:
            of_query[places.setdefault(str(document), len(places))] = grade
    if not any(grades.values()):
        raise InputError(f"{path}: no document has a grade above 0: give judgements with relevant documents")
    if missing := len(places) - documents:
        logger.warning("%s: %s relevant documents are not among the documents and count as missed", path, missing)
    return grades


def _judgements(folder: Path) -> Path:
    """Return the path of the judgement file in a directory."""
    files = sorted((folder / QRELS).glob("*.tsv"))
    if not files:
        raise InputError(
            f"{folder}: holds no {QRELS}/*.tsv: give a directory with {CORPUS}, {QUERIES} and {QRELS}; a table of the "
            f"columns {', '.join(OF_INDEX)} needs an index of the documents: evaluate an index (wordsparse index)"
        )
    chosen = [path for path in files if path.stem == "test" or len(files) == 1]
    if not chosen:
        raise InputError(f"{folder}: has several files of judgements: name one of {', '.join(map(str, files))}")
    return chosen[0]

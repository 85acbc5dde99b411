"""Collections for judging search, in the layout of BEIR (Thakur et al., 2021): documents, queries and judgements.

``corpus.jsonl`` has documents with ``_id``, ``text`` and perhaps ``title``, ``queries.jsonl`` has queries with ``_id``
and ``text``, and ``qrels/NAME.tsv`` has the columns ``query-id``, ``corpus-id`` and ``score``, the grade of a document
for a query.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from wordsparse.corpus.tables import column_names, table_rows
from wordsparse.errors import InputError
from wordsparse.validation import finite

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
COLUMNS = ("query-id", "corpus-id", "score")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Collection:
    """Documents, which stay on disk, and the queries with a relevant document.

    ``relevant`` maps, for each query, the line number of each relevant document to its grade, which is above 0.
    ``unjudged`` is the number of queries that are left out because they have no relevant document.
    """

    corpus: Path
    queries: Sequence[str]
    relevant: Sequence[Mapping[int, float]]
    unjudged: int

    def __len__(self) -> int:
        return len(self.queries)

    def texts(self) -> Iterator[str]:
        """Yield the title and the text of each document, as one text."""
        columns = [name for name in ("title", "text") if name == "text" or name in column_names(self.corpus, "jsonl")]
        return (" ".join(str(cell) for cell in cells if cell) for _, cells in table_rows(self.corpus, columns))


def read_collection(path: str | PathLike[str]) -> Collection:
    """Read a collection from its directory or from one of its judgement files.

    ``qrels/test.tsv`` is read if there are several judgement files. Raise InputError if a file is missing or malformed.
    """
    judgements = Path(path) if Path(path).suffix == ".tsv" else _judgements(Path(path))
    folder, lines = judgements.parent.parent, dict[str, int]()
    for name, (document,) in table_rows(folder / CORPUS, ["_id"]):
        if str(document) in lines:
            raise InputError(f"{name}: the _id {document!r} occurs twice; leave one of the documents out")
        lines[str(document)] = len(lines)
    texts = {str(query): str(text) for _, (query, text) in table_rows(folder / QUERIES, ["_id", "text"])}
    grades, documents = dict[str, dict[int, float]](), len(lines)
    for name, (query, document, score) in table_rows(judgements, COLUMNS):
        if query not in texts:
            raise InputError(f"{name}: the query {query!r} is not in {QUERIES}; leave its judgements out")
        if (grade := finite(f"{name}: the score", score)) > 0:
            grades.setdefault(query, {})[lines.setdefault(document, len(lines))] = grade
    if not grades:
        raise InputError(f"{judgements}: no document has a score above 0: give judgements with relevant documents")
    if missing := len(lines) - documents:
        logger.warning("%s: %s relevant documents are not in %s and count as missed", judgements, missing, CORPUS)
    return Collection(
        folder / CORPUS, [texts[query] for query in grades], list(grades.values()), len(texts) - len(grades)
    )


def _judgements(folder: Path) -> Path:
    """Return the path of the judgement file in a directory."""
    files = sorted((folder / QRELS).glob("*.tsv"))
    if not files:
        raise InputError(f"{folder}: holds no {QRELS}/*.tsv: give a directory with {CORPUS}, {QUERIES} and {QRELS}")
    chosen = [path for path in files if path.stem == "test" or len(files) == 1]
    if not chosen:
        raise InputError(f"{folder}: has several files of judgements: name one of {', '.join(map(str, files))}")
    return chosen[0]

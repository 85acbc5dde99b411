"""The vectors of many texts, in memory or into a file; :mod:`wordsparse.vectors.encoder` says what they are."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus.tables import is_frame
from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.unseen import row_files
from wordsparse.vectors.encoder import Document
from wordsparse.vectors.word_vectors import WordVectors

T = TypeVar("T")

# Documents at a time.
BATCH = 4096


def encoded(vectors: WordVectors, documents: Iterable[Document]) -> NDArray[np.float32]:
    """The vectors of documents, (n, dim) float32; zeros for one without a word that has a vector.

    InputError if a document is neither a str nor a sequence of words.
    """
    if is_frame(documents):
        raise InputError("documents are texts, and a data frame has columns: give one of them, frame['text']")
    if not isinstance(documents, Iterable) or getattr(documents, "shape", None) == ():
        raise InputError(f"give texts, not {documents!r:.80}")
    parts = [vectors.encode(batch) for batch in batches(_checked(documents), BATCH)]
    return np.concatenate(parts or [np.zeros((0, vectors.dim), np.float32)])


def _checked(documents: Iterable[Any]) -> Iterator[Any]:
    for row, document in enumerate(documents):
        if isinstance(document, bytes) or not isinstance(document, Iterable):
            said = "a missing text is '', as fillna('') makes it"
            raise InputError(f"document {row} must be a text or a sequence of words, not {document!r:.80}: {said}")
        yield document


def batches(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """The items, ``most`` at a time."""
    waiting = iter(items)
    while batch := list(islice(waiting, most)):
        yield batch


class Written(NamedTuple):
    """What :func:`write` has written: ``documents`` rows of ``dim`` numbers, of which ``blank`` hold no word at all and
    ``unknown`` no known one; both have zeros."""

    documents: int
    dim: int
    blank: int
    unknown: int


class Row(NamedTuple):
    """A document: the cells that are kept beside its vector, and its words."""

    cells: Sequence[object]
    words: Sequence[str]


def write(
    vectors: WordVectors, documents: Iterable[Row], path: Path, keep: Sequence[str] = (), batch: int | None = None
) -> Written:
    """Write the vectors of documents as they come; see :func:`wordsparse.unseen.row_files.write`.

    Parameters
    ----------
    path : Path
        A file of rows, whose column ``vector`` stands behind the kept ones; or ``.npy`` or no suffix: a NumPy matrix
        (n, dim) float32, which keeps nothing beside it.
    keep : sequence of str
        The names of the kept cells.
    batch : int, optional
        Documents at a time, by default BATCH: 1 answers each as it comes.
    """
    if keep and path.suffix.lower() in ("", ".npy") and not outputs.is_stream(path):
        raise InputError(f"{path}: a NumPy matrix cannot keep {', '.join(keep)}: write .parquet, .csv or .jsonl")
    n = blank = zeros = 0

    def parts() -> Iterator[row_files.Part]:
        nonlocal n, blank, zeros
        for rows in batches(documents, batch or BATCH):
            made = vectors.encode([row.words for row in rows])
            n, blank = n + len(made), blank + sum(not len(row.words) for row in rows)
            zeros += int((~made.any(axis=1)).sum())
            yield {**{name: [row.cells[i] for row in rows] for i, name in enumerate(keep)}, "vector": made}
        if n == 0:
            yield {**dict.fromkeys(keep, ()), "vector": np.zeros((0, vectors.dim), np.float32)}

    row_files.write(path, parts(), WRITERS)
    return Written(n, vectors.dim, blank, zeros - blank)


def _write_npy(file: IO[bytes], parts: Iterable[row_files.Part]) -> None:
    # The header is padded for any number of rows: it is written again once that is known.
    n = 0
    for part in parts:
        rows = np.ascontiguousarray(part["vector"], "<f4")
        if n == 0:
            _write_header(file, (0, rows.shape[1]))
        file.write(rows.tobytes())
        n += len(rows)
    file.seek(0)
    _write_header(file, (n, rows.shape[1]))


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


WRITERS: dict[str, row_files.Writer] = {"": _write_npy, ".npy": _write_npy, **row_files.WRITERS}

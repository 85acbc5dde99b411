"""The vectors of many texts, in memory or into a file; :mod:`wordsparse.vectors.encoder` says what they are."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.corpus.tables import is_frame
from wordsparse.errors import InputError
from wordsparse.files import storage
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
    parts = [vectors.encode(batch) for batch in batches(documents)]
    return np.concatenate(parts or [np.zeros((0, vectors.dim), np.float32)])


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, BATCH at a time."""
    waiting = iter(items)
    while batch := list(islice(waiting, BATCH)):
        yield batch


class Written(NamedTuple):
    """What :func:`write` has written: ``documents`` rows of ``dim`` numbers, of which ``blank`` hold no word at all and
    ``unknown`` no known one; both have zeros."""

    documents: int
    dim: int
    blank: int
    unknown: int


def write(vectors: WordVectors, documents: Iterable[Sequence[str]], path: Path) -> Written:
    """Write the vectors of documents, as they come, as a file of rows, whole or not at all.

    InputError if ``path`` has another suffix, its directory does not exist, or it is not a regular file;
    MissingDependencyError if pyarrow is needed and not installed; WordsparseError if writing fails.

    Parameters
    ----------
    path : Path
        ``.parquet``: a column ``vector`` of float32 lists. ``.npy`` or no suffix: a NumPy matrix (n, dim) float32.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path}: vectors of documents are written as .npy or .parquet: choose one of these suffixes")
    storage.check_file(path, streams=False)
    dim, n, blank, zeros = vectors.dim, 0, 0, 0

    def rows() -> Iterator[NDArray[np.float32]]:
        nonlocal n, blank, zeros
        for batch in batches(documents):
            made = vectors.encode(batch)
            n, blank = n + len(made), blank + sum(not len(document) for document in batch)
            zeros += int((~made.any(axis=1)).sum())
            yield made

    storage.write_files(path, lambda staged: writer(staged, dim, rows()))
    return Written(n, dim, blank, zeros - blank)


def _write_npy(path: Path, dim: int, batches: Iterable[NDArray[np.float32]]) -> None:
    with open(path, "wb") as file:
        # The header is padded for any number of rows: it is written again once that is known.
        _write_header(file, (0, dim))
        n = sum(file.write(np.ascontiguousarray(rows, "<f4").data) for rows in batches) // (4 * dim)
        file.seek(0)
        _write_header(file, (n, dim))


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def _write_parquet(path: Path, dim: int, batches: Iterable[NDArray[np.float32]]) -> None:
    arrow, parquet = (optional.load("writing Parquet files", name) for name in ("pyarrow", "pyarrow.parquet"))
    schema = arrow.schema({"vector": arrow.list_(arrow.float32(), dim)})
    with parquet.ParquetWriter(path, schema, compression="none", use_dictionary=False) as file:
        for rows in batches:
            column = arrow.FixedSizeListArray.from_arrays(arrow.array(rows.reshape(-1)), dim)
            file.write_table(arrow.table([column], schema))


WRITERS = {"": _write_npy, ".npy": _write_npy, ".parquet": _write_parquet}

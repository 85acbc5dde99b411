"""The vectors of many texts, in memory or into a file; :mod:`wordsparse.vectors.encoder` says what they are."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.corpus.tables import is_frame
from wordsparse.errors import InputError
from wordsparse.files import outputs, storage
from wordsparse.vectors.encoder import Document
from wordsparse.vectors.formats._decimals import texts
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


class Rows(NamedTuple):
    """The vectors of some documents (n, dim), and the cells that are kept of each."""

    cells: list[Sequence[object]]
    vectors: NDArray[np.float32]


def write(
    vectors: WordVectors, documents: Iterable[Row], path: Path, keep: Sequence[str] = (), batch: int | None = None
) -> Written:
    """Write the vectors of documents, as they come, as a file of rows, whole or not at all; or to standard output.

    InputError if ``path`` has another suffix, its directory does not exist, or it is not a regular file;
    MissingDependencyError if pyarrow is needed and not installed; WordsparseError if writing fails.

    Parameters
    ----------
    path : Path
        ``.parquet``: a column ``vector`` of float32 lists behind the kept ones. ``.jsonl``, and ``-`` for standard
        output: an object on each line. ``.csv``: the numbers of a vector with spaces between them. ``.npy`` or no
        suffix: a NumPy matrix (n, dim) float32, which keeps nothing beside it.
    keep : sequence of str
        The names of the kept cells.
    batch : int, optional
        Documents at a time, by default BATCH: 1 answers each as it comes.
    """
    to_stream = outputs.is_stream(path)
    writer = _write_json if to_stream else WRITERS.get(path.suffix.lower())
    if writer is None:
        known = ", ".join(suffix for suffix in WRITERS if suffix)
        raise InputError(f"{path}: vectors of documents are written as {known}: choose one of these suffixes")
    if keep and writer is _write_npy:
        raise InputError(f"{path}: a NumPy matrix cannot keep {', '.join(keep)}: write .parquet, .csv or .jsonl")
    storage.check_file(path)
    dim, n, blank, zeros = vectors.dim, 0, 0, 0

    def rows() -> Iterator[Rows]:
        nonlocal n, blank, zeros
        for part in batches(documents, batch or BATCH):
            made = vectors.encode([row.words for row in part])
            n, blank = n + len(made), blank + sum(not len(row.words) for row in part)
            zeros += int((~made.any(axis=1)).sum())
            yield Rows([row.cells for row in part], made)

    names = [*keep, "vector"]
    if to_stream:
        with outputs.stream(path) as file:
            _write_json(file, names, dim, rows())
    else:
        storage.write_files(path, lambda staged: _to_file(staged, writer, names, dim, rows()))
    return Written(n, dim, blank, zeros - blank)


def _to_file(path: Path, writer: "Writer", names: Sequence[str], dim: int, rows: Iterable[Rows]) -> None:
    with open(path, "wb") as file:
        writer(file, names, dim, rows)


def _write_json(file: IO[bytes], names: Sequence[str], dim: int, rows: Iterable[Rows]) -> None:
    for part in rows:
        for cells, vector in zip(*part, strict=True):
            values = [*cells, [float(f"{number:.9g}") for number in vector.tolist()]]
            line = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, default=str)
            file.write(line.encode("utf-8", "surrogateescape") + b"\n")
        file.flush()


def _write_csv(file: IO[bytes], names: Sequence[str], dim: int, rows: Iterable[Rows]) -> None:
    with io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="") as text:
        table = csv.writer(text, lineterminator="\n")
        table.writerow(names)
        for part in rows:
            for cells, numbers in zip(part.cells, texts(part.vectors), strict=True):
                table.writerow([*cells, numbers.decode()])


def _write_npy(file: IO[bytes], names: Sequence[str], dim: int, rows: Iterable[Rows]) -> None:
    # The header is padded for any number of rows: it is written again once that is known.
    _write_header(file, (0, dim))
    n = sum(file.write(np.ascontiguousarray(part.vectors, "<f4").data) for part in rows) // (4 * dim)
    file.seek(0)
    _write_header(file, (n, dim))


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def _write_parquet(file: IO[bytes], names: Sequence[str], dim: int, rows: Iterable[Rows]) -> None:
    arrow, parquet = (optional.load("writing Parquet files", name) for name in ("pyarrow", "pyarrow.parquet"))
    vector, text, writer = arrow.list_(arrow.float32(), dim), arrow.string(), None
    for part in rows:
        columns = [arrow.array(list(column)) for column in zip(*part.cells, strict=True)] if names[1:] else []
        if writer is None:  # the first rows say what the kept cells are
            kinds = [text if arrow.types.is_null(column.type) else column.type for column in columns]
            schema = arrow.schema([*zip(names, [*kinds, vector], strict=True)])
            writer = parquet.ParquetWriter(file, schema, compression="none", use_dictionary=False)
        try:
            columns = [column.cast(kind) for column, kind in zip(columns, kinds, strict=True)]
        except arrow.ArrowInvalid as error:
            raise InputError(f"a kept column has cells of several kinds: {error}; write .csv or .jsonl") from error
        column = arrow.FixedSizeListArray.from_arrays(arrow.array(part.vectors.reshape(-1)), dim)
        writer.write_table(arrow.table([*columns, column], schema))
    if writer is None:
        schema = arrow.schema([*((name, text) for name in names[:-1]), (names[-1], vector)])
        writer = parquet.ParquetWriter(file, schema)
    writer.close()


Writer: TypeAlias = Callable[[IO[bytes], Sequence[str], int, Iterable[Rows]], None]
WRITERS: dict[str, Writer] = {
    "": _write_npy,
    ".npy": _write_npy,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json,
}

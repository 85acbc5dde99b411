"""The vectors of many texts, in a file; :mod:`wordsparse.vectors.encoder` says what they are."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.unseen import row_files
from wordsparse.vectors.encoder import BATCH, batches
from wordsparse.vectors.word_vectors import WordVectors


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
        raise InputError(f"{path}: a NumPy matrix cannot keep {', '.join(keep)}: write .parquet or .jsonl")
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

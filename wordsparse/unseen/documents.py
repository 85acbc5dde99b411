"""The vectors of texts: the weighted mean of their words' unit vectors, scaled to length one.

    d ∝ Σ_w s/(s + p_w) v_w/|v_w|      over every occurrence of a word, p_w its share of the model's text

(SIF; Arora et al., 2017, without the removal of common components). A word that the model does not know has p = 0 and
the vector that its n-grams compose, where the model has some.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.corpus.tables import is_frame
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.words.coordinates import lengths_of
from wordsparse.words.model import Model

Document: TypeAlias = str | Sequence[str]
"""A text, which the model's tokeniser splits, or its words."""
T = TypeVar("T")

# s: a word of this share of the text counts half.
SMOOTHING = 1e-3
# Documents at a time, and unknown words whose composed vectors are kept.
BATCH, MOST_COMPOSED = 4096, 2**16


def encoded(model: Model, documents: Iterable[Document]) -> NDArray[np.float32]:
    """The vectors of documents, (n, dim) float32; zeros for one without a word that has a vector.

    InputError if a document is neither a str nor a sequence of words.
    """
    if is_frame(documents):
        raise InputError("documents are texts, and a data frame has columns: give one of them, frame['text']")
    if not isinstance(documents, Iterable) or getattr(documents, "shape", None) == ():
        raise InputError(f"give texts, not {documents!r:.80}")
    encoder = Encoder(model)
    parts = [encoder.vectors(batch) for batch in batches(documents)]
    return np.concatenate(parts or [np.zeros((0, model.dim), np.float32)])


class Encoder:
    """Makes the vectors of documents by a model."""

    def __init__(self, model: Model) -> None:
        self._model, self._ids = model, {word: row for row, word in enumerate(model.vocabulary.words)}
        counts = np.asarray(model.vocabulary.counts)
        self._weights = (SMOOTHING / (SMOOTHING + counts / counts.sum())).astype(np.float32)
        self._composed: dict[str, NDArray[np.float32] | None] = {}

    def vectors(self, documents: Sequence[Document]) -> NDArray[np.float32]:
        """(n, dim) float32. The vector of a document does not depend on those beside it."""
        words = [self._words(document) for document in documents]
        sizes = np.fromiter(map(len, words), np.int64, len(words))
        ids = np.fromiter((self._ids.get(word, -1) for word in chain.from_iterable(words)), np.int64, int(sizes.sum()))
        rows = np.repeat(np.arange(len(words)), sizes)[ids >= 0]
        known = ids[ids >= 0]
        occurrences = sp.csr_array(
            (self._weights[known], known, np.searchsorted(rows, np.arange(len(words) + 1))),
            (len(words), len(self._ids)),
        )
        sums: NDArray[np.float32] = occurrences @ self._model.wv.unit
        if self._model.subwords is not None and known.size < ids.size:
            for row, document in enumerate(words):
                for word in document:
                    if word not in self._ids and (composed := self._compose(word)) is not None:
                        sums[row] += composed
        sums /= lengths_of(sums)[:, None]
        return sums

    def _words(self, document: object) -> Sequence[str]:
        if isinstance(document, str):
            return self._model.split(document)
        if isinstance(document, bytes) or not isinstance(document, Iterable):
            raise InputError(f"a document must be a text or a sequence of words, not {document!r:.80}")
        return document if isinstance(document, Sequence) else list(document)

    def _compose(self, word: str) -> NDArray[np.float32] | None:
        """The unit vector of an unknown word; None where no n-gram of it is known."""
        if word not in self._composed:
            if len(self._composed) >= MOST_COMPOSED:
                self._composed.clear()
            assert self._model.subwords is not None
            vector = self._model.subwords.table.vector(word)
            self._composed[word] = None if vector is None else vector / lengths_of(vector[None])[0]
        return self._composed[word]


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


def write(model: Model, documents: Iterable[Sequence[str]], path: Path) -> Written:
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
    encoder, dim, n, blank, zeros = Encoder(model), model.dim, 0, 0, 0

    def rows() -> Iterator[NDArray[np.float32]]:
        nonlocal n, blank, zeros
        for batch in batches(documents):
            made = encoder.vectors(batch)
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

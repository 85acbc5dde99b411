"""The vectors of documents, while all else of the model stays: exact ones, weighted means of words, or both.

The exact vector is the input a whose targets are the document's words, each by the probability with which subsampling
keeps it, over the whole vocabulary (:mod:`wordsparse.unseen.objective`): PV-DBOW (Le & Mikolov, 2014) without sampling.
The weighted mean is SIF's (Arora et al., 2017): Σ s/(s + p(w)) v_w / Σ s/(s + p(w)), p the share of w in the text.
docs/new-words.md says which is better for what.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.corpus.columns import is_frame
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.types import Array
from wordsparse.unseen.objective import Objective, objective_of, unit
from wordsparse.unseen.solver import minimise
from wordsparse.words.model import WordModel

Document: TypeAlias = str | Sequence[str]
"""A text, which the model's tokeniser splits, or its words."""
T = TypeVar("T")

# s of the weighted mean: a word of this share of the text counts half.
SIF = 1e-3
# Documents at a time.
BATCH = 1024


def vectors(
    model: WordModel, documents: Sequence[Document], *, sif: bool = False, both: bool = False
) -> NDArray[np.float32]:
    """The vectors of documents, (n, dim) float32 of length one; zeros for a document without a known word.

    InputError if a document is neither a str nor a sequence of words, or the model cannot infer.

    Parameters
    ----------
    model : WordModel
        For exact vectors, trained with the loss bounded-ns.
    documents : sequence of str or of sequences of words
        The model's tokeniser splits a str.
    sif : bool
        The weighted mean of the words' vectors (composed ones included), better for similarity.
    both : bool
        The exact vector and the weighted mean, one after the other: (n, 2 dim); better as features of a classifier.
    """
    words = [_words(model, document) for document in documents]
    counts = _word_counts(model, words)
    exact = [_exact(objective_of(model), counts)] if both or not sif else []
    if model.axes is not None:
        exact = [rows @ model.axes for rows in exact]
    return np.concatenate([*exact, *([_means(model, words, counts)] if both or sif else [])], axis=1).astype(np.float32)


def stream(
    model: WordModel, documents: Iterable[Document], *, sif: bool = False, both: bool = False
) -> Iterator[NDArray[np.float32]]:
    """The vectors of any number of documents, (at most BATCH, dim) at a time; InputError as :func:`vectors`."""
    if is_frame(documents):
        raise InputError("documents are texts, and a data frame has columns: give one of them, frame['text']")
    for batch in batches(documents):
        yield vectors(model, batch, sif=sif, both=both)


def _words(model: WordModel, document: object) -> Sequence[str]:
    if isinstance(document, str):
        return model.split(document)
    if isinstance(document, bytes) or not isinstance(document, Iterable):
        raise InputError(f"a document must be a text or a sequence of words, not {document!r:.80}")
    return document if isinstance(document, Sequence) else list(document)


def _word_counts(model: WordModel, documents: Sequence[Sequence[str]]) -> sp.csr_array:
    """How often each known word occurs in each document, (n, V)."""
    known = [model.vocabulary.ids(document) for document in documents]
    ends = np.cumsum([0, *map(len, known)])
    ids = np.fromiter(chain.from_iterable(known), np.int64, int(ends[-1]))
    counts = sp.csr_array((np.ones(len(ids)), ids, ends), shape=(len(documents), len(model)))
    counts.sum_duplicates()
    return counts


def _exact(o: Objective, counts: sp.csr_array) -> Array:
    y, sizes, n = counts.data * o.keep[counts.indices], np.diff(counts.indptr), counts.shape[0]
    rows = o.outputs[counts.indices]
    mass = np.bincount(np.repeat(np.arange(n), sizes), y, minlength=n)[:, None]
    linear, diagonal = (mass * o.linear).astype(np.float32), (mass * o.curvature + o.doubt).astype(np.float32)
    found = minimise(rows[:, :-1], y, rows[:, -1], sizes, linear, diagonal)
    return np.where(mass > 0, unit(found), 0)


def _means(model: WordModel, documents: Sequence[Sequence[str]], counts: sp.csr_array) -> Array:
    times = np.asarray(model.vocabulary.counts)
    weights = (SIF / (SIF + times / times.sum()))[counts.indices]
    means = sp.csr_array((counts.data * weights, counts.indices, counts.indptr), counts.shape) @ model.vectors
    if model.subwords is not None:
        compose = model.subwords.table.vector
        for row, document in enumerate(documents):
            for word in document:
                if word not in model.vocabulary and (composed := compose(word)) is not None:
                    means[row] += composed
    return unit(means)


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


def write(
    model: WordModel, documents: Iterable[Sequence[str]], path: Path, *, sif: bool = False, both: bool = False
) -> Written:
    """Write the vectors of documents, as they come, as a file of rows, whole or not at all.

    InputError if ``path`` has another suffix, its directory does not exist, it is not a regular file, or the model
    cannot infer; MissingDependencyError if pyarrow is needed and not installed; WordsparseError if writing fails.

    Parameters
    ----------
    path : Path
        ``.parquet``: a column ``vector`` of float32 lists. ``.npy`` or no suffix: a NumPy matrix (n, dim) float32.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path}: vectors of documents are written as .npy or .parquet: choose one of these suffixes")
    storage.check_file(path, streams=False)
    dim, n, blank, zeros = model.dim * (2 if both else 1), 0, 0, 0

    def rows() -> Iterator[NDArray[np.float32]]:
        nonlocal n, blank, zeros
        for batch in batches(documents):
            made = vectors(model, batch, sif=sif, both=both)
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

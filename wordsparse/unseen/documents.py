"""The vectors of documents, while all else of the model stays: exact ones, weighted means of words, or both.

The exact vector is the input a whose targets are the document's words, each by the probability with which subsampling
keeps it, over the whole vocabulary (:mod:`wordsparse.unseen.objective`): PV-DBOW (Le & Mikolov, 2014) without sampling.
The weighted mean is SIF's (Arora et al., 2017): Σ s/(s + p(w)) v_w / Σ s/(s + p(w)), p the share of w in the text.
docs/new-words.md says which is better for what.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.corpus.blocks import decoded, text_blocks
from wordsparse.corpus.sources import find_files
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.unseen.objective import Objective, objective_of
from wordsparse.unseen.solver import minimise
from wordsparse.words.model import WordModel

Array = NDArray[Any]

# s of the weighted mean: a word of this share of the text counts half.
SIF = 1e-3
# Documents at a time.
BATCH = 1024


class Documents:
    """Vectors of documents by a model, prepared once.

    Parameters
    ----------
    model : WordModel
        For exact vectors, trained with the loss bounded-ns.
    """

    def __init__(self, model: WordModel) -> None:
        self._model = model

    def vectors(
        self, documents: Sequence[Sequence[str]], *, sif: bool = False, both: bool = False
    ) -> NDArray[np.float32]:
        """The vectors of documents, (n, dim) float32 of length one; zeros for a document without a known word.

        Parameters
        ----------
        documents : sequence of sequences of words
        sif : bool
            The weighted mean of the words' vectors (composed ones included), better for similarity.
        both : bool
            The exact vector and the weighted mean, one after the other: (n, 2 dim); better as features of a classifier.

        Raises
        ------
        InputError
            If a document is not a sequence of words, or the model cannot infer.
        """
        for document in documents:
            if isinstance(document, str):
                raise InputError(f"a document must be a sequence of words, not {document!r:.80}: split it")
        parts = []
        if both or not sif:
            parts.append(self._exact(documents))
        if both or sif:
            parts.append(self._means(documents))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def stream(
        self, documents: Iterable[Sequence[str]], *, sif: bool = False, both: bool = False
    ) -> Iterator[NDArray[np.float32]]:
        """The vectors of any number of documents, (at most BATCH, dim) at a time."""
        waiting = iter(documents)
        while batch := list(islice(waiting, BATCH)):
            yield self.vectors(batch, sif=sif, both=both)

    def _exact(self, documents: Sequence[Sequence[str]]) -> Array:
        o: Objective = objective_of(self._model)
        counts = self._word_counts(documents)
        y = counts.data * o.keep[counts.indices]
        rows = o.outputs[counts.indices]
        sizes = np.diff(counts.indptr)
        mass = np.bincount(np.repeat(np.arange(len(documents)), sizes), y, minlength=len(documents))[:, None]
        linear, diagonal = (mass * o.linear).astype(np.float32), (mass * o.curvature + o.doubt).astype(np.float32)
        found = minimise(rows[:, :-1], y, rows[:, -1], sizes, linear, diagonal)
        return np.where(mass > 0, _unit(found), 0)

    def _word_counts(self, documents: Sequence[Sequence[str]]) -> sp.csr_array:
        """How often each known word occurs in each document, (n, V)."""
        known = [self._model.vocabulary.ids(document) for document in documents]
        ends = np.cumsum([0, *map(len, known)])
        ids = np.fromiter(chain.from_iterable(known), np.int64, int(ends[-1]))
        counts = sp.csr_array((np.ones(len(ids)), ids, ends), shape=(len(documents), len(self._model)))
        counts.sum_duplicates()
        return counts

    def _means(self, documents: Sequence[Sequence[str]]) -> Array:
        counts = np.asarray(self._model.vocabulary.counts)
        counted = self._word_counts(documents)
        counted.data *= (SIF / (SIF + counts / counts.sum()))[counted.indices]
        means = counted @ self._model.vectors
        if self._model.subwords is not None:
            compose = self._model.subwords.table.vector
            for row, document in enumerate(documents):
                for word in document:
                    if word not in self._model.vocabulary and (composed := compose(word)) is not None:
                        means[row] += composed
        return _unit(means)


def lines(paths: Sequence[str | PathLike[str]]) -> Iterator[list[str]]:
    """The tokens of each line of text files, between white space; an empty list for a line without any.

    Raises
    ------
    InputError
        At the call, if a file is missing or unreadable; while reading, if one is binary or not UTF-8.
    """
    files = find_files(paths)

    def read() -> Iterator[list[str]]:
        for file in files:
            line: list[str] = []
            for position, data in text_blocks(file):
                *whole, rest = decoded(file, position, data).split("\n")
                for part in whole:
                    yield line + part.split()
                    line = []
                line += rest.split()
            if line:
                yield line

    return read()


def write_npy(
    model: WordModel, documents: Iterable[Sequence[str]], path: Path, *, sif: bool = False, both: bool = False
) -> tuple[int, int, int]:
    """Write the vectors of documents, as they come, as a NumPy file (n, dim) float32, whole or not at all.

    Returns
    -------
    (int, int, int)
        The number of documents, of those without a known word, whose rows are zeros, and of columns.

    Raises
    ------
    InputError
        If the directory of ``path`` does not exist, ``path`` is not a regular file, or the model cannot infer.
    WordsparseError
        If writing fails.
    """
    storage.check_file(path, streams=False)
    vectors = Documents(model)
    dim, n, unknown = model.dim * (2 if both else 1), 0, 0

    def write(staged: Path) -> None:
        nonlocal n, unknown
        with open(staged, "wb") as file:
            # The header is padded for any number of rows: it is written again once that is known.
            _write_header(file, (n, dim))
            for rows in vectors.stream(documents, sif=sif, both=both):
                file.write(np.ascontiguousarray(rows, "<f4").data)
                n, unknown = n + len(rows), unknown + int((~rows.any(axis=1)).sum())
            file.seek(0)
            _write_header(file, (n, dim))

    storage.write_files(path, write)
    return n, unknown, dim


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def _unit(rows: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))

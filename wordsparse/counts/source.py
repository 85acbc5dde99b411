"""Counted pairs as a source: minibatches of pieces of counts, in the order of :mod:`wordsparse.counts.pieces`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from wordsparse import validation
from wordsparse.corpus import Vocabulary
from wordsparse.corpus.options import PlainOptions
from wordsparse.counts.pieces import PIECES_PER_TOKEN, Pieces, ordered
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.kernels import Csr
from wordsparse.layer.interface import Targets
from wordsparse.options import option
from wordsparse.types import Array
from wordsparse.words.examples import Examples, keep_thresholds, unique_words
from wordsparse.words.options import Options
from wordsparse.words.presets import Preset
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build, Ids, Piece, Sizes, Split


@dataclass(frozen=True, kw_only=True)
class PairOptions(PlainOptions):
    """How tables of counted pairs are read."""

    min_count: int = option(1, "Minimum number of occurrences of a word, as its counts tell them.")
    max_vocab: int | None = option(None, "Maximum number of words; the most frequent are kept.")

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.positive_int("min_count", self.min_count)
        if self.max_vocab is not None:
            validation.positive_int("max_vocab", self.max_vocab)


class CountSource:
    """The source of tables of pairs; see :class:`wordsparse.words.source.Source`. A pair stands for a token and a
    position."""

    options = PairOptions
    preset = Preset(SOURCES["counts"][1], {"model": "skipgram"}, min_count=1)

    def __init__(self, tables: Any, options: PairOptions) -> None:
        """InputError as :func:`wordsparse.counts.tables.pairs`."""
        self.pieces = ordered(tables, options.min_count, options.max_vocab)
        self.vocabulary, self._options = self.pieces.vocabulary, options
        self.length = max(1, round(self.pieces.number / PIECES_PER_TOKEN))
        self.rate = self.pieces.number / self.length

    def identity(self) -> dict[str, Any]:
        counts = {"tokens": self.length, "sentences": self.pieces.number, "distinct_words": self.pieces.distinct_words}
        how = {"min_count": self._options.min_count, "max_vocab": self._options.max_vocab, "tokenization": None}
        return {"sha256": self.pieces.sha256, **counts, **how, "pairs": True}

    def passes(self, options: Options, vocabulary: Vocabulary) -> "PairSlices":
        if options.model != "skipgram":
            raise InputError("counted pairs say what is around a word, as skip-gram learns it: give model=skipgram")
        most = None if options.max_tokens is None else round(options.max_tokens * self.rate)
        return PairSlices(self.pieces, most, options.heldout, options.seed, vocabulary)

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        return PairBuilder(vocabulary, options.sample, transposed=transposed)


class PairSlices:
    """The pieces of counted pairs as minibatches; see :class:`wordsparse.words.source.Passes`.

    The ``ids`` of a piece are pairs, (pairs, 3): word, context and the bits of the weight.
    """

    def __init__(
        self, pieces: Pieces, max_pairs: int | None, heldout: float, seed: int, vocabulary: Vocabulary
    ) -> None:
        own = vocabulary is pieces.vocabulary
        self._rows = None if own else pieces.vocabulary.rows_in(vocabulary)
        self._pieces = pieces
        self.positions = pieces.number if max_pairs is None else min(pieces.number, max_pairs)
        self._split = Split(self.positions, heldout, seed) if heldout > 0 else None
        held = 0 if self._split is None else int(self._split.mask(0, self.positions).sum())
        self.tokens = self.positions - held

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        return self._cut(sizes, False, first)

    def heldout(self, size: int) -> Iterator[Piece]:
        return self._cut(lambda position: size, True, 0)

    def _cut(self, sizes: Sizes, heldout: bool, first: int) -> Iterator[Piece]:
        while first < self.positions:
            stop = min(self.positions, first + sizes(first))
            own = None if self._split is None else self._split.mask(first, stop - first) == heldout
            size = stop - first if own is None else int(own.sum())
            # Positions before the piece's end, as for text: `end` is `offset` and the size.
            yield Piece(Ids(partial(self._pairs, first, stop, own)), 0, size, stop - size)
            first = stop

    def _pairs(self, first: int, stop: int, own: Array | None) -> Array:
        pairs = self._pieces[first:stop]
        if own is not None:
            pairs = pairs[own]
        if self._rows is not None:
            pairs = np.column_stack([self._rows[pairs[:, :2]].astype(np.int32), pairs[:, 2]])
        return pairs


class PairBuilder:
    """The examples of counted pairs, as skip-gram's: one a word, whose targets are its contexts.

    A pair counts by its weight times the probability that both of its words are kept, whatever the epoch.
    """

    def __init__(self, vocabulary: Vocabulary, sample: float, *, transposed: bool) -> None:
        keep_below = keep_thresholds(np.asarray(vocabulary.counts), sample)
        self._kept = ((keep_below + 1.0) / 2**32).astype(np.float32)  # the probability
        self._slot, self._transposed = np.full(len(vocabulary), -1, np.int32), transposed

    def __call__(self, pairs: ArrayLike, start: int, stop: int, *, offset: int, epoch: int) -> Examples:
        """The examples of ``pairs[start:stop]``, (any, 3) int32: word, context and the bits of a float32."""
        taken = np.asarray(pairs)[start:stop]
        n, both = len(taken), taken[:, :2].T.ravel()
        weights = taken[:, 2].view(np.float32) * self._kept[both[:n]] * self._kept[both[n:]]
        words = unique_words(both, 2 * n, self._slot)
        entries = sp.coo_array((weights, (both[:n], both[n:])), shape=(len(words), len(words)))
        entries.has_canonical_format = True  # equal pairs stay apart
        rows, transposed = entries.tocsr(), None
        if self._transposed:
            turned = sp.csr_array((np.arange(n), rows.indices, rows.indptr), rows.shape).tocsc()
            transposed = Csr(turned.indptr.astype(np.int64), turned.indices, len(words), turned.data)
        targets = Targets(words, Csr.of(rows), rows.data, transposed)
        return Examples(targets, None, n, float(weights.sum(dtype=np.float64)))

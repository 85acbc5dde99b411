"""Counted pairs as a source: minibatches of pieces of counts, in the order of :mod:`wordsparse.corpus.counts`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.errors import InputError
from wordsparse.words.options import EPOCHS, Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build, Piece, Sizes, Split
from wordsparse.words.text_source import example_builder


class CountSource:
    """The source of an encoded corpus of pairs; see :class:`wordsparse.words.source.Source`. A pair stands for a token
    and a position."""

    def __init__(self, corpus: EncodedCorpus) -> None:
        self.corpus, self.vocabulary, self.length = corpus, corpus.vocabulary, corpus.tokens
        self.rate = corpus.sentences / corpus.tokens

    def identity(self) -> dict[str, Any]:
        return self.corpus.identity()

    def epochs(self, max_tokens: int | None) -> int:
        return EPOCHS

    def passes(self, options: Options, vocabulary: Vocabulary) -> "PairSlices":
        if options.model != "skipgram":
            raise InputError("counted pairs say what is around a word, as skip-gram learns it: give model=skipgram")
        most = None if options.max_tokens is None else round(options.max_tokens * self.rate)
        return PairSlices(self.corpus, most, options.heldout, options.seed, vocabulary)

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        return example_builder(options, recipe, vocabulary, transposed=transposed).counted


class PairSlices:
    """The counted pairs of a corpus as minibatches; see :class:`wordsparse.words.source.Passes`.

    The ``ids`` of a piece are pairs, (pairs, 3): word, context and the bits of the weight.
    """

    def __init__(
        self, corpus: EncodedCorpus, max_pairs: int | None, heldout: float, seed: int, vocabulary: Vocabulary
    ) -> None:
        own = vocabulary is corpus.vocabulary
        rows = [-1, *corpus.vocabulary.rows_in(vocabulary).tolist(), -1]
        self._rows = None if own else np.array(rows, np.int32)
        self._pairs = corpus.shards[0]
        self.positions = corpus.sentences if max_pairs is None else min(corpus.sentences, max_pairs)
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
            pairs = self._pairs[3 * first : 3 * stop].reshape(-1, 3)
            if self._split is not None:
                pairs = pairs[self._split.mask(first, stop - first) == heldout]
            if self._rows is not None:
                # Ids outside, which the examples refuse, become -1.
                ids = self._rows.take(pairs[:, :2] + 1, mode="clip")
                pairs = np.column_stack([ids, pairs[:, 2]])
            # Positions before the piece's end, as for text: `end` is `offset` and the size.
            yield Piece(pairs, 0, len(pairs), stop - len(pairs))
            first = stop

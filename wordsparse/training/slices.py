"""A corpus cut into minibatches: which positions each takes, which are trained on and which are held out.

A position is the index of a value in all shards, one after the other. Held-out text is a set of blocks of positions,
chosen by the seed and the number of positions alone, whatever the minibatches and threads. Text that does not belong to
a pass reads as the end of a sentence there, so a window never holds words of both kinds.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus, Vocabulary
from wordsparse.corpus.shards import Values
from wordsparse.corpus.walks import Walks
from wordsparse.types import Array

# Windows at the border of a minibatch see at most this many positions beyond it.
REACH = 2**14
# Positions in a block of held-out text: many more than in a window. A short text has MIN_BLOCKS shorter blocks.
HELDOUT_BLOCK = 1024
MIN_BLOCKS = 200


class Slice(NamedTuple):
    """A piece of a text: its centre tokens are ``ids[start:stop]``, and ``ids[0]`` is at the position ``offset``.

    ``ids`` also holds the surrounding text that windows may reach.
    """

    ids: Array
    start: int
    stop: int
    offset: int

    def part(self, number: int, parts: int) -> "Slice":
        """One of as many equal parts of its centre tokens."""
        size = self.stop - self.start
        return self._replace(start=self.start + size * number // parts, stop=self.start + size * (number + 1) // parts)

    @property
    def centre(self) -> Array:
        """Its centre tokens."""
        return self.ids[self.start : self.stop]

    @property
    def end(self) -> int:
        """The position after its last centre token."""
        return self.offset + self.stop


class Split:
    """The choice of held-out positions.

    Block b is held out if ⌊(b + 1) x + u⌋ > ⌊b x + u⌋, where u is uniform on [0, 1) by the seed. The held-out blocks
    are spread evenly over the text, and their fraction is x, exact to one block.

    Parameters
    ----------
    positions : int
        Number of positions of the text.
    fraction : float
        The fraction x, 0 ≤ x < 1.
    seed : int
    """

    def __init__(self, positions: int, fraction: float, seed: int) -> None:
        self.block = min(HELDOUT_BLOCK, max(1, positions // MIN_BLOCKS))
        edges = np.arange(-(-positions // self.block) + 1) * fraction + np.random.default_rng([seed, 1]).random()
        self.blocks = np.diff(np.floor(edges)) > 0

    def mask(self, first: int, size: int) -> Array:
        """Whether each of ``size`` positions from ``first`` on is held out; (size,) bool."""
        blocks = self.blocks[first // self.block : -(-(first + size) // self.block)]
        return np.repeat(blocks, self.block)[first % self.block :][:size]


class Slices:
    """The first ``max_tokens`` tokens of a corpus as minibatches of training text and of held-out text.

    If a ``vocabulary`` is given, which must contain all words of the corpus's vocabulary, the ids are its ids.

    Attributes
    ----------
    tokens, heldout_tokens : int
        Tokens of each kind in one pass.
    positions : int
        Number of positions of both kinds, including ends of sentences.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        max_tokens: int | None,
        heldout: float,
        seed: int,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._table, self._seed = None, seed
        if vocabulary is not None and vocabulary is not corpus.vocabulary:
            # Negative values index from the end, where −1 and −2 map to themselves.
            specials = [END_OF_SENTENCE, OUT_OF_VOCABULARY]
            self._table = np.append(corpus.vocabulary.rows_in(vocabulary), specials).astype(np.int32)
        # Each shard, the number of its values that are used, and the position of its first value.
        self._shards: list[tuple[Values, int, int]] = []
        left, offset = max_tokens or max(1, corpus.tokens), 0
        self.tokens, self.heldout_tokens = min(corpus.tokens, left), 0
        for shard in corpus.shards:
            stop, left = _end_of_tokens(shard, left)
            self._shards.append((shard, stop, offset))
            offset += stop
            if left == 0:
                break
        self.positions = offset
        self._split = Split(offset, heldout, seed) if heldout > 0 else None
        if self._split is not None:
            chunks = self.heldout(2**20)
            self.heldout_tokens = sum(
                int(np.sum(chunk.ids[chunk.start : chunk.stop] != END_OF_SENTENCE)) for chunk in chunks
            )
            self.tokens -= self.heldout_tokens

    def train(self, batch_tokens: int | Callable[[int], int], first: int = 0, epoch: int = 0) -> Iterator[Slice]:
        """The slices from the position ``first`` on, which must be the first position of a slice.

        ``batch_tokens`` is the number of centre tokens, or a function that returns it for the first position of a
        slice. Walks on a graph are other ones in each ``epoch``.
        """
        size = batch_tokens if callable(batch_tokens) else lambda position: batch_tokens
        return self._cut(size, False, first, epoch)

    def heldout(self, batch_tokens: int) -> Iterator[Slice]:
        """The same as :meth:`train` for the held-out text."""
        return self._cut(lambda position: batch_tokens, True, 0, 0)

    def _cut(self, size: Callable[[int], int], heldout: bool, first: int, epoch: int) -> Iterator[Slice]:
        for shard, end, offset in self._shards:
            stop, reach = max(0, first - offset), REACH
            if isinstance(shard, Walks):
                shard, reach = shard.of(self._seed, epoch), min(REACH, shard.reach)
            while stop < end:
                start, stop = stop, min(stop + size(offset + stop), end)
                low, high = max(0, start - reach), min(end, stop + reach)
                ids = shard[low:high]
                if self._table is not None:
                    ids = self._table[ids]
                if self._split is not None:
                    other = self._split.mask(offset + low, high - low) != heldout
                    ids = np.where(other, np.int32(END_OF_SENTENCE), ids)
                yield Slice(ids, start - low, stop - low, offset + low)


class PairSlices:
    """The counted pairs of a corpus as minibatches: :class:`Slices`, where a pair stands for a token and a position.

    The ``ids`` of a slice are pairs, (pairs, 3): word, context and the bits of the weight.
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
        self.tokens, self.heldout_tokens = self.positions - held, held

    def train(self, batch_pairs: int | Callable[[int], int], first: int = 0, epoch: int = 0) -> Iterator[Slice]:
        """See :meth:`Slices.train`."""
        return self._cut(batch_pairs if callable(batch_pairs) else lambda position: batch_pairs, False, first)

    def heldout(self, batch_pairs: int) -> Iterator[Slice]:
        """See :meth:`Slices.heldout`."""
        return self._cut(lambda position: batch_pairs, True, 0)

    def _cut(self, size: Callable[[int], int], heldout: bool, first: int) -> Iterator[Slice]:
        while first < self.positions:
            stop = min(self.positions, first + size(first))
            pairs = self._pairs[3 * first : 3 * stop].reshape(-1, 3)
            if self._split is not None:
                pairs = pairs[self._split.mask(first, stop - first) == heldout]
            if self._rows is not None:
                # Ids outside, which the examples refuse, become -1.
                ids = self._rows.take(pairs[:, :2] + 1, mode="clip")
                pairs = np.column_stack([ids, pairs[:, 2]])
            # Positions before the slice's end, as for text: `end` is `offset` and the size.
            yield Slice(pairs, 0, len(pairs), stop - len(pairs))
            first = stop


def _end_of_tokens(shard: Values, max_tokens: int) -> tuple[int, int]:
    """The end of the first ``max_tokens`` corpus tokens of a shard, and the number left for the shards after it.

    The shard ends there, so that no window reaches beyond.
    """
    if isinstance(shard, Walks):
        end = min(shard.end_of_tokens(max_tokens), shard.shape[0])
        return end, max_tokens - min(max_tokens, shard.tokens)
    block = 2**20
    for start in range(0, shard.shape[0], block):
        tokens = np.flatnonzero(shard[start : start + block] != END_OF_SENTENCE)
        if tokens.shape[0] >= max_tokens:
            return start + int(tokens[max_tokens - 1]) + 1, 0
        max_tokens -= tokens.shape[0]
    return shard.shape[0], max_tokens

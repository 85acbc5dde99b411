"""A corpus cut into minibatches: which positions each takes, which are trained on and which are held out.

A position is the index of a value in all shards, one after the other. Held-out text is a set of blocks of positions,
chosen by the seed and the number of positions alone, whatever the minibatches and threads. Text that does not belong to
a pass reads as the end of a sentence there, so a window never holds words of both kinds.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus, Vocabulary
from wordsparse.corpus.shard import Shard

Array = NDArray[Any]

# A window that reaches over the cut between two minibatches sees at most so many positions beyond it.
REACH = 2**14
# Positions of a block of held-out text: long beside a window. A short text has shorter ones, at least so many of them.
HELDOUT_BLOCK = 1024
MIN_BLOCKS = 200


class Split:
    """Which positions are held out.

    Block b of ``positions``/block is held out where ⌊(b + 1) x + u⌋ > ⌊b x + u⌋, u uniform on [0, 1) by the seed: a
    share of x, exact to one block, from everywhere in the text.

    Parameters
    ----------
    positions : int
        Of the text that is used.
    fraction : float
        x, from 0 to below 1.
    seed : int
    """

    def __init__(self, positions: int, fraction: float, seed: int) -> None:
        self.block = min(HELDOUT_BLOCK, max(1, positions // MIN_BLOCKS))
        edges = np.arange(-(-positions // self.block) + 1) * fraction + np.random.default_rng([seed, 1]).random()
        self.blocks = np.diff(np.floor(edges)) > 0

    def mask(self, first: int, size: int) -> Array:
        """For ``size`` positions from ``first`` on, whether each is held out; (size,) bool."""
        blocks = self.blocks[first // self.block : -(-(first + size) // self.block)]
        return np.repeat(blocks, self.block)[first % self.block :][:size]


class Slices:
    """The first ``max_tokens`` tokens of a corpus as minibatches, those trained on and those held out.

    With a ``vocabulary`` that holds all words of the corpus's own, the ids are those of that one.

    Attributes
    ----------
    tokens, heldout_tokens : int
        Tokens of each kind in one pass.
    positions : int
        Of both, and of what is no token.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        max_tokens: int | None,
        heldout: float,
        seed: int,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._table = None
        if vocabulary is not None and vocabulary is not corpus.vocabulary:
            # Read through negative numbers too: −1 and −2 find themselves at its end.
            specials = [END_OF_SENTENCE, OUT_OF_VOCABULARY]
            self._table = np.append(corpus.vocabulary.rows_in(vocabulary), specials).astype(np.int32)
        self._shards: list[
            tuple[Shard | Array, int, int]
        ] = []  # shard, where it is cut off, position of its first value
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
            self.heldout_tokens = sum(int(np.sum(ids[a:b] != END_OF_SENTENCE)) for ids, a, b, _ in chunks)
            self.tokens -= self.heldout_tokens

    def train(self, batch_tokens: int | Callable[[int], int], first: int = 0) -> Iterator[tuple[Array, int, int, int]]:
        """Yield (ids, start, stop, offset): centre tokens ids[start:stop], ids[0] at the position ``offset``.

        ``ids`` holds the text around them too, as far as a window may reach. ``batch_tokens`` are their number, or a
        function that says it of the position where a slice begins. Slices before the position ``first``, where one
        begins, are left out.
        """
        size = batch_tokens if callable(batch_tokens) else lambda position: batch_tokens
        return self._cut(size, False, first)

    def heldout(self, batch_tokens: int) -> Iterator[tuple[Array, int, int, int]]:
        """As :meth:`train`, for the text that is held out."""
        return self._cut(lambda position: batch_tokens, True, 0)

    def _cut(self, size: Callable[[int], int], heldout: bool, first: int) -> Iterator[tuple[Array, int, int, int]]:
        for shard, end, offset in self._shards:
            stop = max(0, first - offset)
            while stop < end:
                start, stop = stop, min(stop + size(offset + stop), end)
                low, high = max(0, start - REACH), min(end, stop + REACH)
                ids = shard[low:high]
                if self._table is not None:
                    ids = self._table[ids]
                if self._split is not None:
                    other = self._split.mask(offset + low, high - low) != heldout
                    ids = np.where(other, np.int32(END_OF_SENTENCE), ids)
                yield ids, start - low, stop - low, offset + low


def _end_of_tokens(shard: Shard | Array, max_tokens: int) -> tuple[int, int]:
    """Where the first ``max_tokens`` corpus tokens of a shard end, and how many are left for the shards after it.

    The shard is cut there, so that no window reaches over that place.
    """
    block = 2**20
    for start in range(0, shard.shape[0], block):
        tokens = np.flatnonzero(shard[start : start + block] != END_OF_SENTENCE)
        if tokens.shape[0] >= max_tokens:
            return start + int(tokens[max_tokens - 1]) + 1, 0
        max_tokens -= tokens.shape[0]
    return shard.shape[0], max_tokens

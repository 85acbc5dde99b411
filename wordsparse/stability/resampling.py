"""Resampled texts: as many blocks of a text as it has, drawn with replacement (Efron, 1979).

A block is a stretch of about BLOCK positions, whatever sentences or documents it holds: words that depend on each other
because they belong to one document stay together, as in the block bootstrap of Künsch (1989). A sentence ends at the
end of each block.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus.shards import END_OF_SENTENCE, EncodedCorpus, Values

BLOCK = 1024


class ResampledText:
    """A shard that holds the chosen blocks of other shards, one after the other; nothing is copied before it is read.
    ``blocks`` (n, 3) int64 has the shard of each chosen block, and the first position and the end in it."""

    def __init__(self, corpus: EncodedCorpus, blocks: NDArray[np.int64]) -> None:
        self._shards, self._blocks = corpus.shards, blocks
        # One position more for each block, the end of its sentence.
        self._ends = np.cumsum(blocks[:, 2] - blocks[:, 1] + 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """(positions,)."""
        return (int(self._ends[-1]),)

    def __getitem__(self, values: slice) -> NDArray[np.int32]:
        """The ids at these positions; only steps of 1 are supported."""
        start, stop, _ = values.indices(self.shape[0])
        found = np.full(max(stop - start, 0), END_OF_SENTENCE, np.int32)
        first = int(np.searchsorted(self._ends, start, "right"))
        last = int(np.searchsorted(self._ends, stop, "left")) + 1
        for end, (shard, low, high) in zip(self._ends[first:last], self._blocks[first:last], strict=True):
            begin = int(end) - 1 - (high - low)
            low, begin = low + max(0, start - begin), max(start, begin)
            high -= max(0, int(end) - 1 - stop)
            if high > low:
                found[begin - start : begin - start + high - low] = self._shards[shard][low:high]
        return found


def blocks_of(corpus: EncodedCorpus) -> NDArray[np.int64]:
    """All blocks of a text in order, (n, 3) int64 as ResampledText takes them."""
    corpus.check_is_text()
    return np.concatenate(
        [
            np.stack([np.full_like(starts, number), starts, np.minimum(starts + BLOCK, shard.shape[0])], axis=1)
            for number, shard in enumerate(corpus.shards)
            for starts in [np.arange(0, shard.shape[0], BLOCK, dtype=np.int64)]
        ]
    )


def resampled(corpus: EncodedCorpus, random: np.random.Generator) -> tuple[EncodedCorpus, NDArray[np.int64]]:
    """A resample of the text, in the order of the text, and how often each word occurs in it, (V,)."""
    blocks = blocks_of(corpus)
    chosen = blocks[np.sort(random.integers(0, len(blocks), len(blocks)))]
    text = ResampledText(corpus, chosen)
    counts, tokens = np.zeros(len(corpus.vocabulary), np.int64), 0
    for ids in _pieces(text):
        counts += np.bincount(ids[ids >= 0], minlength=len(counts))
        tokens += int(np.count_nonzero(ids != END_OF_SENTENCE))
    return replace(corpus, shards=[text], tokens=tokens), counts


def _pieces(text: Values, size: int = 2**20) -> Iterator[NDArray[np.int32]]:
    return (text[start : start + size] for start in range(0, text.shape[0], size))

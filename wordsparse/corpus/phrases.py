"""Phrases: pairs of neighbouring words that occur together far more often than apart become one word, ``new_york``.

The statistic is gensim's (Mikolov et al. 2013, arXiv 1310.4546, equation 6, with another scale): the score of a pair is
(count(ab) − δ) · L / (count(a) · count(b)), where δ is the minimum count and L the number of distinct words and pairs.
In a sentence, pairs above the threshold are joined from left to right; a word belongs to one of them. Each pass can
join the phrases of the pass before with their neighbours.
"""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus.draft import Draft, ReadText
from wordsparse.corpus.shards import END_OF_SENTENCE, OUT_OF_VOCABULARY, SHARD_DTYPE, shard_name
from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.files.storage import writing

Ids: TypeAlias = NDArray[np.int32]
Keys: TypeAlias = NDArray[np.int64]
"""Pairs of ids (a, b) as a · V + b, sorted where they are distinct."""

DELIMITER = "_"
MIN_COUNT = 5
"""δ, unless the minimum count of the vocabulary is higher."""
THRESHOLD = 10.0

BLOCK_VALUES = 2**20
PAIRS_AT_ONCE = 2**24
"""Pairs of a pass over the text, on average and at most: half a gigabyte."""

_MIX = np.uint64(0x9E3779B97F4A7C15)  # spreads the keys evenly over the passes


@dataclass(frozen=True)
class JoinedText:
    """A text whose phrases are joined: its values are ids of ``words``, which occur ``times`` times."""

    draft: Draft
    words: list[str]
    times: NDArray[np.int64]

    @property
    def distinct_words(self) -> int:
        return int(np.count_nonzero(self.times))

    def vocabulary(self, min_count: int, max_vocab: int | None = None, known: Collection[str] = ()) -> Vocabulary:
        counts = {self.words[i]: int(self.times[i]) for i in np.flatnonzero(self.times).tolist()}
        return Vocabulary.from_counts(counts, min_count, max_vocab, known)

    def maps(self, vocabulary: Vocabulary) -> list[Ids]:
        ids = (vocabulary.get(word) for word in self.words)
        map = [OUT_OF_VOCABULARY if id is None else id for id in ids]
        return [np.array([*map, END_OF_SENTENCE, OUT_OF_VOCABULARY], np.int32)]


def with_phrases(
    text: ReadText | JoinedText, draft: Draft, min_count: int, threshold: float, threads: int
) -> JoinedText:
    """Join the pairs of a text whose score, with δ = ``min_count``, is above the threshold, once.

    ``draft`` receives the new text. ``text`` is renumbered, and of no further use.
    """
    vocabulary = text.vocabulary(min_count=1)
    checksums = text.draft.renumbered(text.maps(vocabulary), threads)
    shards = [text.draft.folder / shard_name(i) for i in range(len(checksums))]
    keys = _phrases(shards, vocabulary.counts, min_count, threshold)
    ids, words = _numbered(keys, vocabulary.words)
    times = np.zeros(len(words), np.int64)
    for shard in shards:
        pending = np.empty(0, np.int32)
        for block in itertools.chain(_blocks(shard), [np.empty(0, np.int32)]):
            values, pending = _join(np.concatenate([pending, block]), keys, ids, len(vocabulary))
            if block.size == 0:
                values, pending = np.concatenate([values, pending]), values[:0]
            draft.write(values, 0)
            times += np.bincount(values[values >= 0], minlength=len(words))
    return JoinedText(draft, words, times)


def _phrases(shards: Sequence[Path], counts: NDArray[np.int64], min_count: int, threshold: float) -> Keys:
    """The pairs whose score is above the threshold."""
    n_words = counts.size
    passes = 1 + int(counts.sum()) // PAIRS_AT_ONCE
    distinct, frequent, occurrences = n_words, [], []
    for number in range(passes):
        keys, times = _counted(shards, n_words, number, passes)
        distinct += keys.size
        frequent.append(keys[times > min_count])
        occurrences.append(times[times > min_count])
    keys, times = np.concatenate(frequent), np.concatenate(occurrences)
    scores = (times - min_count) / counts[keys // n_words] / counts[keys % n_words] * distinct
    return np.sort(keys[scores > threshold])


def _counted(shards: Sequence[Path], n_words: int, number: int, passes: int) -> tuple[Keys, NDArray[np.int64]]:
    """The distinct pairs of one of the passes, and how often each occurs."""
    found = [np.empty(0, np.int64)]
    for shard in shards:
        last = np.empty(0, np.int32)
        for block in _blocks(shard):
            values = np.concatenate([last, block])
            last = values[-1:]
            first, second = values[:-1].astype(np.int64), values[1:]
            keys = (first * n_words + second)[(first >= 0) & (second >= 0)]
            if passes > 1:
                mixed = (keys.astype(np.uint64) * _MIX) >> np.uint64(32)
                keys = keys[mixed % np.uint64(passes) == number]
            found.append(keys)
    together = np.concatenate(found)
    found.clear()
    return np.unique(together, return_counts=True)


def _numbered(keys: Keys, words: Sequence[str]) -> tuple[Ids, list[str]]:
    """The id of each phrase, and all words: a phrase that is written like a word of the text is that word."""
    joined, known = list(words), dict(zip(words, range(len(words)), strict=True))
    ids = np.empty(keys.size, np.int32)
    for i, key in enumerate(keys.tolist()):
        phrase = words[key // len(words)] + DELIMITER + words[key % len(words)]
        ids[i] = known.setdefault(phrase, len(joined))
        if ids[i] == len(joined):
            joined.append(phrase)
    return ids, joined


def _join(values: Ids, keys: Keys, ids: Ids, n_words: int) -> tuple[Ids, Ids]:
    """The values with their phrases joined, and the last value, if the next block can join it."""
    if values.size < 2 or keys.size == 0:
        return (values, values[:0]) if keys.size == 0 else (values[:0], values)
    pairs = values[:-1].astype(np.int64) * n_words + values[1:]
    found = np.minimum(np.searchsorted(keys, pairs), keys.size - 1)
    phrase = (keys[found] == pairs) & (values[:-1] >= 0) & (values[1:] >= 0)
    # Of a run of pairs that overlap, every second one is joined.
    place = np.arange(phrase.size)
    before = np.concatenate([[False], phrase[:-1]])
    start = np.maximum.accumulate(np.where(phrase & ~before, place, 0))
    phrase &= (place - start) % 2 == 0
    values = values.copy()
    values[:-1][phrase] = ids[found[phrase]]
    kept = np.concatenate([[True], ~phrase])
    if phrase[-1]:
        return values[kept], values[:0]
    return values[:-1][kept[:-1]], values[-1:]


def _blocks(shard: Path) -> Iterator[Ids]:
    with writing(shard), open(shard, "rb") as file:
        while data := file.read(BLOCK_VALUES * SHARD_DTYPE.itemsize):
            yield np.frombuffer(data, SHARD_DTYPE).astype(np.int32, copy=False)

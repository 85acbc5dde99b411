"""Finds phrases in a text that is being encoded, and joins them.

A pair of words is a phrase if its score, as in word2vec (Mikolov et al., 2013) and by default in gensim, is above
THRESHOLD:

    score(a, b) = (count(a b) − δ) · N / (count(a) · count(b))

where δ is the minimum count, and N is the number of distinct words and pairs, without connectors. Joining changes the
counts of words, so each pass counts anew.

The pairs of a large text do not fit into memory. They are counted in several parts, each in one reading of the shards.
"""

import itertools
import os
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus._phrases import Joints, PairCounts
from wordsparse.corpus.draft import ReadText
from wordsparse.errors import InputError
from wordsparse.machine.threads import ordered_map
from wordsparse.tokens.phrases import JOINT, Pass, Phrases

THRESHOLD = 10.0
"""The score above which a pair is a phrase, as in gensim by default."""
FEWEST = 5
"""The least δ. With a smaller δ, nearly all pairs of rare words would be phrases."""
PART_TOKENS = 2**27
"""The number of tokens per part of the pairs. A part takes about 1 GB."""

Ids: TypeAlias = NDArray[np.int32]
Numbers: TypeAlias = NDArray[np.uint64]


def join(text: ReadText, how: int | Phrases, connectors: Sequence[str], min_count: int, threads: int) -> Phrases:
    """Join phrases in the shards of a text, and return them. ``how`` is the number of passes that find phrases in the
    text, or the phrases of another text."""
    if isinstance(how, Phrases):
        pairs = _Pairs(text, how.connectors, threads)
        for known in how.passes:
            pairs.join(known.phrases)
        return how
    pairs, found = _Pairs(text, connectors, threads), list[Pass]()
    for _ in range(how):
        scored = pairs.scored(max(FEWEST, min_count))
        scored.sort(key=lambda each: (-each[1], each[0]))
        found.append(Pass([phrase for phrase, _ in scored], [score for _, score in scored]))
        pairs.join(found[-1].phrases)
    return Phrases(connectors, found)


class _Pairs:
    """The pairs of a text. ``pyx/phrases.hpp`` says what a pair is, and how it is numbered."""

    def __init__(self, text: ReadText, connectors: Sequence[str], threads: int) -> None:
        self._text, self._words, self._names, self._threads = text, text.words, connectors, threads
        self._base = len(connectors) + 1

    def scored(self, least: int) -> list[tuple[tuple[str, ...], float]]:
        """Return the words of each phrase, with the connectors between them, and its score."""
        roles, counts = self._roles(), self._words.counts()
        pairs, times, distinct = self._counted(least, roles)
        firsts, betweens, lasts = self._parts(pairs, len(roles))
        total = distinct + int(np.count_nonzero(counts[roles == 0]))
        scores = (times - least) / (counts[firsts].astype(np.float64) * counts[lasts]) * total
        chosen = scores > THRESHOLD
        firsts, betweens, lasts = self._words.at(firsts[chosen]), betweens[chosen], self._words.at(lasts[chosen])
        phrases = ((a, *self._between(b), c) for a, b, c in zip(firsts, betweens.tolist(), lasts, strict=True))
        return [*zip(phrases, scores[chosen].tolist(), strict=True)]

    def join(self, phrases: Sequence[Sequence[str]]) -> None:
        """Join phrases, given by their words, and count their words anew."""
        sizes = np.array([len(phrase) for phrase in phrases], np.int64)
        parts, joined = self._ids([*itertools.chain(*phrases)]), self._ids([JOINT.join(each) for each in phrases])
        roles = self._roles()
        joints = Joints(self._base, self._numbers(parts, sizes, roles), joined)
        self._text.draft.change([None, *self._text.merged], self._threads, lambda ids: ids[: joints.join(ids, roles)])
        times = joints.times()
        self._words.count(joined, times)
        self._words.count(parts, -np.repeat(times, sizes))
        self._text.draft.tokens -= int(times @ (sizes - 1))

    def _counted(self, least: int, roles: NDArray[np.uint8]) -> tuple[Numbers, NDArray[np.int64], int]:
        """Return the pairs that occur more than ``least`` times, their counts, and the number of distinct pairs."""
        parts, multiplier = 1, int.from_bytes(os.urandom(8), "little")
        while parts * PART_TOKENS < self._text.draft.tokens:
            parts *= 2
        found, tables = list[tuple[Numbers, NDArray[np.int64], int]](), [None, *self._text.merged]
        for part in range(parts):
            counts = PairCounts(self._base, multiplier, part, parts)
            blocks = self._text.draft.blocks(tables)
            for _ in ordered_map(lambda block: counts.add(block(), roles), blocks, self._threads):  # noqa: B023
                pass
            found.append(counts.above(least))
        pairs, times, distinct = zip(*found, strict=True)
        return np.concatenate(pairs), np.concatenate(times), sum(distinct)

    def _numbers(self, words: Ids, sizes: NDArray[np.int64], roles: NDArray[np.uint8]) -> Numbers:
        """Return the numbers of phrases, given by the ids of all their words and the number of words of each."""
        ends = np.cumsum(sizes)
        between = np.zeros(len(sizes), np.uint64)
        for i in np.flatnonzero(sizes > 2):
            for role in roles[words[ends[i] - sizes[i] + 1 : ends[i] - 1]].tolist():
                between[i] = between[i] * np.uint64(self._base) + np.uint64(role)
        firsts, lasts = words[ends - sizes].astype(np.uint64), words[ends - 1].astype(np.uint64)
        numbers: Numbers = (firsts * np.uint64(len(roles)) + lasts) * np.uint64(self._base**3) + between
        return numbers

    def _parts(self, pairs: Numbers, words: int) -> tuple[Ids, Numbers, Ids]:
        """Return the ids of the first words, the numbers of the connectors, and the ids of the last words."""
        before, between = np.divmod(pairs, np.uint64(self._base**3))
        firsts, lasts = np.divmod(before, np.uint64(words))
        return firsts.astype(np.int32), between, lasts.astype(np.int32)

    def _between(self, number: int) -> list[str]:
        names: list[str] = []
        while number:
            number, connector = divmod(number, self._base)
            names.insert(0, self._names[connector - 1])
        return names

    def _roles(self) -> NDArray[np.uint8]:
        """Return the number of the connector that each word is, or 0. Raise InputError if pairs cannot be numbered."""
        connectors = self._ids(self._names)
        roles = np.zeros(len(self._words), np.uint8)
        roles[connectors] = np.arange(1, self._base)
        if self._base**3 * len(roles) ** 2 >= 2**64:
            raise InputError(f"{len(roles):,} distinct words are too many for phrases: give fewer --connectors")
        return roles

    def _ids(self, words: Sequence[str]) -> Ids:
        """Return the ids of words. Words that are not in the text get ids, too."""
        self._words.add(words)
        ids: Ids = self._words.take()
        self._words.count(ids, np.full(len(ids), -1))
        return ids

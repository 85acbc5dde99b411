"""The words of a corpus, with their counts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wordsparse.corpus.hints import unspaced
from wordsparse.errors import InputError
from wordsparse.files.storage import read_json, trusting, write_file

FORMAT = "wordsparse vocabulary"
VERSION = 1
VOCABULARY_BYTES = 2**32


class Vocabulary:
    """Words and their counts. The id of a word is its position in the vocabulary. In a new vocabulary, the most
    frequent word comes first.

    Parameters
    ----------
    words : sequence of str
        Distinct words. Any valid Unicode text is stored unchanged.
    counts : array_like of int, shape (V,)
        Number of occurrences of each word in the corpus, positive.

    Attributes
    ----------
    words : list of str, length V
    counts : ndarray of int64, shape (V,), read-only

    Raises
    ------
    InputError
        If there is no word, the lengths differ, a word is repeated or is not valid text, or a count is not a positive
        integer.
    """

    def __init__(self, words: Sequence[str], counts: ArrayLike) -> None:
        self.words: list[str] = list(words)
        self.counts: NDArray[np.int64] = _checked_counts(counts)
        if not self.words:
            raise InputError("a vocabulary needs at least one word")
        if len(self.words) != self.counts.size:
            raise InputError(f"{len(self.words)} words, but {self.counts.size} counts: give one count per word")
        _check_words(self.words)
        self._ids: dict[str, int] = dict(zip(self.words, range(len(self.words)), strict=True))
        if len(self._ids) != len(self.words):
            repeated = next(word for i, word in enumerate(self.words) if self._ids[word] != i)
            raise InputError(f"the word {repeated!r} occurs more than once in the vocabulary; leave one out")

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.words):,} words, {int(self.counts.sum()):,} occurrences)"

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int, max_vocab: int | None = None) -> Vocabulary:
        """Make a vocabulary of the ``max_vocab`` most frequent words that occur at least ``min_count`` times.

        Words with equal counts are ordered by code point, so the result does not depend on the order of ``counts``.
        Raise InputError if no word occurs at least ``min_count`` times.
        """
        if not counts:
            raise InputError("the text holds no token, so there is no vocabulary: give text with words")
        ranked = sorted((-count, word) for word, count in counts.items() if count >= min_count)[:max_vocab]
        if not ranked:
            raise InputError(
                f"the vocabulary is empty: none of the {len(counts):,} distinct words occurs {min_count:,} "
                f"times or more (highest count: {max(counts.values()):,}): "
                + (unspaced(counts) or "lower the minimum count")
            )
        return cls([word for _, word in ranked], [-falling for falling, _ in ranked])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __getitem__(self, word: str) -> int:
        """Return the id of ``word``. Raise KeyError if the word is not in the vocabulary."""
        return self._ids[word]

    def get(self, word: str) -> int | None:
        """Return the id of ``word``, or None if it is not in the vocabulary."""
        return self._ids.get(word)

    def merged(self, other: Vocabulary) -> Vocabulary:
        """Merge two vocabularies: this vocabulary's words keep their ids, and the new words of ``other`` follow."""
        counts = dict(zip(self.words, self.counts.tolist(), strict=True))
        for word, count in zip(other.words, other.counts.tolist(), strict=True):
            counts[word] = counts.get(word, 0) + count
        return Vocabulary([*counts], [*counts.values()])

    def rows_in(self, other: Vocabulary) -> NDArray[np.int64]:
        """Return the id that each word has in ``other``, shape (V,). ``other`` must have all words of this
        vocabulary."""
        return np.fromiter((other[word] for word in self.words), np.int64, len(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as a JSON file (UTF-8), atomically."""
        write_file(Path(path), self.as_json())

    def as_json(self) -> bytes:
        """Return the content of the vocabulary's file."""
        content = {"format": FORMAT, "version": VERSION, "words": self.words, "counts": self.counts.tolist()}
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read a file written by :meth:`save`.

        Raises
        ------
        InputError
            If the file is missing or damaged, or is not a vocabulary.
        """
        content = read_json(Path(path), VOCABULARY_BYTES)
        with trusting(Path(path)):
            return cls(content["words"], content["counts"])


def _check_words(words: Sequence[str]) -> None:
    """Apply :func:`check_word` to every word. The check is fast if all words are valid."""
    try:
        "".join(words).encode()
    except (TypeError, UnicodeEncodeError):
        for word in words:
            check_word(word)


def check_word(word: object) -> None:
    """Raise InputError unless ``word`` is a str that can be written as UTF-8, without lone surrogates."""
    if not isinstance(word, str):
        raise InputError(f"a word must be a str, not {word!r:.80}")
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the word {word!a:.80} is not valid Unicode text: {error.reason}; rename it, or leave it out"
        ) from error


def _checked_counts(counts: ArrayLike) -> NDArray[np.int64]:
    if np.sum(counts, dtype=np.float64) >= 2**63:
        raise InputError("counts must add up to less than 2**63: divide all counts by the same number")
    checked = np.array(counts, np.int64)
    if (checked < 1).any():
        raise InputError("counts must be positive: leave out words that do not occur")
    checked.setflags(write=False)
    return checked

"""Five words, and their nearest words in every run: what people look at first."""

from collections.abc import Collection, Sequence
from typing import Any

from wordsparse.evaluation.testsets import TestSets
from wordsparse.vectors.word_vectors import WordVectors

N_WORDS, N_NEIGHBOURS = 5, 5
# The number of most frequent candidates from which the words are chosen, at most.
_FREQUENT = 1_000


def example_words(test_sets: TestSets, vocabularies: Sequence[Sequence[str]]) -> list[str]:
    """Up to five words that all vocabularies, most frequent first, have in common.

    They are spread over the frequent words of the test sets, which people know; where no vocabulary has any of those,
    over the frequent words of the first vocabulary.
    """
    first, *others = vocabularies
    known: list[Collection[str]] = [set(words) for words in others]
    common = [word for word in first if all(word in words for words in known)]
    asked = {word.upper() for pairs in test_sets.pairs.values() for pair in pairs for word in pair[:2]}
    asked |= {word.upper() for questions in test_sets.analogies.values() for q in questions for word in q.words}
    candidates = [word for word in common if word.upper() in asked] or common
    frequent = candidates[: max(N_WORDS, min(len(candidates) // 2, _FREQUENT))]
    n = min(N_WORDS, len(frequent))
    return [frequent[place * len(frequent) // n] for place in range(n)]


def neighbours(vectors: WordVectors, words: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The nearest words of each word with their cosines, as ``similar --json`` prints them."""
    return {
        word: [{"word": found, "cosine": cosine} for found, cosine in vectors.similar(word, N_NEIGHBOURS)]
        for word in words
    }

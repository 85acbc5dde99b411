"""A source of another package is trained from as the project's own are."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.topics import two_topics

import wordsparse as ws
from wordsparse.corpus import END_OF_SENTENCE, Vocabulary
from wordsparse.errors import InputError
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build, Passes, Piece, Sizes
from wordsparse.words.text_source import windows


class Sentences:
    """Sentences of numbers, which are in no file and no encoded corpus."""

    rate = 1.0

    def __init__(self, sentences: list[list[int]], words: list[str]) -> None:
        self.ids = np.array([value for sentence in sentences for value in (*sentence, END_OF_SENTENCE)], np.int32)
        self.vocabulary = Vocabulary(words, np.bincount(self.ids[self.ids >= 0], minlength=len(words)))
        self.tokens = self.length = int((self.ids >= 0).sum())
        self.positions, self.sentences = len(self.ids), len(sentences)

    def identity(self) -> dict[str, Any]:
        return {"sha256": str(hash(self.ids.tobytes())), "tokens": self.length, "sentences": self.sentences}

    def epochs(self, max_tokens: int | None) -> int:
        return 3

    def passes(self, options: Options, vocabulary: Vocabulary) -> Passes:
        if options.heldout:
            raise InputError("heldout: these sentences are few")
        return self

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        return windows(options, recipe, vocabulary, transposed=transposed)

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        while first < self.positions:
            stop = min(first + sizes(first), self.positions)
            yield Piece(self.ids, first, stop, 0)
            first = stop

    def heldout(self, size: int) -> Iterator[Piece]:
        return iter(())


def of_topics() -> Sentences:
    sentences = two_topics(60)
    counts = Counter(word for sentence in sentences for word in sentence)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    return Sentences([[words.index(word) for word in sentence] for sentence in sentences], words)


def test_another_packages_source_gives_the_vectors_of_its_text() -> None:
    given: dict[str, Any] = {"dim": 8, "window": 3, "epochs": 3, "form": 0}
    model, of_text = ws.train(of_topics(), **given), ws.train(two_topics(60), min_count=1, **given)
    assert model.vocabulary.words == of_text.vocabulary.words
    np.testing.assert_array_equal(model.wv.vectors, of_text.wv.vectors)


def test_its_own_epochs_and_its_own_errors() -> None:
    assert ws.train(of_topics(), dim=4).options["epochs"] == 3
    with pytest.raises(InputError, match="these sentences are few"):
        ws.train(of_topics(), dim=4, heldout=0.2)
    with pytest.raises(InputError, match="min_count: says how text is read"):
        ws.train(of_topics(), dim=4, min_count=3)

"""Scores on files of word pairs and analogies, beside gensim's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.gensim import KeyedVectors
from wordsparse.vectors.word_vectors import WordVectors

WORDS = ["king", "queen", "man", "woman", "King", "Paris", "paris", "rome", "italy", "France"]
VECTORS = np.random.default_rng(3).normal(size=(10, 4)).astype(np.float32)
VECTORS[1] = VECTORS[0] - VECTORS[2] + VECTORS[3]
PAIRS = "# people\tsaid\t0\nking\tqueen\t8.5\nMan\twoman\t8\nqueen\tman\t2\nking\tnone\t1\nwoman\tParis\t1\n"
ANALOGIES = (
    ": family\nman woman king queen\nking queen man woman\n: capitals\nfrance paris italy rome\nrome none paris king\n"
)


def gensims() -> Any:
    gensim = pytest.importorskip("gensim", reason="gensim has no wheel here")
    theirs = gensim.models.KeyedVectors(4)
    theirs.add_vectors(WORDS, VECTORS)
    return theirs


def test_scores_are_gensims(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text(PAIRS)
    (tmp_path / "analogies").write_text(ANALOGIES)
    sides = KeyedVectors.of(WordVectors(WORDS, VECTORS)), gensims()
    for options in ({}, {"dummy4unknown": True}, {"case_insensitive": False}):
        found, expected = (wv.evaluate_word_pairs(str(tmp_path / "pairs"), **options) for wv in sides)
        assert [tuple(side) for side in found[:2]] == [pytest.approx(tuple(side), abs=1e-6) for side in expected[:2]]
        assert found[2] == expected[2]
        ours, theirs = (wv.evaluate_word_analogies(str(tmp_path / "analogies"), **options) for wv in sides)
        assert ours == theirs
        assert list(sides[0].key_to_index) == WORDS

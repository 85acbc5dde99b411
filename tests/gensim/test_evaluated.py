"""Scores on files of word pairs and analogies, beside gensim's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.errors import InputError
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


OPTIONS = [
    {},
    {"dummy4unknown": True},
    {"case_insensitive": False},
    {"restrict_vocab": 4},
    {"restrict_vocab": 4, "dummy4unknown": True},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_scores_are_gensims(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "pairs").write_text(PAIRS)
    (tmp_path / "analogies").write_text(ANALOGIES)
    ours, theirs = KeyedVectors.of(WordVectors(WORDS, VECTORS)), gensims()
    if "restrict_vocab" not in options or "dummy4unknown" in options:  # gensim fails with one pair
        found, expected = (wv.evaluate_word_pairs(tmp_path / "pairs", **options) for wv in (ours, theirs))
        for side in (0, 1):
            assert (found[side].statistic, found[side].pvalue) == pytest.approx(tuple(expected[side]), abs=1e-6)
            assert found[side][0] == found[side].statistic
        assert found[2] == pytest.approx(expected[2])
    assert ours.evaluate_word_analogies(tmp_path / "analogies", **options) == theirs.evaluate_word_analogies(
        str(tmp_path / "analogies"), **options
    )


def test_files_without_known_words(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text("one two 3\n")
    with pytest.raises(InputError, match="fewer than two pairs of known words"):
        KeyedVectors.of(WordVectors(WORDS, VECTORS)).evaluate_word_pairs(tmp_path / "pairs")

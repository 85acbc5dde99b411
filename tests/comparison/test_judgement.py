from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from wordsparse.comparison.judgement import differences, headlines, warnings
from wordsparse.comparison.runs import JudgedRun
from wordsparse.evaluation.retrieval_files import Collection
from wordsparse.evaluation.scores import ENOUGH_TOKENS, score
from wordsparse.evaluation.testsets import READERS, Pair, Question

N = 200
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=N)
NOISE = RANDOM.normal(size=N)
QUESTIONS = [Question("s", (f"a{i}", f"b{i}", f"a{j}", f"b{j}")) for i in range(20) for j in range(20) if i != j]
PAIRS = [Pair(f"x{i}", f"y{i}", truth) for i, truth in enumerate(TRUTH)]
FOUND = Collection(Path(), [pair.first for pair in PAIRS], [{}] * N, 0)
SETS = {
    **{kind: {} for kind in READERS},
    "pairs": {"people": PAIRS},
    "analogies": {"asked": QUESTIONS},
    "sentences": {"texts": PAIRS},
    "retrieval": {"found": FOUND},
}


def run(name, noise, right=0, unknown=0, **facts):
    """Make a run whose cosines are the true scores plus noise, and whose first ``right`` analogies are correct."""
    cosines = TRUTH + noise * NOISE
    cosines[:unknown] = np.nan
    correct = (np.arange(len(QUESTIONS)) < right).astype(float)
    answers = {"pairs": {"people": cosines}, "analogies": {"asked": correct}, "sentences": {"texts": cosines}}
    answers["retrieval"] = {"found": np.repeat(cosines[:, None], 6, axis=1)}
    return JudgedRun({"name": name, "dim": 5, "window": 3, "epochs": 1, **score(SETS, answers), **facts}, answers)


OURS, PEER = "wordsparse-cbow", "gensim-cbow-ns"


def rows(*runs, kind="pairs"):
    return [row for row in differences(SETS, runs) if row["kind"] == kind]


def test_a_difference_is_paired():
    """The intervals of both scores overlap almost completely, but the interval of their difference is above 0."""
    [row] = rows(run(OURS, 0.9), run(PEER, 1.0))
    expected = [spearmanr(TRUTH, TRUTH + noise * NOISE).statistic for noise in (0.9, 1.0)]
    assert row["verdict"] == "ahead"
    assert row["difference"] == pytest.approx(expected[0] - expected[1])
    assert row["low"] < row["difference"] < row["high"]
    [other_way] = rows(run(OURS, 1.0), run(PEER, 0.9))
    assert (other_way["verdict"], other_way["low"]) == ("behind", pytest.approx(-row["high"]))


def test_methods_are_compared_on_pairs_known_to_both():
    [row] = rows(run(OURS, 0.5), run(PEER, 1.0, unknown=150))
    answered = slice(150, None)
    expected = [spearmanr(TRUTH[answered], (TRUTH + noise * NOISE)[answered]).statistic for noise in (0.5, 1.0)]
    assert row["difference"] == pytest.approx(expected[0] - expected[1])
    assert rows(run(OURS, 0.5), run(PEER, 1.0, unknown=N)) == []


def test_repeated_runs_are_averaged_and_failed_ones_ignored():
    failed = JudgedRun({**run("gensim-cbow-hs", 1).report, "error": "killed"}, None)
    [row] = rows(run(OURS, 0.5), run(OURS, 0.7, repeat=1), failed, run(PEER, 1.0))
    expected = [spearmanr(TRUTH, TRUTH + noise * NOISE).statistic for noise in (0.5, 0.7, 1.0)]
    assert row["difference"] == pytest.approx((expected[0] + expected[1]) / 2 - expected[2])


def test_the_best_peer_has_as_many_epochs():
    differences = rows(run(OURS, 0.6, epochs=2), run(PEER, 0.1, epochs=5), run(PEER, 0.9, epochs=2))
    assert [(row["peer"], row["best_peer"], row["verdict"]) for row in differences] == [(PEER, True, "ahead")]


def test_analogies_are_judged_as_pairs_are():
    [row] = rows(run(OURS, 1, right=200), run(PEER, 1, right=20), kind="analogies")
    assert row["difference"] == pytest.approx(180 / len(QUESTIONS))
    assert row["verdict"] == "ahead"


def test_retrieval_is_compared_by_its_first_measure():
    [row] = rows(run(OURS, 0.9, unknown=5), run(PEER, 1.0), kind="retrieval")
    assert row["difference"] == pytest.approx(-0.1 * NOISE[5:].mean())
    assert row["low"] < row["difference"] < row["high"]


def test_too_short_a_text_is_reported():
    assert warnings([{}], [{"tokens_per_epoch": ENOUGH_TOKENS}]) == []
    (sentence,) = warnings([{}], [{"tokens_per_epoch": 52_721}, {"tokens_per_epoch": None}])
    assert sentence == "52,721 tokens are too few to compare methods: use some 3,000,000 or more."


def test_a_headline_counts_comparisons_and_compares_cpu_time():
    judged = [run(OURS, 0.1, 300, cpu_seconds=3.0), run(PEER, 2.0, cpu_seconds=12.0)]
    [sentence] = headlines(differences(SETS, judged), [each.report for each in judged], {OURS: "Ours", PEER: "Theirs"})
    assert "Ours is ahead of the best of gensim's methods in 3 of 4 comparisons, level in 1, behind in 0" in sentence
    assert "takes 0.25 of" in sentence
    assert headlines([], [judged[0].report], {OURS: "Ours"}) == []

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from wordsparse.comparison.runs import JudgedRun
from wordsparse.comparison.verdicts import Board, Test, boards
from wordsparse.evaluation.testsets import Pair, Question, TestSets

N = 200
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=N)
NOISE = RANDOM.normal(size=N)
QUESTIONS = [Question("s", (f"a{i}", f"b{i}", f"a{j}", f"b{j}")) for i in range(20) for j in range(20) if i != j]
SETS = TestSets({"people": [Pair(f"x{i}", f"y{i}", score) for i, score in enumerate(TRUTH)]}, {"asked": QUESTIONS})


def run(name: str, noise: float, right: int = 0, unknown: int = 0, **facts: Any) -> JudgedRun:
    """Answers to the pairs that are the judgements with so much noise; the first ``right`` questions are answered."""
    cosines = TRUTH + noise * NOISE
    cosines[:unknown] = np.nan
    correct = (np.arange(len(QUESTIONS)) < right).astype(float)
    report = {
        "name": name,
        "program": name.partition("-")[0],
        "epochs": 1,
        "repeat": 0,
        "cpu_seconds": 1.0,
        **facts,
    }
    return JudgedRun(report, {"pairs": {"people": cosines}, "analogies": {"asked": correct}})


OURS, PEER = "wordsparse-cbow", "gensim-cbow-ns"


def pairs_board(*runs: JudgedRun) -> Board:
    return Board.of(Test("pairs", "people", SETS), runs)


def test_a_difference_is_paired() -> None:
    board = pairs_board(run(OURS, 0.9), run(PEER, 1.0))
    [row] = board.differences()
    assert row["verdict"] == "ahead"  # though the two intervals overlap nearly wholly
    ours, peer = board.scores()
    assert ours["low"] < peer["score"] < ours["high"]
    assert row["difference"] == pytest.approx(ours["score"] - peer["score"])
    assert row["low"] < row["difference"] < row["high"]
    [other_way] = pairs_board(run(OURS, 1.0), run(PEER, 0.9)).differences()
    assert (other_way["verdict"], other_way["low"]) == ("behind", pytest.approx(-row["high"]))


def test_the_same_vectors_are_level() -> None:
    [row] = pairs_board(run(OURS, 1.0), run(PEER, 1.0)).differences()
    assert (row["difference"], row["low"], row["high"], row["verdict"]) == (0, 0, 0, "level")


def test_sides_that_know_other_words_are_compared_on_what_both_know() -> None:
    [row] = pairs_board(run(OURS, 0.5), run(PEER, 1.0, unknown=150)).differences()
    known = slice(150, None)
    expected = [spearmanr(TRUTH[known], (TRUTH + noise * NOISE)[known]).statistic for noise in (0.5, 1.0)]
    assert row["difference"] == pytest.approx(expected[0] - expected[1])
    assert pairs_board(run(OURS, 0.5), run(PEER, 1.0, unknown=N)).differences() == []


def test_repeats_are_one_entry_and_failures_none() -> None:
    runs = [run(OURS, 0.5), run(OURS, 0.7, repeat=1), JudgedRun({**run(PEER, 1).report, "error": "killed"}, None)]
    board = pairs_board(*runs)
    [entry] = board.scores()
    assert len(entry["repeats"]) == 2
    assert entry["score"] == pytest.approx(np.mean(entry["repeats"]))
    assert board.differences() == []


def test_the_best_peer_has_as_many_epochs_or_comes_from_a_file() -> None:
    file = {"program": "file", "epochs": None}
    board = pairs_board(
        run(OURS, 0.6, epochs=2),
        run(PEER, 0.1, epochs=5),
        run(PEER, 0.9, epochs=2),
        run("theirs", 0.3, **file),
    )
    rows = board.differences()
    assert [(row["peer"], row["best_peer"], row["verdict"]) for row in rows] == [
        (PEER, False, "ahead"),
        ("theirs", True, "behind"),
    ]


def test_budgets_take_the_best_number_of_epochs_that_fits() -> None:
    board = pairs_board(
        run(PEER, 2.0, epochs=1, cpu_seconds=1.0),
        run(OURS, 0.8, epochs=1, cpu_seconds=2.0),
        run(OURS, 1.2, epochs=2, cpu_seconds=4.0),  # no better: the first one stays the best
        run(PEER, 0.4, epochs=9, cpu_seconds=8.0),
    )
    rows = board.budgets()
    assert [row["cpu_seconds"] for row in rows] == [1, 2, 4, 8]
    assert [row["verdict"] for row in rows] == ["absent", "ahead", "ahead", "behind"]
    assert [row["best"].get(OURS, {}).get("epochs") for row in rows] == [None, 1, 1, 1]
    assert [row["best"][PEER]["epochs"] for row in rows] == [1, 1, 1, 9]
    alone = pairs_board(run(OURS, 1.0)).budgets()
    assert [(row["verdict"], row["difference"]) for row in alone] == [("alone", None)]


def test_analogies_are_judged_as_pairs_are() -> None:
    pairs, analogies = boards(SETS, [run(OURS, 1, right=200), run(PEER, 1, right=20)])
    assert (pairs.test.kind, analogies.test.kind) == ("pairs", "analogies")
    [row] = analogies.differences()
    assert row["difference"] == pytest.approx(180 / len(QUESTIONS))
    assert row["verdict"] == "ahead"

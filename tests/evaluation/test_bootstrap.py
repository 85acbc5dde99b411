import numpy as np
import pytest
from scipy.stats import spearmanr

from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.testsets import Question


@pytest.mark.parametrize("n", [2, 3, 57])
def test_every_resample_is_ranked_anew(n, monkeypatch):
    random = np.random.default_rng(0)
    exact = random.normal(size=n)
    judgements, cosines = np.round(exact, 1), np.round(exact + 0.5 * random.normal(size=n), 2)  # some values are tied
    ours = bootstrap.spearman(judgements, cosines, 6)
    for counts, value in zip(next(bootstrap._counts(n, 6, 6)), ours, strict=True):
        drawn = np.repeat(np.arange(n), counts.astype(int))
        assert len(drawn) == n
        if np.ptp(judgements[drawn]) and np.ptp(cosines[drawn]):
            assert value == pytest.approx(spearmanr(judgements[drawn], cosines[drawn]).statistic)
        else:
            assert np.isnan(value)
    monkeypatch.setattr(bootstrap, "_BLOCK", 4 * n)  # two blocks; the second block is shorter
    np.testing.assert_array_equal(bootstrap.spearman(judgements, cosines, 6), ours)


def test_an_interval_has_95_of_100_samples():
    assert bootstrap.interval(np.append(np.arange(1001), np.nan)) == (25, 975)


PAIRS = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
CAPITALS = [(low, f"{up}{up}") for low, up in PAIRS]


def grid(section, count):
    """Make a question from every two of the first ``count`` word pairs, in both orders."""
    return [Question(section, (*x, *y)) for x in CAPITALS[:count] for y in CAPITALS[:count] if x != y]


def test_questions_share_their_pairs(monkeypatch):
    questions = [*grid("first", 4), *grid("second", 2), Question("none", ("x", "y", "z", "w"))]
    correct = np.array([q.section == "first" and q.words[0] in "ab" for q in questions], float)
    correct[-1] = np.nan
    samples = bootstrap.accuracies(questions, correct, 50)
    assert np.nanmean(samples) == pytest.approx(correct[:-1].mean(), abs=0.15)
    assert np.isnan(bootstrap.accuracies(questions[-1:], correct[-1:], 50)).all()
    # The expected values, by hand: if pair i is drawn w_i times, question (i, j) has weight w_i w_j.
    first = bootstrap.accuracies(questions[:12], correct[:12], 50)
    for weights, value in zip(next(bootstrap._counts(4, 50, 50, seed=0)), first, strict=True):
        together = np.outer(weights, weights) * (1 - np.eye(4))
        if together.sum():
            assert value == pytest.approx(together[:2].sum() / together.sum())
        else:
            assert np.isnan(value)
    monkeypatch.setattr(bootstrap, "_BLOCK", 7 * 8)
    np.testing.assert_array_equal(bootstrap.accuracies(questions, correct, 50), samples)


def test_a_pair_and_its_reverse_are_one():
    """A question and its reverse have the same content, so they must not count as independent."""
    forth, back = Question("s", ("a", "b", "c", "d")), Question("s", ("B", "A", "D", "C"))
    one = bootstrap.accuracies([forth], np.ones(1), 20)
    both = bootstrap.accuracies([forth, back], np.array([1.0, 0.0]), 20)
    np.testing.assert_array_equal(np.isnan(one), np.isnan(both))
    assert set(both[np.isfinite(both)]) == {0.5}

"""The judgement of all runs: paired differences of scores between ours and peers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.comparison.request import METHODS
from wordsparse.comparison.runs import JudgedRun
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.scores import ENOUGH_TOKENS, spearman, unanswered
from wordsparse.evaluation.testsets import TestSets
from wordsparse.types import Array

Row = dict[str, Any]
AHEAD, LEVEL, BEHIND = "ahead", "level", "behind"


def differences(test_sets: TestSets, runs: Sequence[JudgedRun]) -> list[Row]:
    """Our scores minus those of peers with equal epochs; the best peer is marked."""
    kinds = {"pairs": Pairs, "analogies": Questions, "sentences": Pairs}
    tests = [test(kind, name, test_sets) for kind, test in kinds.items() for name in getattr(test_sets, kind)]
    return [{**test.facts, **row} for test in tests for row in _differences(_entries(test, runs))]


class Pairs:
    """A test set of pairs, of words or of sentences; it computes scores from answers (items, repeats)."""

    def __init__(self, kind: str, name: str, test_sets: TestSets) -> None:
        self.facts = {"kind": kind, "test": name}
        self._prepare(getattr(test_sets, kind)[name])

    def _prepare(self, items: Sequence[Any]) -> None:
        self._judgements = np.array([pair.score for pair in items])

    def scores(self, answers: Array) -> list[float]:
        """The score of each column; NaN where it is undefined."""
        known = np.isfinite(answers).all(1)
        values = [spearman(self._judgements[known], column) for column in answers[known].T] if known.any() else [None]
        return [np.nan if value is None else value for value in values]

    def samples(self, answers: Array) -> Array:
        """(resamples,): the mean score of the columns in each resample of the items."""
        known = np.isfinite(answers).all(1)
        columns = answers[known].T
        samples = [bootstrap.spearman(self._judgements[known], column) for column in columns]
        return np.asarray(np.mean(samples, axis=0))


class Questions(Pairs):
    """A test set of analogies."""

    def _prepare(self, items: Sequence[Any]) -> None:
        self._questions = items

    def scores(self, answers: Array) -> list[float]:
        """The share of right answers in each column."""
        known = np.isfinite(answers).all(1)
        return [float(column.mean()) for column in answers[known].T] if known.any() else [np.nan]

    def samples(self, answers: Array) -> Array:
        """(resamples,): the mean share in each resample of the pairs that questions are made of."""
        return np.asarray(np.mean([bootstrap.accuracies(self._questions, column) for column in answers.T], axis=0))


class Entry:
    """The repeated runs of one method with the same epochs, on one test set."""

    def __init__(self, runs: Sequence[JudgedRun], test: Pairs) -> None:
        facts = runs[0].report
        self.name, self.ours, self.epochs = facts["name"], facts["program"] == "wordsparse", facts["epochs"]
        answers = [run.answers[test.facts["kind"]][test.facts["test"]] for run in runs if run.answers]
        self.answers = np.stack(answers, axis=1)  # (items, repeats)
        self.score = float(np.mean(test.scores(self.answers)))
        self._test = test

    def less(self, other: "Entry") -> Row | None:
        """This score minus the other's on their common items, with a paired interval; None if they have none."""
        known = (np.isfinite(self.answers).all(1) & np.isfinite(other.answers).all(1))[:, None]
        sides = [np.where(known, side.answers, np.nan) for side in (self, other)]
        ours, theirs = (float(np.mean(self._test.scores(answers))) for answers in sides)
        # The same items give the same resamples, so those of both sides are paired.
        samples = [self._test.samples(answers) for answers in sides]
        value, bounds = ours - theirs, bootstrap.interval(samples[0] - samples[1])
        if bounds is None or not np.isfinite(value):
            return None
        low, high = bounds
        verdict = AHEAD if low > 0 else BEHIND if high < 0 else LEVEL
        return {"difference": value, "low": low, "high": high, "verdict": verdict}


def _entries(test: Pairs, runs: Sequence[JudgedRun]) -> list[Entry]:
    """Runs that differ only in ``repeat`` and ``seed`` form one entry; one without a score is left out."""
    groups: dict[tuple[str, int | None], list[JudgedRun]] = {}
    for run in runs:
        if run.answers is not None:
            groups.setdefault((run.report["name"], run.report["epochs"]), []).append(run)
    entries = [Entry(group, test) for group in groups.values()]
    return [entry for entry in entries if np.isfinite(entry.score)]


def _differences(entries: Sequence[Entry]) -> Iterator[Row]:
    for ours in (entry for entry in entries if entry.ours):
        peers = [peer for peer in entries if not peer.ours and peer.epochs == ours.epochs]
        best = max(peers, key=lambda peer: peer.score, default=None)
        for peer in peers:
            if difference := ours.less(peer):
                place = {"ours": ours.name, "peer": peer.name, "epochs": ours.epochs, "best_peer": peer is best}
                yield {**place, **difference}


def missing(names: Sequence[str]) -> list[str]:
    """The sentence that names the methods of gensim where it is not installed."""
    titles = "; ".join(METHODS[name].label for name in names)
    return [f"gensim is not installed ({optional.command('gensim')}); not compared: {titles}."] if names else []


def warnings(rows: Sequence[Row], runs: Sequence[Row]) -> list[str]:
    """A sentence for each test set that says nothing, and one where the text is too short to tell methods apart."""
    said = unanswered([run for run in runs if "pairs" in run])
    tokens = max((run["tokens_per_epoch"] or 0 for run in runs), default=0)
    if rows and 0 < tokens < ENOUGH_TOKENS:
        said.append(f"{tokens:,} tokens are little text: from some {ENOUGH_TOKENS:,} on methods can be told apart.")
    return said

"""The judgement of all runs by the test sets: scores with intervals, paired differences, budgets."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from wordsparse.comparison.runs import JudgedRun
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.scores import spearman
from wordsparse.evaluation.testsets import TestSets
from wordsparse.types import Array

AHEAD, LEVEL, BEHIND, ALONE, ABSENT = "ahead", "level", "behind", "alone", "absent"


@dataclass(frozen=True)
class Difference:
    """The difference of two scores on their common items; ``low`` and ``high`` bound its paired 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Ahead or behind if the interval excludes 0, else level."""
        return AHEAD if self.low > 0 else BEHIND if self.high < 0 else LEVEL


class Entry:
    """The repeated runs of one method with the same options, on one test set. ``epochs`` is None for vectors from a
    file; ``cpu_seconds`` is the median over the runs."""

    def __init__(self, runs: Sequence[JudgedRun], test: "Test") -> None:
        facts = runs[0].report
        self.name, self.program, self.epochs = facts["name"], facts["program"], facts["epochs"]
        times = [run.report["cpu_seconds"] for run in runs if "cpu_seconds" in run.report]
        self.cpu_seconds = statistics.median(times) if times else None
        self.answers = np.stack([test.of(run) for run in runs], axis=1)  # (items, repeats)
        self._test = test

    @property
    def ours(self) -> bool:
        """Whether the runs are wordsparse's."""
        return bool(self.program == "wordsparse")

    @cached_property
    def scores(self) -> list[float]:
        """The score of each run; NaN if it is undefined."""
        return self._test.scores(self.answers)

    @property
    def score(self) -> float:
        """The mean over the runs."""
        return float(np.mean(self.scores))

    @cached_property
    def samples(self) -> Array:
        """The mean score in each resample, (resamples,)."""
        return self._test.samples(self.answers)

    def less(self, other: "Entry") -> Difference | None:
        """This score minus the other's; None if they have no item in common."""
        known = np.isfinite(self.answers).all(1) & np.isfinite(other.answers).all(1)
        sides = [np.where(known[:, None], side.answers, np.nan) for side in (self, other)]
        value = float(np.mean(self._test.scores(sides[0])) - np.mean(self._test.scores(sides[1])))
        # The same items give the same resamples, so the cached ones of both are paired.
        alike = [np.array_equal(np.isfinite(side.answers).all(1), known) for side in (self, other)]
        samples = [
            side.samples if kept else self._test.samples(answers)
            for side, kept, answers in zip((self, other), alike, sides, strict=True)
        ]
        bounds = bootstrap.interval(samples[0] - samples[1])
        return Difference(value, *bounds) if bounds and np.isfinite(value) else None


class Test:
    """A test set of one kind; it computes scores from answers (items, repeats)."""

    __test__ = False  # pytest would collect a class of this name as tests

    def __init__(self, kind: str, name: str, test_sets: TestSets) -> None:
        self.kind, self.name = kind, name
        if kind == "pairs":
            self._judgements = np.array([pair.score for pair in test_sets.pairs[name]])
        else:
            self._graph = bootstrap.QuestionGraph(test_sets.analogies[name])

    def of(self, run: JudgedRun) -> Array:
        """The run's answers."""
        assert run.answers is not None
        answers: dict[str, Array] = run.answers["pairs"] if self.kind == "pairs" else run.answers["analogies"]
        return answers[self.name]

    def scores(self, answers: Array) -> list[float]:
        """The score of each column."""
        known = np.isfinite(answers).all(1)
        if not known.any():
            return [np.nan] * answers.shape[1]
        if self.kind == "analogies":
            return [float(column.mean()) for column in answers[known].T]
        found = [spearman(self._judgements[known], column) for column in answers[known].T]
        return [np.nan if value is None else value for value in found]

    def samples(self, answers: Array) -> Array:
        """(resamples,): the mean score of the columns in each resample of the items."""
        if self.kind == "analogies":
            columns = self._graph.accuracies(answers)[:, :, 0]
        else:
            known = np.isfinite(answers).all(1)
            columns = bootstrap.spearman(self._judgements[known], answers[known])
        means: Array = columns.mean(axis=1)
        return means


@dataclass
class Board:
    """The entries of one test set, including vectors from files."""

    test: Test
    entries: list[Entry]
    _differences: dict[tuple[int, int], Difference | None] = field(default_factory=dict)

    @classmethod
    def of(cls, test: Test, runs: Iterable[JudgedRun]) -> "Board":
        """Group the runs: runs that differ only in ``repeat`` and ``seed`` form one entry."""
        groups: dict[tuple[str, int | None], list[JudgedRun]] = {}
        for run in runs:
            if run.answers is not None:
                groups.setdefault((run.report["name"], run.report["epochs"]), []).append(run)
        entries = [Entry(group, test) for group in groups.values()]
        return cls(test, [entry for entry in entries if np.isfinite(entry.score)])

    def difference(self, ours: Entry, peer: Entry) -> Difference | None:
        """``ours.less(peer)``, cached."""
        key = id(ours), id(peer)
        if key not in self._differences:
            self._differences[key] = ours.less(peer)
        return self._differences[key]

    def scores(self) -> list[dict[str, Any]]:
        """The score of every entry, as in the report."""
        rows = []
        for entry in self.entries:
            low, high = bootstrap.interval(entry.samples) or (None, None)
            facts = {"kind": self.test.kind, "test": self.test.name, "name": entry.name}
            place = {"epochs": entry.epochs, "cpu_seconds": entry.cpu_seconds}
            rows.append({**facts, **place, "score": entry.score, "low": low, "high": high, "repeats": entry.scores})
        return rows

    def differences(self) -> list[dict[str, Any]]:
        """Our entries minus peers with equal epochs, and minus files; the best peer is marked."""
        rows = []
        for ours in (entry for entry in self.entries if entry.ours):
            peers = [peer for peer in self.entries if not peer.ours and peer.epochs in (ours.epochs, None)]
            best = max(peers, key=lambda peer: peer.score, default=None)
            for peer in peers:
                if found := self.difference(ours, peer):
                    facts = {"kind": self.test.kind, "test": self.test.name, "ours": ours.name, "peer": peer.name}
                    place = {"epochs": ours.epochs, "best_peer": peer is best}
                    rows.append({**facts, **place, **vars(found), "verdict": found.verdict})
        return rows

    def budgets(self) -> list[dict[str, Any]]:
        """For each CPU time: the best entry of each method within that time, and our best minus theirs."""
        timed = [(entry.cpu_seconds, entry) for entry in self.entries if entry.cpu_seconds is not None]
        rows = []
        for budget in sorted({seconds for seconds, _ in timed}):
            within = [entry for seconds, entry in timed if seconds <= budget]
            facts = {"kind": self.test.kind, "test": self.test.name, "cpu_seconds": budget}
            rows.append({**facts, **self._standing(within)})
        return rows

    def _standing(self, within: list[Entry]) -> dict[str, Any]:
        best: dict[str, Entry] = {}
        for entry in within:
            if entry.name not in best or entry.score > best[entry.name].score:
                best[entry.name] = entry
        ours, peer = (
            max((entry for entry in best.values() if entry.ours is side), key=lambda entry: entry.score, default=None)
            for side in (True, False)
        )
        found = self.difference(ours, peer) if ours and peer else None
        verdict = ALONE if peer is None else ABSENT if ours is None else found.verdict if found else LEVEL
        return {
            "best": {name: {"score": entry.score, "epochs": entry.epochs} for name, entry in best.items()},
            "ours": ours.name if ours else None,
            "peer": peer.name if peer else None,
            **(vars(found) if found else {"difference": None, "low": None, "high": None}),
            "verdict": verdict,
        }


def boards(test_sets: TestSets, runs: Sequence[JudgedRun]) -> Iterator[Board]:
    """One board for each test set, word pairs first."""
    for kind, names in (("pairs", test_sets.pairs), ("analogies", test_sets.analogies)):
        for name in names:
            yield Board.of(Test(kind, name, test_sets), runs)

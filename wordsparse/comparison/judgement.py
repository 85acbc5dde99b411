"""The evaluation of all runs: paired differences between the scores of wordsparse and of gensim's methods."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordsparse.comparison.request import is_ours
from wordsparse.comparison.runs import JudgedRun
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.scores import ENOUGH_TOKENS, KINDS, own, unanswered
from wordsparse.evaluation.testsets import TestSets
from wordsparse.types import Array

Row = dict[str, Any]
SETTINGS = ("dim", "window", "epochs")


def differences(test_sets: TestSets, runs: Sequence[JudgedRun]) -> list[Row]:
    """Return wordsparse's scores minus gensim's (*peers*) for the same SETTINGS. Mark the best peer."""
    return [
        {"kind": kind, "test": test, **row}
        for kind, sets in test_sets.items()
        for test, items in sets.items()
        for row in _differences(kind, items, _entries(kind, test, runs))
    ]


@dataclass(frozen=True)
class Entry:
    """The repeated runs of a method with the same SETTINGS, on a test set: their mean score, and their answers,
    with a row per item of the test set and a column per run."""

    name: str
    settings: dict[str, int]
    score: float
    answers: Array


def _entries(kind: str, test: str, runs: Sequence[JudgedRun]) -> list[Entry]:
    """Group runs that differ only in ``repeat`` and ``seed`` into one entry. Omit runs without a score. If a test set
    has several answers per item, only the first is compared."""
    groups: dict[tuple[Any, ...], list[tuple[float, Array]]] = {}
    for run in runs:
        if run.answers is not None and (score := own(run.report[kind][test])[KINDS[kind].measure]) is not None:
            place = run.report["name"], *(run.report[name] for name in SETTINGS)
            answers = run.answers[kind][test]
            groups.setdefault(place, []).append((score, answers.reshape(len(answers), -1)[:, 0]))
    entries = []
    for (name, *values), group in groups.items():
        scores, repeats = zip(*group, strict=True)
        settings = dict(zip(SETTINGS, values, strict=True))
        entries.append(Entry(name, settings, float(np.mean(scores)), np.stack(repeats, axis=1)))
    return entries


def _differences(kind: str, items: Sequence[Any], entries: Sequence[Entry]) -> Iterator[Row]:
    for ours in (entry for entry in entries if is_ours(entry.name)):
        peers = [peer for peer in entries if not is_ours(peer.name) and peer.settings == ours.settings]
        best = max(peers, key=lambda peer: peer.score, default=None)
        for peer in peers:
            if difference := _difference(kind, items, ours, peer):
                place = {"ours": ours.name, "peer": peer.name, **ours.settings, "best_peer": peer is best}
                yield {**place, **difference}


def _difference(kind: str, items: Sequence[Any], ours: Entry, peer: Entry) -> Row | None:
    """Return wordsparse's score minus the peer's, on items that both answer, and its interval; None if it has none."""
    is_known = np.isfinite(np.hstack([ours.answers, peer.answers])).all(axis=1, keepdims=True)
    resampled = KINDS[kind].resampled
    sides = [
        [resampled(items, answers) for answers in np.where(is_known, side.answers, np.nan).T] for side in (ours, peer)
    ]
    value, other = (np.array([score for score, _ in side], float).mean() for side in sides)  # None becomes NaN
    # Each resample draws the same items for both methods, so the differences are paired.
    samples, others = (np.mean([samples for _, samples in side], axis=0) for side in sides)
    bounds = bootstrap.interval(samples - others)
    if bounds is None or not np.isfinite(value - other):
        return None
    low, high = bounds
    verdict = "ahead" if low > 0 else "behind" if high < 0 else "level"
    return {"difference": float(value - other), "low": low, "high": high, "verdict": verdict}


def headlines(rows: Sequence[Row], runs: Sequence[Row], names: Mapping[str, str]) -> list[str]:
    """Return a sentence for each method of wordsparse: on how many test sets it is ahead of the best peer, and its CPU
    time as a share of the peers' CPU time."""
    sentences = []
    for ours in dict.fromkeys(row["ours"] for row in rows):
        best = [row for row in rows if row["ours"] == ours and row["best_peer"]]
        verdicts = Counter(row["verdict"] for row in best)
        seconds = {name: _mean_seconds(runs, name) for name in (ours, *(row["peer"] for row in best))}
        slowest, fastest = (pick(seconds[row["peer"]] for row in best) for pick in (max, min))
        shares = [f"{seconds[ours] / peer:.2f}" for peer in dict.fromkeys((slowest, fastest))]
        sentences.append(
            f"{names[ours]} is ahead of the best of gensim's methods in {verdicts['ahead']} of {len(best)} "
            f"comparisons, level in {verdicts['level']}, behind in {verdicts['behind']}, and takes "
            f"{' to '.join(shares)} of the methods' CPU time."
        )
    return sentences


def _mean_seconds(runs: Sequence[Row], name: str) -> float:
    return float(np.mean([run["cpu_seconds"] for run in runs if run["name"] == name and "error" not in run]))


def warnings(rows: Sequence[Row], runs: Sequence[Row]) -> list[str]:
    """Return a sentence for each test set without answers, and another if the text is too short for a comparison."""
    sentences = unanswered([run for run in runs if "pairs" in run])
    tokens = max((run["tokens_per_epoch"] or 0 for run in runs), default=0)
    if rows and 0 < tokens < ENOUGH_TOKENS:
        sentences.append(f"{tokens:,} tokens are too few to compare methods: use some {ENOUGH_TOKENS:,} or more.")
    return sentences

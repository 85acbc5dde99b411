"""The conclusions of a comparison in sentences: at equal epochs, at equal CPU time, and the cost."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from wordsparse.comparison.request import METHODS
from wordsparse.comparison.verdicts import ABSENT, AHEAD, ALONE, BEHIND, LEVEL
from wordsparse.evaluation.scores import unanswered
from wordsparse.words.options import epochs_of

Row = Mapping[str, Any]


def label(name: str) -> str:
    """A method's title; the stem of a vector file is its own title."""
    return METHODS[name].label if name in METHODS else name


def conclude(differences: Sequence[Row], budgets: Sequence[Row], runs: Sequence[Row]) -> dict[str, list[str]]:
    """The sentences by part.

    ``unanswered`` names test sets that say nothing; ``in_short`` sums up; ``same_epochs`` and ``same_cpu_time`` have
    one sentence a test set; none where no difference is certain.
    """
    finals, stretches = _finals(differences), _stretches(budgets)
    found = {row["verdict"] for rows in (*finals.values(), *itertools.chain(*stretches.values())) for row in rows}
    said = unanswered([run for run in runs if "pairs" in run])
    if LEVEL in found and not found & {AHEAD, BEHIND}:
        tokens = max(row["tokens_per_epoch"] for row in (*differences, *budgets))
        little = f"A text of {tokens:,} tokens is too little to tell the methods apart: every difference may be chance."
        return {"unanswered": said, "in_short": [*_cost(runs), little], "same_epochs": [], "same_cpu_time": []}
    return {
        "unanswered": said,
        "in_short": [*_cost(runs), *_tally_of_epochs(finals), *_tally_of_cpu_time(stretches)],
        "same_epochs": [_same_epochs(test, rows) for test, rows in finals.items()],
        "same_cpu_time": [_same_cpu_time(test, rows) for test, rows in stretches.items()],
    }


def _finals(differences: Sequence[Row]) -> dict[str, list[Row]]:
    """For each test set, the difference of each of our methods and the best peer, with the most text and epochs."""
    finals = {}
    for test, rows in _by_test(differences).items():
        last = max((row["tokens_per_epoch"], row["epochs"]) for row in rows)
        finals[test] = [r for r in rows if (r["tokens_per_epoch"], r["epochs"]) == last and r["best_peer"]]
    return finals


def _stretches(budgets: Sequence[Row]) -> dict[str, list[list[Row]]]:
    """For each test set that both sides have, the budgets with the most text, grouped by consecutive equal verdicts."""
    stretches = {}
    for test, rows in _by_test(budgets).items():
        most = max(row["tokens_per_epoch"] for row in rows)
        rows = [row for row in rows if row["tokens_per_epoch"] == most]
        if any(row["difference"] is not None for row in rows):
            stretches[test] = [list(stretch) for _, stretch in itertools.groupby(rows, key=lambda r: r["verdict"])]
    return stretches


def _same_epochs(test: str, rows: Sequence[Row]) -> str:
    parts = [f"{label(row['ours'])} {_OUTCOMES[row['verdict']]} {label(row['peer'])} ({_signed(row)})" for row in rows]
    return f"{test}, after {epochs_of(rows[0]['epochs'])}: {'; '.join(parts)}."


def _same_cpu_time(test: str, stretches: Sequence[Sequence[Row]]) -> str:
    parts = [f"from {rows[0]['cpu_seconds']:,.3g} s {_standing(rows[-1])}" for rows in stretches]
    return f"{test}, by CPU time: {'; '.join(parts)}."


def _tally_of_epochs(finals: Mapping[str, Sequence[Row]]) -> list[str]:
    """One sentence for each of ours: on how many test sets it scores higher or lower than the best peer of each."""
    rows = [row for of_test in finals.values() for row in of_test]
    sentences = []
    for name in dict.fromkeys(row["ours"] for row in rows):
        count = Counter(row["verdict"] for row in rows if row["ours"] == name)
        sides = ((AHEAD, "higher"), (BEHIND, "lower"))
        scores = " and ".join(f"{side} on {count[verdict]}" for verdict, side in sides if count[verdict])
        chance = f"; on {count[LEVEL]} the difference may be chance" if count[LEVEL] else ""
        found = scores + chance if scores else "neither higher nor lower: every difference may be chance"
        sentences.append(
            f"After {epochs_of(rows[0]['epochs'])}, compared with the best peer on {_sets(count.total())}, "
            f"{label(name)} scores {found}."
        )
    return sentences


def _tally_of_cpu_time(stretches: Mapping[str, Sequence[Sequence[Row]]]) -> list[str]:
    """One sentence: the number of test sets on which our best method is ahead throughout, and the others by name."""
    if not stretches:
        return []
    verdicts = {test: {rows[0]["verdict"] for rows in of_test} - {ALONE, ABSENT} for test, of_test in stretches.items()}
    ahead = sum(found == {AHEAD} for found in verdicts.values())
    behind = [test for test, found in verdicts.items() if BEHIND in found]
    ending = (
        f"at some CPU times it scores lower on {len(behind)} ({', '.join(behind)})"
        if behind
        else "it never scores lower"
    )
    return [
        f"Given the same CPU time, the best of ours scores higher than the best peer throughout on "
        f"{ahead or 'none'} of {_sets(len(stretches))}; {ending}."
    ]


def _cost(runs: Sequence[Row]) -> list[str]:
    """CPU time and peak memory of each of our methods and of gensim's negative sampling, with the most epochs."""
    done = [run for run in runs if "cpu_seconds" in run]
    last = max(((run["tokens_per_epoch"], run["epochs"]) for run in done), default=None)
    done = [run for run in done if (run["tokens_per_epoch"], run["epochs"]) == last]
    sentences = []
    for model in ("skipgram", "cbow"):
        names = f"wordsparse-{model}", f"gensim-{model}-ns"
        sides = [[run for run in done if run["name"] == name] for name in names]
        if all(sides):
            seconds = [median(run["cpu_seconds"] for run in side) for side in sides]
            megabytes = [median(run["peak_memory_bytes"] for run in side) / 1e6 for side in sides]
            sentences.append(
                f"{label(names[0])} took {_seconds(seconds[0])} of CPU time for {epochs_of(done[0]['epochs'])} and "
                f"{megabytes[0]:,.0f} MB of memory; {label(names[1])} took {_seconds(seconds[1])} and "
                f"{megabytes[1]:,.0f} MB{_ratio(seconds)}."
            )
    return sentences


def _ratio(seconds: Sequence[float]) -> str:
    """Which side was faster, and how often its time goes into the other's."""
    if min(seconds) <= 0:
        return ""
    factor = max(seconds) / min(seconds)
    return f": wordsparse was {'faster' if seconds[0] <= seconds[1] else 'slower'} by a factor of {factor:.3g}"


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.2g} s" if value < 1 else f"{value:.1f} s"


_OUTCOMES = {
    AHEAD: "scores higher than",
    LEVEL: "scores neither clearly higher nor lower than",
    BEHIND: "scores lower than",
}


def _standing(row: Row) -> str:
    """Which side scores higher within a CPU time."""
    ours, peer = (row[side] and label(row[side]) for side in ("ours", "peer"))
    if row["verdict"] == ALONE:
        return f"only {ours} has finished, and no peer"
    if row["verdict"] == ABSENT:
        return f"only {peer} has finished, and none of ours"
    return f"{ours} {_OUTCOMES[row['verdict']]} {peer} ({_signed(row)})"


def _signed(row: Row) -> str:
    if row["difference"] is None:
        return "they have no test item in common"
    return f"{row['difference']:+.3f}, 95 % interval {row['low']:+.3f} to {row['high']:+.3f}".replace("-", "−")


def _sets(count: int) -> str:
    return f"{count} test set{'s' if count > 1 else ''}"


def _by_test(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each test set, in order; if pairs and analogies share a name, the kind is added to it."""
    kinds = {(row["kind"], row["test"]) for row in rows}
    tests: dict[str, list[Row]] = {}
    for row in rows:
        twice = sum(test == row["test"] for _, test in kinds) > 1
        tests.setdefault(f"{row['test']} ({row['kind']})" if twice else row["test"], []).append(row)
    return tests

"""The conclusions of a comparison in sentences: at equal epochs, at equal CPU time, and the cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from wordsparse import optional
from wordsparse.comparison.request import METHODS
from wordsparse.comparison.verdicts import ABSENT, AHEAD, ALONE, BEHIND, LEVEL
from wordsparse.evaluation.scores import unanswered
from wordsparse.words.options import epochs_of

Row = Mapping[str, Any]


def label(name: str) -> str:
    """A method's title; the stem of a vector file is its own title."""
    return METHODS[name].label if name in METHODS else name


def missing(names: Sequence[str]) -> list[str]:
    """The sentence that names the methods of gensim where it is not installed."""
    titles = "; ".join(label(name) for name in names)
    return [f"gensim is not installed ({optional.command('gensim')}); not compared: {titles}."] if names else []


def conclude(
    differences: Sequence[Row], budgets: Sequence[Row], runs: Sequence[Row], missing: Sequence[str] = ()
) -> dict[str, list[str]]:
    """The sentences by part: ``unanswered`` names test sets that say nothing, ``in_short`` sums up."""
    finals = [row for row in final(differences) if row["best_peer"]]
    found = {row["verdict"] for row in (*finals, *budgets)}
    said = {"missing": [*missing], "unanswered": unanswered([run for run in runs if "pairs" in run])}
    if LEVEL in found and not found & {AHEAD, BEHIND}:
        little = "The text is too little to tell the methods apart: every difference may be chance."
        return {**said, "in_short": [*_cost(runs), little]}
    return {**said, "in_short": [*_cost(runs), *_tally_of_epochs(finals), *_tally_of_cpu_time(budgets)]}


def final(rows: Sequence[Row]) -> list[Row]:
    """The rows with the most epochs, and the rows of vector files."""
    most = max((row["epochs"] for row in rows if row["epochs"] is not None), default=None)
    return [row for row in rows if row["epochs"] in (most, None)]


def by_test(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each (kind, test), in order."""
    tests: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        tests.setdefault((row["kind"], row["test"]), []).append(row)
    return tests


def _tally_of_epochs(rows: Sequence[Row]) -> list[str]:
    """One sentence for each of ours: on how many test sets it scores higher or lower than the best peer of each."""
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


def _tally_of_cpu_time(budgets: Sequence[Row]) -> list[str]:
    """One sentence: the number of test sets on which our best method is ahead throughout, and the others by name."""
    verdicts = {
        test: {row["verdict"] for row in rows} - {ALONE, ABSENT}
        for test, rows in by_test(budgets).items()
        if any(row["difference"] is not None for row in rows)
    }
    if not verdicts:
        return []
    ahead = sum(found == {AHEAD} for found in verdicts.values())
    behind = [test for (_, test), found in verdicts.items() if BEHIND in found]
    ending = (
        f"at some CPU times it scores lower on {len(behind)} ({', '.join(behind)})"
        if behind
        else "it never scores lower"
    )
    return [
        f"Given the same CPU time, the best of ours scores higher than the best peer throughout on "
        f"{ahead or 'none'} of {_sets(len(verdicts))}; {ending}."
    ]


def _cost(runs: Sequence[Row]) -> list[str]:
    """CPU time and peak memory of each of our methods and of gensim's negative sampling, with the most epochs."""
    done = final([run for run in runs if "cpu_seconds" in run])
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


def _sets(count: int) -> str:
    return f"{count} test set{'s' if count > 1 else ''}"

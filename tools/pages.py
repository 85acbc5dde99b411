"""Fill the tables of the pages from the result files in docs/results.

    python tools/pages.py

A table stands in README.md or in a page of docs between two marks, ``<!-- result NAME: VIEW, VIEW -->`` and ``<!--
/result -->``. The data are the report ``docs/results/NAME.json``. For reports of ``wordsparse compare``, views are
functions of this file; for reports of ``python -m tools.bench``, views are prefixes of the names of benchmarks. The
command, the machine and the version are written below the table. If the report is missing, the page says that nothing
was measured.
"""

import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
MARKED = re.compile(r"(<!-- result ([\w-]+): ([\w, -]+) -->\n).*?(<!-- /result -->)", re.DOTALL)
HEADLINE_SETS = ("men", "rw", "wordsim353", "simlex999", "simverb", "mturk771")
SETS = {
    "wordsim353": "WordSim",
    "simlex999": "SimLex",
    "men": "MEN",
    "rw": "RW",
    "mturk771": "MTurk-771",
    "mturk": "MTurk",
    "rg65": "RG-65",
    "yp130": "YP-130",
    "simverb": "SimVerb",
    "verb143": "verb forms",
    "questions-words": "Google",
    "msr": "MSR",
}

Content = Mapping[str, Any]


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """Return a Markdown table whose first ``words`` columns hold words and whose other columns hold numbers."""
    lines = [headers, ["---"] * words + ["---:"] * (len(headers) - words), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def score(value: float | None) -> str:
    """Format a correlation or an accuracy with three decimals and without the zero before the decimal point."""
    return "" if value is None else f"{value:.3f}".replace("0.", ".", 1)


def number(value: object) -> str:
    """Format a number with three significant digits, or without decimals from 100 on. Return other values unchanged."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if type(value) is int else str(value)
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def origin(name: str, content: Content) -> str:
    """Return the name of a result file and the command that made it."""
    return f"`docs/results/{name}.json`: `{content['command']}`."


def machine_of(machine: Content) -> str:
    """Describe the machine and the version in one line."""
    threads = f"threads: {machine['threads']}"
    return f"{machine['processor']}, {machine['instruction_set']}, {threads}; commit {machine['commit']}."


# Functions that make tables from a report of `wordsparse compare`.


def medians(content: Content, measure: Callable[[Content], float | None]) -> dict[str, float]:
    """Return the median of a measure over the longest runs of each method."""
    runs = [run for run in content["runs"] if "error" not in run]
    longest = max((run["tokens_per_epoch"], run["epochs"]) for run in runs)
    values_of: dict[str, list[float]] = {}
    for run in runs:
        value = measure(run)
        if value is not None and (run["tokens_per_epoch"], run["epochs"]) == longest:
            values_of.setdefault(run["name"], []).append(value)
    return {name: statistics.median(values) for name, values in values_of.items()}


def scores(run: Content) -> dict[str, float | None]:
    """Return the scores of a run by test set."""
    by_test = {name: result["spearman"] for name, result in run["pairs"].items()}
    return by_test | {name: result["accuracy"] for name, result in run["analogies"].items()}


def comparison(content: Content, sets: Sequence[str] | None = None) -> str:
    """Return a table of the cost and the scores of each method, as medians over its runs."""
    methods = medians(content, lambda run: run["cpu_seconds"])
    sets = sets or list(scores(content["runs"][0]))
    columns: list[tuple[str, dict[str, float], Callable[[float], str]]] = [("CPU s", methods, number)]
    columns.append(("peak MB", medians(content, lambda run: run["peak_memory_bytes"] / 1e6), lambda mb: f"{mb:,.0f}"))
    columns += [(SETS[name], medians(content, lambda run, name=name: scores(run)[name]), score) for name in sets]
    rows = []
    for method in methods:
        label = content["methods"][method]
        shown = f"**{label}**" if method.startswith("wordsparse") else label
        rows.append([shown, *(form(values[method]) for _, values, form in columns)])
    return table(["", *(title for title, _, _ in columns)], rows)


def headline(content: Content) -> str:
    """Return the comparison table for README.md."""
    return comparison(content, HEADLINE_SETS)


COMPARISONS: dict[str, Callable[[Content], str]] = {"comparison": comparison, "headline": headline}

# Functions that make tables from a report of `python -m tools.bench`.


def rows_of(content: Content, start: str) -> str:
    """Return a table of the benchmarks whose names begin with ``start``; the times of several benchmarks are columns.

    Options with the same value in all rows appear only in the command, not as columns."""
    rows = [row for report in content["reports"] for row in report["rows"] if row["benchmark"].startswith(start)]
    options = content["reports"][0]["options"]
    same = {name for name in options if len(rows) > 1 and len({str(row.get(name)) for row in rows}) == 1}
    rows = [{name: value for name, value in row.items() if name not in same} for row in rows]
    if all("wall_us" in row for row in rows):
        return times(rows)
    kinds: dict[tuple[str, ...], list[Content]] = {}
    for row in rows:
        kinds.setdefault(tuple(name for name in row if name != "benchmark"), []).append(row)
    tables = []
    for names, group in kinds.items():
        words = sum(isinstance(group[0][name], str) for name in names)
        tables.append(
            table([name.replace("_", " ") for name in names], [[number(row[n]) for n in names] for row in group], words)
        )
    return "\n\n".join(tables)


def times(rows: Sequence[Content]) -> str:
    """Return a table of wall and CPU microseconds; with several cases, it has one column per benchmark."""
    sides = list(dict.fromkeys(row["benchmark"] for row in rows))
    names = [name for name in rows[0] if name not in ("benchmark", "wall_us", "cpu_us", "rounds_wall_us")]
    if len(rows) < 2 * len(sides):  # hardly any cases
        lines = [
            [label(row["benchmark"]), *(number(row[name]) for name in ("wall_us", "cpu_us", *names))] for row in rows
        ]
        return table(["", "wall µs", "CPU µs", *names], lines)
    cases: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        cell = f"{number(row['wall_us'])} ({number(row['cpu_us'])})"
        cases.setdefault(tuple(number(row[name]) for name in names), {})[row["benchmark"]] = cell
    headers = [*names, *(f"{label(side)}, µs (CPU)" for side in sides)]
    return table(
        headers, [[*case, *(by_side.get(side, "") for side in sides)] for case, by_side in cases.items()], len(names)
    )


def label(benchmark: str) -> str:
    """Return the label of a benchmark: ``encode unicode`` for ``time_encode_unicode``."""
    return benchmark.partition("_")[2].replace("_", " ")


def filled(text: str) -> str:
    """Return a page with its tables regenerated."""

    def fill(mark: re.Match[str]) -> str:
        start, name, views, end = mark.groups()
        path = RESULTS / f"{name}.json"
        if not path.exists():
            return f"{start}Not measured for this version yet.\n{end}"
        content = json.loads(path.read_text())
        of_bench = "reports" in content
        tables = [rows_of(content, view) if of_bench else COMPARISONS[view](content) for view in views.split(", ")]
        machine = content["reports"][0]["machine"] if of_bench else content["machine"]
        source = [] if views == "headline" else ["", origin(name, content), machine_of(machine)]
        return "\n".join([start.rstrip(), "\n\n".join(tables), *source, end])

    return MARKED.sub(fill, text)


def draw_headline(content: Content, path: Path) -> None:
    """Draw the figure of README.md: each method's CPU time and mean score over the test sets of README.md's table."""
    from matplotlib.figure import Figure

    cpu = medians(content, lambda run: run["cpu_seconds"])
    mean = medians(content, lambda run: statistics.mean(run["pairs"][name]["spearman"] for name in HEADLINE_SETS))
    figure = Figure(figsize=(6.4, 2.4), layout="constrained")
    axes = figure.subplots()
    for method, seconds in cpu.items():
        if method.endswith("-hs"):
            continue
        colour = "#0072b2" if method.startswith("wordsparse") else "#767676"
        axes.plot(seconds, mean[method], "o", color=colour)
        label = content["methods"][method].replace(", negative sampling", "")
        below = -12 if "cbow" in method else 4
        axes.annotate(label, (seconds, mean[method]), (8, below), textcoords="offset points", color=colour)
    axes.set(xlabel="CPU seconds of training", ylabel="mean rank correlation", xlim=(0, 300), ylim=(0.3, 0.55))
    axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write a figure as SVG, with the same bytes each time."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "wordsparse", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def pages() -> list[Path]:
    """Return the pages that may hold tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> None:
    """Regenerate the tables of every page, and the pictures."""
    for path in pages():
        path.write_text(filled(path.read_text()))
    name = "compare-english-10m"
    draw_headline(json.loads((RESULTS / f"{name}.json").read_text()), RESULTS / f"{name}.svg")


if __name__ == "__main__":
    main()

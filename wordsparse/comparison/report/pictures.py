"""The pictures of a comparison, each as SVG: scores, quality against CPU time, analogies by section, cost."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from wordsparse.comparison.conclusions import by_test, final
from wordsparse.comparison.report.style import Look, looks
from wordsparse.files.escaping import escaped

Row = Mapping[str, Any]
COLUMNS = 3
# Characters of a name; a longer name would leave too little space for the plot.
MAX_NAME = 40
# Inches: a panel's width, the height of a row of dots, the height of title and axis, the height of a curve panel.
WIDTH, ROW, FRAME, CURVE = 3.6, 0.26, 0.75, 2.7
RC: Any = {
    "svg.hashsalt": "wordsparse",  # for reproducible files
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "text.parse_math": False,  # a "$" in a file's name does not begin a formula
    "legend.frameon": False,
}


class Picture(NamedTuple):
    """A picture: its file name, its title, a description of its content, and the SVG."""

    name: str
    title: str
    description: str
    svg: bytes


def draw(content: Mapping[str, Any]) -> list[Picture]:
    """All pictures for which the content has numbers."""
    labels = {name: short(label) for name, label in content["methods"].items()}
    with matplotlib.rc_context(RC):
        return list(_pictures(content, labels, looks(labels)))


def _pictures(content: Mapping[str, Any], labels: Mapping[str, str], styles: Mapping[str, Look]) -> Iterator[Picture]:
    scores = content["scores"]
    done = [run for run in content["runs"] if "error" not in run]
    if not scores:
        return
    yield _picture(
        "scores",
        "Scores",
        "Each method's score on each test set with its 95 % interval.",
        _scores(final(scores), labels, styles),
    )
    timed = [row for row in scores if row["cpu_seconds"] is not None]
    if timed:
        yield _picture(
            "cpu-time",
            "Quality against CPU time",
            "Score against CPU seconds of training, a point for each number of epochs.",
            _curves(timed, labels, styles),
        )
        yield _picture(
            "cost",
            "Cost",
            "CPU time and peak memory of each method.",
            _cost(final([run for run in done if run["epochs"] is not None]), labels, styles),
        )
    for name in done[0]["analogies"]:
        yield _picture(
            f"sections-{_file_name(name)}",
            f"{name}, by section",
            f"Accuracy in each section of {name}.",
            _sections(final(done), name, labels, styles),
        )


def _picture(name: str, title: str, description: str, figure: Figure) -> Picture:
    file = io.BytesIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return Picture(name, title, description, file.getvalue())


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """``count`` panels of ``height`` inches, in rows of COLUMNS."""
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH * columns, height * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in panels[count:]:
        panel.set_axis_off()
    return figure, panels[:count]


def _scores(rows: Sequence[Row], labels: Mapping[str, str], styles: Mapping[str, Look]) -> Figure:
    tests = by_test(rows)
    names = [name for name in labels if any(row["name"] == name for row in rows)]
    figure, panels = _panels(len(tests), FRAME + ROW * len(names))
    for i, (panel, ((kind, test), scored)) in enumerate(zip(panels, tests.items(), strict=True)):
        for row in scored:
            y, look = names.index(row["name"]), styles[row["name"]]
            panel.hlines(y, _or_nan(row["low"]), _or_nan(row["high"]), color=look.colour, linewidth=2, zorder=2)
            if len(row["repeats"]) > 1:
                panel.plot(row["repeats"], [y] * len(row["repeats"]), "|", color="black", markersize=7, zorder=5)
            panel.plot(row["score"], y, **look.plot())
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_yticks(range(len(names)), [labels[name] for name in names] if i % COLUMNS == 0 else [""] * len(names))
        panel.grid(axis="y", visible=False)
        panel.set_title(f"{short(test)} ({_measure(kind)})", loc="left")
    return figure


def _curves(rows: Sequence[Row], labels: Mapping[str, str], styles: Mapping[str, Look]) -> Figure:
    tests = by_test(rows)
    figure, panels = _panels(len(tests), CURVE)
    for panel, ((kind, test), scored) in zip(panels, tests.items(), strict=True):
        for name in labels:
            points = sorted((row for row in scored if row["name"] == name), key=lambda row: row["epochs"])
            across, up = [row["cpu_seconds"] for row in points], [row["score"] for row in points]
            low, high = ([_or_nan(row[end]) for row in points] for end in ("low", "high"))
            panel.vlines(across, low, high, color=styles[name].colour, alpha=0.45, linewidth=1.2)
            panel.plot(across, up, **styles[name].plot())
            for row, place in zip(points, zip(across, up, strict=True), strict=True):
                panel.annotate(f"{row['epochs']}", place, (4, 4), textcoords="offset points", fontsize=7, zorder=6)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter(_plain)
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_title(f"{short(test)} ({_measure(kind)})", loc="left")
        panel.set_xlabel("CPU seconds of training")
    names = [name for name in labels if any(row["name"] == name for row in rows)]
    _legend(figure, [Line2D([], [], label=labels[name], **styles[name].plot()) for name in names])
    return figure


def _sections(runs: Sequence[Row], test: str, labels: Mapping[str, str], styles: Mapping[str, Look]) -> Figure:
    sections = list(runs[0]["analogies"][test]["sections"])
    figure = Figure(
        figsize=(WIDTH * 2.4, FRAME + ROW * (len(sections) + math.ceil(len(labels) / 2))), layout="constrained"
    )
    panel = figure.subplots()
    shifts = {
        name: 0.5 * (i / max(1, len(labels) - 1) - 0.5) for i, name in enumerate(labels)
    }  # markers must not overlap
    for name in labels:
        of_name = [run["analogies"][test]["sections"] for run in runs if run["name"] == name]
        points = [
            (fmean(known), y + shifts[name])
            for y, section in enumerate(sections)
            if (known := [part[section]["accuracy"] for part in of_name if part[section]["accuracy"] is not None])
        ]
        look = {**styles[name].plot(), "linestyle": ""}
        panel.plot([x for x, _ in points], [y for _, y in points], label=labels[name], **look)
    panel.set_ylim(len(sections) - 0.5, -0.5)
    panel.set_yticks(range(len(sections)), [short(section) for section in sections])
    panel.set_xlabel("accuracy")
    _legend(figure, panel.get_legend_handles_labels()[0])
    return figure


def _cost(runs: Sequence[Row], labels: Mapping[str, str], styles: Mapping[str, Look]) -> Figure:
    names = [name for name in labels if any(run["name"] == name for run in runs)]
    figure, panels = _panels(2, FRAME + ROW * len(names))
    quantities: list[tuple[str, Callable[[Row], float]]] = [
        ("CPU seconds of training", lambda run: float(run["cpu_seconds"])),
        ("peak memory, MB", lambda run: run["peak_memory_bytes"] / 1e6),
    ]
    for i, (panel, (title, quantity)) in enumerate(zip(panels, quantities, strict=True)):
        values = [[quantity(run) for run in runs if run["name"] == name] for name in names]
        bars = panel.barh(
            range(len(names)),
            [median(value) for value in values],
            color=[styles[name].colour if styles[name].filled else "white" for name in names],
            edgecolor=[styles[name].colour for name in names],
            linewidth=1.5,
            height=0.65,
        )
        panel.bar_label(
            bars,
            [f"{median(value):,.3g}" if median(value) < 100 else f"{median(value):,.0f}" for value in values],
            padding=3,
        )
        for y, value in enumerate(values):
            if len(value) > 1:
                panel.plot(value, [y] * len(value), "|", color="black", markersize=7)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.set_yticks(range(len(names)), [labels[name] for name in names] if i == 0 else [""] * len(names))
        panel.margins(x=0.18)
        panel.set_xlim(left=0)
        panel.grid(axis="y", visible=False)
        panel.set_title(title, loc="left")
    return figure


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    figure.legend(handles=handles, loc="outside lower center", ncols=2, handlelength=3)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def short(name: str, most: int = MAX_NAME) -> str:
    """A name, escaped and shortened: the SVG's comments contain it too, and XML forbids control characters."""
    name = escaped(name[: most + 1])
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _measure(kind: str) -> str:
    return "Spearman’s ρ" if kind == "pairs" else "accuracy"


def _plain(value: float, _: object = None) -> str:
    """A tick label: 0.5, 20, 300k, 10M."""
    for scale, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{suffix}"
    return f"{value:g}"


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)

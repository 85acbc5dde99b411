"""The report as a self-contained HTML page. A chart per test set shows the score and the CPU time of every run."""

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

from wordsparse.comparison.judgement import SETTINGS
from wordsparse.comparison.request import is_ours
from wordsparse.evaluation.scores import KINDS, own
from wordsparse.files.escaping import escaped

Row = Mapping[str, Any]
COSTS = {
    "CPU s": "cpu_seconds",
    "wall s": "wall_seconds",
    "tokens/s": "tokens_per_second",
}
# The size of a chart in pixels.
WIDTH, HEIGHT = 320, 220
# The colours are from Okabe and Ito, "Color Universal Design" (2008). Points of wordsparse are filled; points of
# gensim are hollow.
COLOURS = {
    "wordsparse-skipgram": "#D55E00",
    "gensim-skipgram-ns": "#E69F00",
    "gensim-skipgram-hs": "#CC79A7",
    "wordsparse-cbow": "#0072B2",
    "gensim-cbow-ns": "#56B4E9",
    "gensim-cbow-hs": "#009E73",
}


def page(content: Mapping[str, Any]) -> str:
    """Return the HTML document for the content of a report."""
    runs = [run for run in content["runs"] if "error" not in run]
    names = {name: shown(label) for name, label in content["methods"].items()}
    failed = [
        f"{content['methods'][run['name']]}, {run['epochs']} epochs, failed and is not shown: {run['error']}"
        for run in content["runs"]
        if "error" in run
    ]
    return Template(resources.files("wordsparse.comparison").joinpath("page.html").read_text("utf-8")).substitute(
        warnings="".join(f'<p class="failed">{shown(s)}</p>' for s in [*failed, *content["warnings"]]),
        differences=_differences(content["differences"], names),
        key=_key(names),
        panels="".join(_panel(runs, kind, test, shown(test)) for kind, test in tests(runs)),
        headlines="".join(f"<p><b>{shown(sentence)}</b></p>" for sentence in content["headlines"]),
        nearest=_nearest(runs, content["methods"]),
        runs=_scores(runs, names),
        costs=_costs(runs, names),
        **{part: shown(_facts(content[part])) for part in ("text", "options", "machine")},
        command=shown(content["command"]),
    )


def shown(value: object) -> str:
    """Return a value as HTML without control characters."""
    return html.escape(escaped(str(value)))


def tests(runs: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the kind and the name of each test set."""
    return [(kind, name) for kind in KINDS for name in runs[0][kind]]


def _facts(part: Mapping[str, Any] | None) -> str:
    parts = ((name, value) for name, value in (part or {}).items() if value not in (None, [], "", {}, False))
    return "; ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in parts)


def _plain(value: Any) -> str:
    """Return a value as text, without the brackets of Python."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(each)}" for name, each in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Return an HTML table with the given cells."""
    lines = [f"<tr><th>{'</th><th>'.join(map(shown, head))}</th></tr>"]
    lines += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _score(run: Row, kind: str, test: str) -> str:
    """Return the score of a run with its interval and the number of items, as HTML."""
    of_test = own(run[kind][test])
    value = of_test[KINDS[kind].measure]
    if value is None:
        return "–"
    items = f"{of_test['n']:,} of {of_test['n'] + of_test['oov']:,}"
    return f"<b>{value:.3f}</b> <small>{of_test['low']:.3f} to {of_test['high']:.3f}<br>{items}</small>"


def _differences(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    cells = (
        (
            shown(row["test"]),
            names[row["ours"]],
            names[row["peer"]],
            *(str(row[name]) for name in SETTINGS),
            f'<span class="{row["verdict"]}">{row["difference"]:+.3f}</span> ({row["low"]:+.3f} to {row["high"]:+.3f})',
        )
        for row in rows
        if row["best_peer"]
    )
    return _table(["test set", "ours", "best peer", *SETTINGS, "difference (95 % interval)"], cells)


def _scores(runs: Sequence[Row], names: Mapping[str, str]) -> str:
    head = ["method", *_varied(runs), *(test for _, test in tests(runs)), "CPU s"]
    cells = (
        [
            names[run["name"]],
            *(str(run[name]) for name in _varied(runs)),
            *(_score(run, kind, test) for kind, test in tests(runs)),
            _number(run["cpu_seconds"]),
        ]
        for run in runs
    )
    return _table(head, cells)


def _varied(runs: Sequence[Row]) -> list[str]:
    """Return the settings in which runs differ."""
    return [name for name in (*SETTINGS, "seed") if len({run[name] for run in runs}) > 1]


def _costs(runs: Sequence[Row], names: Mapping[str, str]) -> str:
    head = ["method", *SETTINGS, "seed", *COSTS, "peak MB", "loss, last epoch"]

    def values(run: Row) -> Iterator[str]:
        yield from (names[run["name"]], *(str(run[name]) for name in (*SETTINGS, "seed")))
        yield from (_number(run[cost]) for cost in COSTS.values())
        yield f"{run['peak_memory_bytes'] / 1e6:,.0f}"
        yield f"{run['loss'][-1]:.4f}" if run.get("loss") else "–"

    return _table(head, (list(values(run)) for run in runs))


def _nearest(runs: Sequence[Row], names: Mapping[str, str]) -> str:
    """Return a table of words with their neighbours by the last run of each method, side by side."""
    last = {run["name"]: run["nearest"] for run in runs}
    rows = ([shown(word), *(shown(", ".join(near[word])) for near in last.values())] for word in runs[0]["nearest"])
    return _table(["word", *(names[name] for name in last)], rows).replace("<table>", '<table class="words">')


def _key(names: Mapping[str, str]) -> str:
    """Return the items of the legend as HTML. The labels in ``names`` are already HTML."""
    dots = {name: f'<svg viewBox="0 0 12 12" style="width:.8em">{_dot(6, 6, name)}</svg>' for name in names}
    return "".join(f"<li>{dots[name]} {label}</li>" for name, label in names.items())


def _panel(runs: Sequence[Row], kind: str, test: str, title: str) -> str:
    """Draw the chart of one test set; ``title`` is HTML."""
    measure = KINDS[kind].measure
    judged = [(run, *(own(run[kind][test])[part] for part in (measure, "low", "high"))) for run in runs]
    judged = [row for row in judged if None not in row]
    if not judged:
        return ""
    seconds = [_log(run) for run in runs]
    low, high = min(row[2] for row in judged), max(row[3] for row in judged)
    x, y = _axis(min(seconds), max(seconds), 44, WIDTH - 36), _axis(low, high, HEIGHT - 34, 30)
    parts = [_text(4, 14, f"{title}, {measure}")]
    parts += [_text(2, y(value) + 4, f"{value:.2f}") for value in (low, high)]
    parts += [_text(x(value) - 10, HEIGHT - 12, f"{math.exp(value):.3g} s") for value in {min(seconds), max(seconds)}]
    for run, score, lowest, highest in judged:
        place = x(_log(run))
        parts += [_line(place, y(lowest), place, y(highest), run["name"]), _dot(place, y(score), run["name"])]
        parts.append(_text(place + 7, y(score) + 4, str(run["epochs"])))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg>'


def _log(run: Row) -> float:
    return math.log(max(run["cpu_seconds"], 1e-3))


def _axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Return a function from values to positions. If ``low`` equals ``high``, every position is the middle."""
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _colour(name: str) -> str:
    return COLOURS.get(name, "#555555")


def _dot(x: float, y: float, name: str) -> str:
    fill = _colour(name) if is_ours(name) else "white"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{_colour(name)}" stroke-width="2"/>'


def _line(x0: float, y0: float, x1: float, y1: float, name: str) -> str:
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {ends} stroke="{_colour(name)}" stroke-opacity=".6"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{text}</text>'

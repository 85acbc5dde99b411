"""The advice as one self-contained HTML page, in English, Japanese or both, with bars drawn as SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from wordsparse.advice.sentences import say

Content = Mapping[str, Any]
Bar = tuple[str, float, tuple[float, float] | None, str]

STYLE = """
:root { color-scheme: light dark; --bar: #0072b2; --ink: #1c2733; --soft: #5b6875; --ground: #fff; --line: #d5dbe1; }
@media (prefers-color-scheme: dark) { :root { --bar: #56b4e9; --ink: #e6ebf0; --soft: #a4afba; --ground: #14191f;
  --line: #38424d; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 2rem auto;
  max-width: 46rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.advice { font-size: 1.4rem; border-left: .4rem solid var(--bar); padding: .3rem 0 .3rem 1rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line);
  text-align: left; font-weight: normal; } td { font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 14px system-ui, sans-serif; fill: var(--ink); }
rect { fill: var(--bar); } line { stroke: var(--ink); stroke-width: 1.5; } footer { color: var(--soft); }
section + section { border-top: 2px solid var(--line); margin-top: 3rem; }
"""


def page(content: Content, languages: Sequence[str]) -> str:
    """The HTML document of an advice, as :func:`wordsparse.advice.advise` returns it."""
    sections = "\n".join(
        f'<section lang="{language}">\n{_section(content, language)}\n</section>' for language in languages
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="{languages[0]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(say('title', languages[0]))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{sections}\n"
        f"</body>\n</html>\n"
    )


def facts(content: Content, language: str) -> list[tuple[str, str]]:
    """(name, value) of the sizes, speed-ups and memory."""
    shown = {
        "n_examples": f"{content['n_examples']:,}",
        "n_outputs": f"{content['n_outputs']:,}",
        "n_features": f"{content['n_features']:,}",
        "targets_per_example": f"{content['targets_per_example']:.3g}",
        "rare_share": f"{content['rare_share']:.0%}",
        "speedup_predicted": f"{content['speedup_predicted']:,.3g} ×",
        "speedup_measured": f"{content['speedup_measured']:,.3g} ×",
        "memory_bytes": f"{content['memory_bytes'] / 1e6:,.1f} MB",
        "dense_memory_bytes": f"{content['dense_memory_bytes'] / 1e6:,.1f} MB",
    }
    return [(say(name, language), value) for name, value in shown.items()]


def loss_rows(content: Content, language: str) -> list[tuple[str, str, str]]:
    """(loss, whether it fits, its outputs)."""
    rows = []
    for row in content["losses"]:
        fits = say("fits" if row["fits"] else "no-fit", language)
        if "nearest" in row:
            fits = say("no-softmax", language, {"nearest": ", ".join(row["nearest"])})
        rows.append((row["loss"], fits, say(row["gives"], language)))
    return rows


def full_run(content: Content, language: str) -> str:
    """The time of the full run with its interval."""
    if content["full_run_cpu_seconds"] is None:
        return say("not-run", language)
    low, high = content["full_run_cpu_seconds"]
    return say("full-run", language, {"low": low, "high": high})


def _section(content: Content, language: str) -> str:
    parts = [
        f"<h1>{escape(say('title', language))}</h1>",
        f"<p>{escape(content['source'])}</p>",
        f'<p class="advice">{escape(say(content["verdict"], language))}</p>',
        _list(say(name, language, values) for name, values in content["reasons"]),
        _heading("sizes", language),
        _table(facts(content, language)),
        _heading("step", language),
        _bars(
            [
                (say("exact layer", language), content["step_cpu_seconds"]["exact"] * 1e6, None, "µs"),
                (say("dense layer", language), content["step_cpu_seconds"]["dense"] * 1e6, None, "µs"),
            ]
        ),
    ]
    if content["trial"]:
        named = [(say("examples", language, row), row) for row in content["trial"]]
        quality: list[Bar] = [(name, row["quality"], (row["low"], row["high"]), row["measure"]) for name, row in named]
        seconds: list[Bar] = [(name, row["cpu_seconds"], None, "s") for name, row in named]
        parts += [_heading("quality", language), _bars(quality), _heading("training", language), _bars(seconds)]
    parts += [
        _heading("full", language),
        f"<p>{escape(full_run(content, language))}</p>",
        _heading("losses", language),
        _table(loss_rows(content, language)),
        _heading("limits", language),
        _list(say(name, language) for name in content["limits"]),
        f"<footer><p>{escape(say('made', language, content['made']))}</p></footer>",
    ]
    return "\n".join(parts)


def _heading(name: str, language: str) -> str:
    return f"<h2>{escape(say(name, language))}</h2>"


def _list(sentences: Any) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    cells = (
        "".join([f"<th scope='row'>{escape(row[0])}</th>", *(f"<td>{escape(c)}</td>" for c in row[1:])]) for row in rows
    )
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _bars(bars: Sequence[Bar]) -> str:
    """Horizontal bars from 0, with an interval where there is one."""
    longest = max((interval[1] if interval else value for _, value, interval, _ in bars), default=0) or 1.0
    width, left, step = 760, 310, 34
    drawn = []
    for i, (name, value, interval, unit) in enumerate(bars):
        y, scale = i * step, (width - left - 110) / longest
        drawn.append(f'<text x="0" y="{y + 20}">{escape(name)}</text>')
        drawn.append(f'<rect x="{left}" y="{y + 6}" width="{max(1.0, value * scale):.1f}" height="18"/>')
        end = value
        if interval:
            low, high = (left + max(0.0, x) * scale for x in interval)
            drawn.append(f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 15}" y2="{y + 15}"/>')
            end = max(value, interval[1])
        drawn.append(f'<text x="{left + end * scale + 8:.1f}" y="{y + 20}">{value:,.3g} {escape(unit)}</text>')
    label = escape("; ".join(f"{name} {value:,.3g} {unit}" for name, value, _, unit in bars))
    return f'<svg viewBox="0 0 {width} {len(bars) * step}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'

"""The report as one self-contained HTML page."""

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2

from wordsparse.comparison.conclusions import by_test, final
from wordsparse.comparison.report.pictures import Picture, short
from wordsparse.evaluation.bootstrap import RESAMPLES

Row = Mapping[str, Any]
# The characters of a longer word in a table.
MAX_WORD = 80


def page(content: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """The page as HTML. The template's environment escapes every name, path and word in it."""
    source = resources.files("wordsparse.comparison.report").joinpath("page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "number": _number,
        "score": _score,
        "signed": _signed,
        "megabytes": _megabytes,
        "short": lambda word: short(word, MAX_WORD),
    }
    shown = {
        picture.name: {
            "title": picture.title,
            "description": picture.description,
            "source": f"data:image/svg+xml;base64,{base64.b64encode(picture.svg).decode()}",
        }
        for picture in pictures
    }
    return environment.from_string(source).render(
        content,
        pictures=shown,
        resamples=RESAMPLES,
        summary=_summary(content),
        examples=_examples(content),
        score_tables=by_test(final(content["scores"])),
        known=_known(content["runs"]),
        difference_tables=by_test(final(content["differences"])),
        finals={
            test: {row["ours"]: row for row in rows if row["best_peer"]}
            for test, rows in by_test(final(content["differences"])).items()
        },
        last_budgets={test: rows[-1] for test, rows in by_test(content["budgets"]).items()},
        budget_tables=by_test(content["budgets"]),
    )


def _summary(content: Mapping[str, Any]) -> dict[str, Any]:
    """The table on top: the final score of each method (rows) on each test set (columns), and the best of each."""
    tests = by_test(final(content["scores"]))
    return {
        "tests": list(tests),
        "methods": [
            name for name in content["methods"] if any(r["name"] == name for rows in tests.values() for r in rows)
        ],
        "scores": {(*test, row["name"]): row for test, rows in tests.items() for row in rows},
        "best": {test: max(row["score"] for row in rows) for test, rows in tests.items()},
        "cpu_seconds": {row["name"]: row["cpu_seconds"] for rows in tests.values() for row in rows},
    }


def _examples(content: Mapping[str, Any]) -> dict[str, Any]:
    """The nearest words of a few words (rows) in the final run of each method (columns), the first of its repeats."""
    found: dict[str, Row] = {}
    for run in final(content["runs"]):
        if "neighbours" in run:
            found.setdefault(run["name"], run["neighbours"])
    by_method = {name: found[name] for name in content["methods"] if name in found}
    return {"by_method": by_method, "words": list(dict.fromkeys(word for of_one in found.values() for word in of_one))}


def _known(runs: Sequence[Row]) -> dict[tuple[str, str, str], Row]:
    """n and oov of each (kind, test, name), from the runs with the most epochs."""
    return {
        (kind, test, run["name"]): score
        for run in final(runs)
        for kind in ("pairs", "analogies")
        for test, score in run.get(kind, {}).items()
    }


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _megabytes(value: float | None) -> str:
    return "–" if value is None else f"{value / 1e6:,.0f}"

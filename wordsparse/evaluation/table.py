"""Scores for people: a dict that is shown as a table, also in a notebook."""

from collections.abc import Iterator, Mapping
from typing import Any

from wordsparse.files.escaping import escaped, html_table

Row = tuple[str, str, str, str, str]
KINDS = {
    "pairs": ("word pairs", "spearman"),
    "analogies": ("analogies", "accuracy"),
    "sentences": ("sentences", "spearman"),
    "related": ("related words", "hit10"),
}
"""Title and measure of each kind of test set."""


class Scores(dict[str, Any]):
    """The result of :func:`wordsparse.evaluate`, whose text is a table."""

    def __str__(self) -> str:
        rows = list(self._rows())
        width = max((len(row[0]) for row in rows), default=0)
        return "\n".join(
            f"{name:{width}}  {value:>8}  {low:>14}  {n:>6}  {oov:>6}" for name, value, low, n, oov in rows
        )

    def _repr_html_(self) -> str:
        return html_table(list(self._rows()), {title for title, _ in KINDS.values()})

    def _rows(self) -> Iterator[Row]:
        """Yield the test sets in order; sections follow their analogy file if any question was answered."""
        for kind, (title, measure) in KINDS.items():
            if self[kind]:
                yield title, measure, "95 % interval", "n", "oov"
            for name, score in self[kind].items():
                yield _row(name, score, measure)
                if "with_composed" in score:
                    yield _row("  with composed vectors", score["with_composed"], measure)
                for section, part in (score.get("sections", {}) if score["n"] else {}).items():
                    yield _row(f"  {section}", part, measure)


def _row(name: str, score: Mapping[str, object], key: str) -> Row:
    interval = "-" if score.get("low") is None else f"{score['low']:.3f} … {score['high']:.3f}"
    value = "-" if score[key] is None else f"{score[key]:.3f}"
    return escaped(name), value, interval, str(score["n"]), str(score["oov"])

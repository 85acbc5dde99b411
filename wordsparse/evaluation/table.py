"""Scores as people read them: a dict that is shown as a table, in a notebook too."""

from collections.abc import Iterator, Mapping
from typing import Any

from wordsparse.files.escaping import escaped, html_table

Row = tuple[str, str, str, str, str]


class Scores(dict[str, Any]):
    """An :class:`wordsparse.evaluation.scores.Evaluation`, whose text is a table."""

    def __str__(self) -> str:
        rows = list(self._rows())
        width = max((len(row[0]) for row in rows), default=0)
        return "\n".join(
            f"{name:{width}}  {value:>8}  {low:>14}  {n:>6}  {oov:>6}" for name, value, low, n, oov in rows
        )

    def _repr_html_(self) -> str:
        return html_table(list(self._rows()), {"word pairs", "analogies", "sentences"})

    def _rows(self) -> Iterator[Row]:
        """Test sets in the order given, the sections of an analogy file below it if any question was asked."""
        if self["pairs"]:
            yield "word pairs", "spearman", "95 % interval", "n", "oov"
            for name, pairs in self["pairs"].items():
                yield _row(name, pairs, "spearman")
                if "with_composed" in pairs:
                    yield _row("  with composed vectors", pairs["with_composed"], "spearman")
        if self["analogies"]:
            yield "analogies", "accuracy", "95 % interval", "n", "oov"
            for name, score in self["analogies"].items():
                yield _row(name, score, "accuracy")
                for section, part in (score["sections"] if score["n"] else {}).items():
                    yield _row(f"  {section}", part, "accuracy")
        if self["sentences"]:
            yield "sentences", "spearman", "95 % interval", "n", "oov"
            for name, pairs in self["sentences"].items():
                yield _row(name, pairs, "spearman")


def _row(name: str, score: Mapping[str, object], key: str) -> Row:
    interval = "-" if score["low"] is None else f"{score['low']:.3f} … {score['high']:.3f}"
    value = "-" if score[key] is None else f"{score[key]:.3f}"
    return escaped(name), value, interval, str(score["n"]), str(score["oov"])

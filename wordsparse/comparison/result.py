"""The result of a comparison: a dict of its report that is printed as a table, also in a notebook."""

from collections.abc import Iterator
from typing import Any

from wordsparse.evaluation.scores import KINDS, own
from wordsparse.files.escaping import escaped, html_table

HEAD = ("method", "score", "95 % interval", "n", "oov", "epochs", "CPU s")


class Comparison(dict[str, Any]):
    """The result of :func:`wordsparse.compare`, which is shown as a table of the scores of all runs."""

    def rows(self) -> list[dict[str, Any]]:
        """Return a tidy table, one dict per run and test set, for example for ``pandas.DataFrame``.

        The columns are ``method``, ``dim``, ``window``, ``epochs``, ``seed``, ``cpu_seconds``, ``test``, ``measure``,
        ``score``, ``low``, ``high``, ``n`` and ``oov``. A score is None if no item of the test set can be scored.
        """
        options = {name: self["options"][name] for name in ("dim", "window")}
        return [
            {
                "method": run["name"],
                **options,
                **{name: run[name] for name in ("epochs", "seed", "cpu_seconds")},
                "test": test,
                "measure": kind.measure,
                "score": own(score)[kind.measure],
                **{name: own(score).get(name) for name in ("low", "high", "n", "oov")},
            }
            for run in self["runs"]
            if "error" not in run
            for name, kind in KINDS.items()
            for test, score in run[name].items()
        ]

    def __str__(self) -> str:
        lines = [*self._lines()]
        first, *others = (max(map(len, cells)) for cells in zip(*lines, strict=True))
        cells = ((name, [cell.rjust(width) for cell, width in zip(rest, others, strict=True)]) for name, *rest in lines)
        return "\n".join("  ".join([name.ljust(first), *rest]) for name, rest in cells)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = [*self._lines()]
        return html_table(lines, {line[0] for line in lines if line[2] == HEAD[2]})

    def _lines(self) -> Iterator[tuple[str, ...]]:
        """Yield the cells of the table: a heading for each test set, and a line for each run."""
        rows = self.rows()
        for test in dict.fromkeys(row["test"] for row in rows):
            some = [row for row in rows if row["test"] == test]
            yield escaped(test), some[0]["measure"], *HEAD[2:]
            for row in some:
                yield self._line(row)

    def _line(self, row: dict[str, Any]) -> tuple[str, ...]:
        missing = row["score"] is None
        return (
            f"  {escaped(self['methods'][row['method']])}",
            "-" if missing else f"{row['score']:.3f}",
            "-" if missing else f"{row['low']:.3f} … {row['high']:.3f}",
            *(str(row[name]) for name in ("n", "oov", "epochs")),
            f"{row['cpu_seconds']:.1f}",
        )

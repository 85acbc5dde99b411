"""The result of a comparison: a dict of its report that is printed as a table, also in a notebook."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from statistics import mean
from typing import Any

from wordsparse import optional
from wordsparse.comparison.judgement import SETTINGS
from wordsparse.evaluation.scores import KINDS, own
from wordsparse.files.escaping import escaped, html_table

HEAD = ("method", "score", "95 % interval", "n", "oov", *SETTINGS, "CPU s")


class Comparison(dict[str, Any]):
    """The result of :func:`wordsparse.compare`, which is shown as a table of the scores of all runs."""

    def rows(self) -> list[dict[str, Any]]:
        """Return a tidy table, one dict per run and test set, for example for ``pandas.DataFrame``.

        The columns are ``method``, ``dim``, ``window``, ``epochs``, ``seed``, ``cpu_seconds``, ``test``, ``measure``,
        ``score``, ``low``, ``high``, ``n`` and ``oov``. A score is None if no item of the test set can be scored.
        """
        return [
            {
                "method": run["name"],
                **{name: run[name] for name in (*SETTINGS, "seed", "cpu_seconds")},
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

    def to_frame(self) -> Any:
        """Return :meth:`rows` as a ``pandas.DataFrame``."""
        return optional.load("a data frame", "pandas").DataFrame(self.rows())

    def __str__(self) -> str:
        lines = [*self._lines()] or [("no run has a score",)]
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
            some = sorted((row for row in rows if row["test"] == test), key=self._place)
            yield escaped(test), some[0]["measure"], *HEAD[2:]
            for _, group in groupby(some, itemgetter("method", *SETTINGS)):
                yield from self._runs([*group])

    def _place(self, row: dict[str, Any]) -> tuple[int, ...]:
        """Return the sort key of a run, which keeps runs that differ only in the seed together."""
        return *(row[name] for name in SETTINGS), [*self["methods"]].index(row["method"]), row["seed"]

    def _runs(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
        """Yield a line for each of the runs that differ only in the seed, and a line for their mean and range."""
        for row in rows:
            yield self._line(row)
        if len(scores := [row["score"] for row in rows if row["score"] is not None]) > 1:
            span = f"{min(scores):.3f} … {max(scores):.3f}"
            yield f"    mean and range of {len(scores)} seeds", f"{mean(scores):.3f}", span, *[""] * (len(HEAD) - 3)

    def _line(self, row: dict[str, Any]) -> tuple[str, ...]:
        missing = row["score"] is None
        return (
            f"  {escaped(self['methods'][row['method']])}",
            "-" if missing else f"{row['score']:.3f}",
            "-" if missing else f"{row['low']:.3f} … {row['high']:.3f}",
            *(str(row[name]) for name in ("n", "oov", *SETTINGS)),
            f"{row['cpu_seconds']:.1f}",
        )

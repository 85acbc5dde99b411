"""A dict of scores that is printed as a table, also in a notebook."""

from collections.abc import Iterator, Mapping
from typing import Any

from wordsparse.evaluation.neighbours import MEASURES
from wordsparse.evaluation.scores import KINDS, own
from wordsparse.files.escaping import escaped, html_table

Row = tuple[str, str, str, str, str]
NEXT = "next item"
"""The title of the test sets that need a model, not only vectors."""
PROBABILITIES = "probability"
SIDES = {
    "bm25": "BM25",
    "fused": "both in one score",
    "bm25_stemmed": "BM25, stems",
    "fused_stemmed": "both in one score, stems",
    "popularity": "popularity",
    "counts": "item-to-item counts",
    "category": "popularity by features",
}
"""Titles of the rankings that are scored for comparison with the vectors or the model."""


class Scores(dict[str, Any]):
    """The result of :func:`wordsparse.evaluate`, which is shown as a table of the scores."""

    def __str__(self) -> str:
        rows = list(self._rows())
        width = max((len(row[0]) for row in rows), default=0)
        return "\n".join(
            f"{name:{width}}  {value:>9}  {low:>14}  {n:>6}  {oov:>6}" for name, value, low, n, oov in rows
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(list(self._rows()), {NEXT, PROBABILITIES, *(kind.title for kind in KINDS.values())})

    def _rows(self) -> Iterator[Row]:
        """Yield the rows by kind of test set. A file's sections follow the file if any question was answered."""
        for kind, (title, measure, *_) in KINDS.items():
            yield from self._neighbours() if kind == "neighbours" else self._rows_of(kind, title, measure)
            if kind == "retrieval":
                yield from self._rows_of(kind, title, "recall100", "recall100_")
        if "next" in self:
            yield from self._rows_of("next", NEXT, "hit10")
            yield from self._rows_of("next", NEXT, "ndcg10", "ndcg10_")
            yield from self._calibrations()

    def _neighbours(self) -> Iterator[Row]:
        """Yield, for each set of asked words, the shares of neighbours."""
        if self["neighbours"]:
            yield (KINDS["neighbours"].title, *MEASURES)
        for name, score in self["neighbours"].items():
            related, same, own_forms, rare = ("-" if score[key] is None else f"{score[key]:.3f}" for key in MEASURES)
            yield escaped(name), related, same, own_forms, rare

    def _calibrations(self) -> Iterator[Row]:
        """Yield, for each event log, the mean probability of the first item, how often this item came next, the
        expected calibration error, and the mean log probability of the items that came next."""
        if any("calibration" in score for score in self["next"].values()):
            yield PROBABILITIES, "first", "came next", "error", "log p"
        for name, score in self["next"].items():
            if "calibration" not in score:
                continue
            p1, hit1, ece, log_p = (score["calibration"][key] for key in ("p1", "hit1", "ece", "log_p"))
            shown = "-" if log_p is None else f"{log_p:.2f}"
            yield escaped(name), f"{p1:.3f}", f"{hit1:.3f}", f"{ece:.3f}", shown

    def _rows_of(self, kind: str, title: str, measure: str, prefix: str = "") -> Iterator[Row]:
        """Yield the rows for a kind of test set and a measure, whose interval has the keys ``prefix + "low"`` and
        ``prefix + "high"``."""
        if self[kind]:
            yield title, measure, "95 % interval", "n", "oov"
        for name, score in self[kind].items():
            yield _row(f"{name}, model" if kind == "next" else name, own(score), measure, prefix)
            if "with_composed" in score:
                yield _row("  with composed vectors", score["with_composed"], measure)
            for side in filter(score.__contains__, SIDES):
                yield _row(f"  {SIDES[side]}", score[side], measure, prefix)
            if difference := score.get("difference"):
                yield _row(f"  model − {SIDES[difference['rival']]}", difference, measure, prefix)
            for section, part in (score.get("sections", {}) if own(score)["n"] else {}).items():
                yield _row(f"  {section}", part, measure)


def _row(name: str, score: Mapping[str, Any], key: str, prefix: str = "") -> Row:
    low, high = (score.get(f"{prefix}{end}") for end in ("low", "high"))
    interval = "-" if low is None else f"{low:.3f} … {high:.3f}"
    value = "-" if score[key] is None else f"{score[key]:.3f}"
    return escaped(name), value, interval, str(score["n"]), str(score["oov"])

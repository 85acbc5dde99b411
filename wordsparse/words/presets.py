"""Defaults for kinds of sequences: text, baskets of items, and walks on a graph. docs/text.md has the measurements."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wordsparse.errors import InputError
from wordsparse.words.coordinates import EXPONENT, POPULARITY, TURN
from wordsparse.words.examples import Distances

# The default window of baskets: as wide as nearly every basket, at a bounded cost in a file of long lines.
BASKET_WINDOW = 255


@dataclass(frozen=True)
class Preset:
    """The defaults of a kind of sequences: ``about`` it in words, and ``options`` in place of the general ones.

    ``distances`` says how contexts count by distance, and ``negatives`` how much words that are not targets weigh in
    the loss bounded-ns; None for the recipe's. The others are those of ``coordinates.combined``. Where few classes are
    known, what many nodes have in common tells most of them, by a larger ``exponent``; hubs and leaves differ in class,
    by ``popularity``; and output vectors without ``turn`` keep what words predict each other: the links of a graph.
    """

    about: str
    options: Mapping[str, Any] = field(default_factory=dict)
    min_count: int = 5
    distances: Distances | None = None
    exponent: float = EXPONENT
    popularity: float = POPULARITY
    turn: float = TURN
    negatives: float | None = None

    @property
    def export(self) -> dict[str, float]:
        """The arguments of ``coordinates.combined`` for these sequences."""
        return {"exponent": self.exponent, "popularity": self.popularity, "turn": self.turn}


PRESETS = {
    "text": Preset("sentences of a language"),
    "items": Preset(
        "baskets, sessions or playlists of items, whose order does not count",
        {"window": BASKET_WINDOW, "sample": 0.0, "form": 0.0},
        min_count=1,
        distances="equal",
        turn=0.0,
    ),
    "walks": Preset(
        "walks on a graph",
        {"sample": 0.0, "form": 0.0},
        min_count=1,
        distances="linear",
        exponent=1.5,
        popularity=0.05,
        turn=0.0,
        negatives=20.0,
    ),
}
_WALKS = PRESETS["walks"]
PRESETS["graph"] = replace(
    _WALKS,
    about="the edges of a graph: walks are made while it trains",
    options={**_WALKS.options, "model": "skipgram", "epochs": 1},
)


def preset(name: object) -> Preset:
    """The preset of a name; InputError if there is none."""
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, not {name!r}")
    return PRESETS[name]

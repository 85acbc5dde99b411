"""The look of each method in every picture: colour, marker and line style, distinguishable without colour too.

The colours are those of Okabe and Ito, "Color Universal Design" (2008). Our methods have filled markers and thick
lines; gensim's have hollow markers, and dashed lines for hierarchical softmax; vectors from files are grey.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Look(NamedTuple):
    """Colour, marker and line of a method."""

    colour: str
    marker: str
    line: str
    filled: bool

    def plot(self) -> dict[str, Any]:
        """Arguments of ``Axes.plot`` and ``Axes.errorbar``."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.line,
            "linewidth": 2.2 if self.filled else 1.3,
            "markersize": 6.5 if self.filled else 6,
            "markerfacecolor": self.colour if self.filled else "white",
            "zorder": 4 if self.filled else 3,
        }


LOOKS = {
    "wordsparse-skipgram": Look("#D55E00", "o", "-", True),
    "wordsparse-cbow": Look("#0072B2", "s", "-", True),
    "gensim-skipgram-ns": Look("#E69F00", "o", "-", False),
    "gensim-skipgram-hs": Look("#E69F00", "D", "--", False),
    "gensim-cbow-ns": Look("#56B4E9", "s", "-", False),
    "gensim-cbow-hs": Look("#56B4E9", "^", "--", False),
}
FILE_MARKERS = "vPX*<>"


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of every name: a fixed one for each method, and a distinct marker for each file."""
    names = list(names)
    files = [name for name in names if name not in LOOKS]
    of_files = {name: Look("#555555", FILE_MARKERS[i % len(FILE_MARKERS)], ":", False) for i, name in enumerate(files)}
    return {name: LOOKS.get(name) or of_files[name] for name in names}

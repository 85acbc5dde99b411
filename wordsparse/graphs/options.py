"""The options of walks on a graph."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from wordsparse.errors import InputError
from wordsparse.options import Checked, option
from wordsparse.validation import finite, whole

# The limit of walks per node and of nodes per walk, so that int64 can hold the number of tokens for any graph.
MOST_WALKS = 10_000

# The bounds of p and q. Outside these bounds, walks take minutes, because most draws are rejected.
BIAS = partial(finite, least=0.01, most=100.0)


@dataclass(frozen=True, kw_only=True)
class GraphOptions(Checked):
    """Options for reading a graph and walking on it."""

    walks: int = option(10, "Number of walks from a node per epoch.", check=partial(whole, least=1, most=MOST_WALKS))
    walk_length: int = option(80, "Number of nodes in a walk.", check=partial(whole, least=2, most=MOST_WALKS))
    p: float = option(1.0, "node2vec's p: a step back to the previous node has 1/p times the weight.", check=BIAS)
    q: float = option(
        1.0, "node2vec's q: a step to a node not linked from the previous node has 1/q times the weight.", check=BIAS
    )
    directed: bool | None = option(
        None, "Follow edges from source to target only.", shown="as in a NetworkX graph; undirected for files"
    )
    ends: str | None = option(
        None,
        "Columns with the two nodes of an edge, in files of rows or a data frame.",
        shown="the first two",
        metavar="SOURCE,TARGET",
    )
    edge_weight: str | None = option(
        None,
        "Column, or NetworkX attribute, of the weight of an edge.",
        shown="the column weight, or the third if columns have no names",
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ends is not None and (not isinstance(self.ends, str) or len(self.columns) != 2):
            raise InputError(f"ends must name two columns, SOURCE,TARGET, not {self.ends!r}")

    @property
    def columns(self) -> list[str]:
        """The names of the columns with the two nodes of an edge."""
        return [] if self.ends is None else [name.strip() for name in self.ends.split(",")]

    def walked(self) -> dict[str, Any]:
        """Return the options that determine the walks on a graph."""
        return {name: getattr(self, name) for name in ("walks", "walk_length", "p", "q")}

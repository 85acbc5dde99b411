"""The interface between data and training: a source yields training data, and training knows only this interface.

A pass over a source has positions 0 … ``positions`` − 1, and is cut into pieces. The piece that begins at a position
depends only on the epoch, the seed and the position, so a pass can begin at the start of any piece. A builder makes
the examples of a minibatch from a piece.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.types import Array
from wordsparse.words.examples import Examples
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

# A block of held-out data has this many positions, many more than a window. A short pass has MIN_BLOCKS smaller blocks.
HELDOUT_BLOCK = 1024
MIN_BLOCKS = 200

Sizes = Callable[[int], int]
"""A function that takes a position, and returns the number of positions in the piece that begins at this position."""
Build = Callable[..., Examples]
"""A function that makes examples from a piece's ``ids``, ``start`` and ``stop``, and keywords ``offset``, ``epoch``."""


class Ids:
    """An array that the function ``read`` reads when a thread builds examples from it, while training takes steps."""

    def __init__(self, read: Callable[[], Array]) -> None:
        self._read = read

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._read()


class Piece(NamedTuple):
    """A piece of a pass. Its own data are ``ids[start:stop]``, and ``ids[0]`` has the position ``offset`` in the pass.

    ``ids``, an array or :class:`Ids`, also holds the data around the piece, as far as windows reach.
    """

    ids: Array | Ids
    start: int
    stop: int
    offset: int

    def part(self, number: int, parts: int) -> "Piece":
        """Return part ``number`` of the piece, which is cut into ``parts`` equal parts."""
        size = self.stop - self.start
        return self._replace(start=self.start + size * number // parts, stop=self.start + size * (number + 1) // parts)

    @property
    def end(self) -> int:
        """The position after the last position of the piece."""
        return self.offset + self.stop


class Passes(Protocol):
    """The passes of a run over a source. A pass trains on ``tokens``, in the schedule's unit of length, and has
    ``positions``, which include held-out positions."""

    tokens: int
    positions: int

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        """Yield the pieces of an epoch from the position ``first`` on, which is the first position of a piece."""

    def heldout(self, size: int) -> Iterator[Piece]:
        """Yield the held-out pieces, of ``size`` positions each."""


class Source(Protocol):
    """Training data: text, counted pairs, walks on a graph, or data that another package reads.

    ``length`` is the number of tokens per pass; the default number of epochs and some warnings depend on it. Recipes
    and options count in tokens, but the schedule counts in the source's own unit, of which a token has ``rate``.

    ``--for NAME`` names a class, either in ``SOURCES`` of ``wordsparse/doors.py`` or in an installed package's entry
    point in the group ``wordsparse.sources``. The class is called with the corpus (a list of paths from the command
    line) and its own options. The class attribute ``options`` is the frozen dataclass of these options, whose fields
    are made by :func:`wordsparse.options.option` and have defaults. The optional class attribute ``preset``, a
    :class:`wordsparse.words.kinds.Kind`, has the defaults of the other options.
    """

    vocabulary: Vocabulary
    length: int
    rate: float

    def identity(self) -> dict[str, Any]:
        """Return the record that identifies the source in a checkpoint, as types of JSON, with ``sha256``, ``tokens``
        and ``sentences``. Equal records mean the same data."""

    def passes(self, options: Options, vocabulary: Vocabulary) -> Passes:
        """Return the passes over this source, with ids of ``vocabulary``, which has all words of the source. Raise
        InputError if an option is wrong."""

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        """Return a function that makes a piece's examples. It holds scratch space, so each thread needs its own."""


class Split:
    """The choice of held-out positions among the ``positions`` of a pass.

    Block b is held out if ⌊(b + 1) x + u⌋ > ⌊b x + u⌋, where x is the ``fraction`` to hold out, 0 ≤ x < 1, and the seed
    determines u, uniform on [0, 1). The held-out blocks are spread evenly over the pass, and their fraction is x, up to
    one block.
    """

    def __init__(self, positions: int, fraction: float, seed: int) -> None:
        self.block = min(HELDOUT_BLOCK, max(1, positions // MIN_BLOCKS))
        edges = np.arange(-(-positions // self.block) + 1) * fraction + np.random.default_rng([seed, 1]).random()
        self.blocks = np.diff(np.floor(edges)) > 0

    def mask(self, first: int, size: int) -> Array:
        """Return whether each of ``size`` positions from ``first`` on is held out; (size,) bool."""
        blocks = self.blocks[first // self.block : -(-(first + size) // self.block)]
        return np.repeat(blocks, self.block)[first % self.block :][:size]

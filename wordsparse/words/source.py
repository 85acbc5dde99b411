"""The seam between data and training: what yields training data is a source, and training knows nothing else of it.

A source has positions, 0 … ``positions`` − 1 of a pass, which are cut into pieces: the piece that begins at a position
depends on the epoch, the seed and that position alone, so a pass can begin anywhere. Builders make the examples of a
minibatch of a piece.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.types import Array
from wordsparse.words.examples import Examples
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

# Positions in a block of held-out data: many more than in a window. A short pass has MIN_BLOCKS shorter blocks.
HELDOUT_BLOCK = 1024
MIN_BLOCKS = 200

Sizes = Callable[[int], int]
"""The number of positions of the piece that begins at a position."""
Build = Callable[..., Examples]
"""Called with the ``ids``, ``start`` and ``stop`` of a piece, and its ``offset`` and ``epoch`` as keywords."""


class Ids:
    """An array that ``read`` returns where it is used: in the thread that builds the examples, beside the steps."""

    def __init__(self, read: Callable[[], Array]) -> None:
        self._read = read

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._read()


class Piece(NamedTuple):
    """A piece of a pass: its own data are ``ids[start:stop]``, and ``ids[0]`` is at the position ``offset``.

    ``ids`` also holds what stands around, as far as windows reach; it is an array, or :class:`Ids`.
    """

    ids: Array | Ids
    start: int
    stop: int
    offset: int

    def part(self, number: int, parts: int) -> "Piece":
        """One of as many equal parts of its own data."""
        size = self.stop - self.start
        return self._replace(start=self.start + size * number // parts, stop=self.start + size * (number + 1) // parts)

    @property
    def end(self) -> int:
        """The position after its last one."""
        return self.offset + self.stop


class Passes(Protocol):
    """The passes of a run over a source. A pass trains on ``tokens`` units of the schedule's clock, and has
    ``positions``, those of what is held out among them."""

    tokens: int
    positions: int

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        """The pieces of an epoch from the position ``first`` on, which is the first position of a piece."""

    def heldout(self, size: int) -> Iterator[Piece]:
        """The pieces of what is held out, of so many positions each."""


class Source(Protocol):
    """Training data: text, counted pairs, walks on a graph, or another package's.

    ``length`` is the number of tokens of a pass, by which epochs and warnings go. ``rate`` is how many units of the
    schedule's clock stand for a token, in which recipes and options count.

    The class that ``--for NAME`` names, of a door or of an entry point in ``wordsparse.sources``, is called with what
    was given as the corpus, a list of paths from the command line, and its own options. Its ``options`` is the frozen
    dataclass of these, each a field made by :func:`wordsparse.options.option`, which has a default; its ``preset``, a
    :class:`wordsparse.words.kinds.Kind`, which may be missing, has the defaults of the other options.
    """

    vocabulary: Vocabulary
    length: int
    rate: float

    def identity(self) -> dict[str, Any]:
        """What a checkpoint records of it, as JSON, with ``sha256``, ``tokens`` and ``sentences``; equal means the same
        data."""

    def passes(self, options: Options, vocabulary: Vocabulary) -> Passes:
        """Its passes with the ids of a vocabulary that has all of its words; InputError if an option does not fit."""

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        """Return a function that makes the examples of a piece. It holds scratch space: each thread needs its own."""


class Split:
    """The choice of held-out positions.

    Block b is held out if ⌊(b + 1) x + u⌋ > ⌊b x + u⌋, where u is uniform on [0, 1) by the seed. The held-out blocks
    are spread evenly over the pass, and their fraction is x, exact to one block.

    Parameters
    ----------
    positions : int
        Number of positions of a pass.
    fraction : float
        The fraction x, 0 ≤ x < 1.
    seed : int
    """

    def __init__(self, positions: int, fraction: float, seed: int) -> None:
        self.block = min(HELDOUT_BLOCK, max(1, positions // MIN_BLOCKS))
        edges = np.arange(-(-positions // self.block) + 1) * fraction + np.random.default_rng([seed, 1]).random()
        self.blocks = np.diff(np.floor(edges)) > 0

    def mask(self, first: int, size: int) -> Array:
        """Whether each of ``size`` positions from ``first`` on is held out; (size,) bool."""
        blocks = self.blocks[first // self.block : -(-(first + size) // self.block)]
        return np.repeat(blocks, self.block)[first % self.block :][:size]

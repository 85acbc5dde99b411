"""The interface between data and training: a source yields training data, and training knows only this interface.

A pass over a source visits the positions 0 … ``positions`` − 1 in pieces. The piece that begins at a position depends
only on the epoch, the seed and the position, so a pass can begin at the start of any piece. A builder makes the
examples of a minibatch from a piece.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.types import Array
from wordsparse.words.examples import Examples
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

# The number of positions in a block of held-out data, many more than in a window. A short pass is cut into MIN_BLOCKS
# smaller blocks instead.
HELDOUT_BLOCK = 1024
MIN_BLOCKS = 200

Sizes = Callable[[int], int]
"""A function that takes a position and returns the number of positions in the piece that begins there."""
Build = Callable[..., Examples]
"""A function that makes examples from ``ids``, ``start``, ``stop``, ``offset=`` and ``epoch=`` of a piece."""


class Ids:
    """An array that is read lazily: a thread calls ``read`` when it builds examples, while training goes on."""

    def __init__(self, read: Callable[[], Array]) -> None:
        self._read = read

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._read()


class Piece(NamedTuple):
    """A piece of a pass. The piece consists of ``ids[start:stop]``, and ``ids[0]`` is at the position ``offset`` in the
    pass.

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
    """The passes of a run over a source. A pass trains on ``tokens`` units of the source (tokens of a text, or counted
    pairs). A pass has ``positions`` positions, including held-out positions."""

    tokens: int
    positions: int

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        """Yield the pieces of an epoch, beginning at the position ``first``, which must be the first position of a
        piece."""

    def heldout(self, size: int) -> Iterator[Piece]:
        """Yield the held-out pieces, each of ``size`` positions."""


class Source(Protocol):
    """Training data: text, counted pairs, walks on a graph, or data that another package reads.

    ``length`` is the number of tokens per pass; the default number of epochs and some warnings depend on it. Recipes
    and options count tokens, but the training schedule counts the source's own units. One token is ``rate`` of the
    source's own units.

    ``--for NAME`` selects a class that is listed in ``SOURCES`` of ``wordsparse/doors.py`` or registered by an
    installed package as an entry point in the group ``wordsparse.sources``. The class is called with the corpus (a list
    of paths from the command line) and its own options. The class attribute ``options`` is the frozen dataclass of the
    class's own options. The fields of ``options`` are made with :func:`wordsparse.options.option` and have defaults.
    The optional class attribute ``kind``, a :class:`wordsparse.words.kinds.Kind`, has the defaults of the other
    options.
    """

    vocabulary: Vocabulary
    length: int
    rate: float

    def identity(self) -> dict[str, Any]:
        """Return the record that identifies the source in a checkpoint, as a dict that JSON can store, with the keys
        ``sha256``, ``tokens`` and ``sentences``. Equal records mean equal data."""

    def passes(self, options: Options, vocabulary: Vocabulary) -> Passes:
        """Return the passes over this source, with ids of ``vocabulary``, which holds all words of the source. Raise
        InputError if an option is wrong."""

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        """Return a function that makes the examples of a piece. The function holds scratch space, so each thread needs
        its own function."""


class Split:
    """The choice of held-out positions among the ``positions`` of a pass.

    Block b is held out if ⌊(b + 1) x + u⌋ > ⌊b x + u⌋, where x is the ``fraction`` to hold out, 0 ≤ x < 1, and the seed
    determines u, uniform on [0, 1). The held-out blocks are spread evenly over the pass. The fraction of the pass that
    is held out differs from x by at most one block.
    """

    def __init__(self, positions: int, fraction: float, seed: int) -> None:
        self.block = min(HELDOUT_BLOCK, max(1, positions // MIN_BLOCKS))
        edges = np.arange(-(-positions // self.block) + 1) * fraction + np.random.default_rng([seed, 1]).random()
        self.blocks = np.diff(np.floor(edges)) > 0

    def mask(self, first: int, size: int) -> Array:
        """Return a mask of the held-out positions among the ``size`` positions from ``first`` on, (size,) bool."""
        blocks = self.blocks[first // self.block : -(-(first + size) // self.block)]
        return np.repeat(blocks, self.block)[first % self.block :][:size]

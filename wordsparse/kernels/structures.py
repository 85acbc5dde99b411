"""The sparse structures that kernels accept: :class:`Csr` (rows by columns) and :class:`Windows` (bags of tokens)."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from wordsparse.types import Array

Structure = TypeVar("Structure")


def mapped(structure: Structure, move: Callable[[Array], Array]) -> Structure:
    """Return a copy of the dataclass in which ``move`` has been applied to each array, including arrays of nested
    dataclasses."""

    def one(value: Any) -> Any:
        if is_dataclass(value):
            return mapped(value, move)
        return move(value) if getattr(value, "ndim", 0) else value

    assert is_dataclass(structure)
    assert not isinstance(structure, type)
    return replace(structure, **{field.name: one(getattr(structure, field.name)) for field in fields(structure)})


@dataclass(frozen=True)
class Csr:
    """The structure of a sparse matrix that is stored by rows. The values are stored separately, one per entry.

    The arrays are ``indptr`` int64 (rows + 1,), ``indices`` int32 (entries,) and ``order`` int64 (entries,) or None.
    ``order`` gives the index of each entry's value, so that a transposed structure can use the values of the original
    matrix. ``one_a_row`` is True if each row is known to have exactly one entry.
    """

    indptr: Array
    indices: Array
    columns: int
    order: Array | None = None
    one_a_row: bool = False

    @classmethod
    def of(cls, matrix: Any) -> "Csr":
        """Return the structure of a SciPy CSR matrix."""
        indptr, indices = matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)
        return cls(indptr, indices, matrix.shape[1])

    @property
    def rows(self) -> int:
        return int(self.indptr.shape[0] - 1)

    @property
    def entries(self) -> int:
        return int(self.indices.shape[0])

    @cached_property
    def row_of_entry(self) -> Array:
        """The row of each stored entry, int64 (entries,). The array is cached, because a step uses it several times."""
        return np.repeat(np.arange(self.rows), np.diff(self.indptr))


@dataclass(frozen=True)
class Windows:
    """Bags of tokens that are windows of one text. The bags are the structure of a sparse matrix C with one row per
    bag.

    Bag j is ``tokens[start_j : stop_j]`` without the token at ``centre_j``. In row j of C, each token of bag j has the
    weight 1 / (number of tokens in the bag). ``tokens`` int32 (n,) has a negative entry at each position without a
    token, and no window spans such a position. ``centre``, ``start`` and ``stop`` are int32 (m,). ``centre`` ascends,
    windows have at most ``reach`` tokens on each side, and no bag is empty.
    """

    tokens: Array
    centre: Array
    start: Array
    stop: Array
    reach: int
    columns: int

    def part(self, bags: slice) -> "Windows":
        """Return the windows for some of the bags, over the same text."""
        return Windows(self.tokens, self.centre[bags], self.start[bags], self.stop[bags], self.reach, self.columns)

    @property
    def rows(self) -> int:
        return int(self.centre.shape[0])

    @cached_property
    def share(self) -> Array:
        """The weight of one token in each bag: 1 / size, float64 (m,)."""
        return 1.0 / (self.stop - self.start - 1)

    def first(self, block: int) -> Array:
        """Return, for each block of ``block`` positions of the text, the first bag whose centre is in this block or a
        later one; then the number of bags, int64 (blocks + 1,). The array is cached, because a step uses it twice."""
        if "_first" not in vars(self):
            # The dtype is int32, as for the centres, so that searchsorted converts nothing.
            starts = np.arange(-(-self.tokens.shape[0] // block) + 1, dtype=np.int32) * np.int32(block)
            vars(self)["_first"] = np.searchsorted(self.centre, starts)
        first: Array = vars(self)["_first"]
        return first

    def csr(self, xp: Any = np) -> Csr:
        """Return the structure of C, which has an entry for each token of each bag, in the order of the text. ``xp`` is
        the array module to use. The structure is cached, because a step uses it several times."""
        if "_csr" not in vars(self):
            size = self.stop - self.start - 1
            indptr = xp.zeros(self.rows + 1, np.int64)
            indptr[1:] = xp.cumsum(size)
            entries = xp.arange(int(indptr[-1]))
            bag = xp.searchsorted(indptr, entries, side="right") - 1
            place = entries - (indptr[:-1] - self.start)[bag]
            place += place >= self.centre[bag]  # skip the centre itself
            vars(self)["_csr"] = Csr(indptr, self.tokens[place], self.columns)
        structure: Csr = vars(self)["_csr"]
        return structure

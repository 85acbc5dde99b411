"""What a model of items remembers of its log besides the vectors: pairs of items, constants, counts and features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus import END_OF_SENTENCE
from wordsparse.items import features, memory
from wordsparse.items.fusion import Fusion
from wordsparse.items.memory import histories
from wordsparse.types import Array

__all__ = ["UNFUSED", "ItemMemory", "by_pairs", "histories"]

# The constants of a model without a memory: P is in proportion to π exp(o).
UNFUSED = Fusion(1, 1, 0)


@dataclass(frozen=True, eq=False)
class ItemMemory:
    """The memory of a model of V items.

    Attributes
    ----------
    pairs : CSR (V, V) float32
        The pairs C of :mod:`wordsparse.items.memory`.
    constants : Fusion
        The constants of predictions (:mod:`wordsparse.items.fusion`).
    counts : (V,) float64, optional
        How often each item occurs, if items were weighed, or there are new items.
    features : CSR (V, features) float32 of ones, optional
        The features of the items (:mod:`wordsparse.items.features`).
    new : int
        The number of items that were not in the training text. They come last.
    """

    pairs: Any
    constants: Fusion
    counts: Array | None = None
    features: Any = None
    new: int = 0

    def arrays(self) -> dict[str, Any]:
        """Return the arrays and numbers from which :meth:`of` restores the memory."""
        arrays = {name: getattr(self.pairs, name) for name in ("indptr", "indices", "data")}
        if self.counts is not None:
            arrays["counts"] = self.counts
        if self.features is not None:
            arrays |= {"feature_indptr": self.features.indptr, "feature_indices": self.features.indices}
        return {**arrays, **self.constants.as_dict(), "new": self.new}

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> "ItemMemory":
        """Restore a memory from its :meth:`arrays`."""
        size = len(saved["indptr"]) - 1
        pairs = sp.csr_array((saved["data"], saved["indices"], saved["indptr"]), (size, size))
        of_items = None
        if "feature_indptr" in saved:
            indptr, indices = saved["feature_indptr"], saved["feature_indices"]
            shape = len(indptr) - 1, int(indices.max(initial=-1)) + 1
            of_items = sp.csr_array((np.ones(len(indices), np.float32), indices, indptr), shape)
        return cls(pairs, Fusion.of(saved), saved.get("counts"), of_items, int(saved.get("new", 0)))

    def associations(self, baskets: Any, counts: Array) -> Any:
        """Return the association r of each item with each basket, CSR (m, V) float32; ``counts`` are those of the
        model."""
        return memory.associations(baskets, self.pairs, counts)

    def popularity_by_features(self, counts: Array) -> Array:
        """Return the popularity of the new items by the counts of trained items with the same features, (new,)."""
        return features.popularity(self.features, counts[: len(counts) - self.new])


def by_pairs(rows: Array, owners: Array, shape: tuple[int, int], is_ordered: bool, n: int) -> Array:
    """Return the n items that are associated most with each basket by the pairs of these baskets alone, (m, n), padded
    with −1. ``shape`` is (m, V)."""
    ends = np.searchsorted(owners, np.arange(1, shape[0] + 1))
    pairs = memory.counted(np.insert(rows, ends, END_OF_SENTENCE).astype(np.int32), shape[1], is_ordered)
    counts = np.bincount(rows, minlength=shape[1])
    return memory.ranked(histories(rows, owners, shape, is_ordered), pairs, counts, n)

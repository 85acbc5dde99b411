"""Walks around two rings of nodes, as texts for the gensim classes, and arguments for small models of them."""

from typing import Any

import numpy as np

# Ten nodes on each ring: neighbours on a ring occur together.
STARTS = np.random.default_rng(5).integers(0, [2, 10], (300, 2))
WALKS = [[int(10 * ring + (start + step) % 10) for step in range(12)] for ring, start in STARTS]
WALKS_OF_WORDS = [[f"n{node}" for node in walk] for walk in WALKS]
SMALL: dict[str, Any] = {"vector_size": 8, "min_count": 1, "sample": 0, "seed": 3}

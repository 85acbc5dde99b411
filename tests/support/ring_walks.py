"""Walks on two rings of nodes, which serve as texts for the gensim classes, and options of small models."""

import numpy as np

# Each ring has ten nodes. Neighbours on a ring occur close to each other in the walks.
STARTS = np.random.default_rng(5).integers(0, [2, 10], (300, 2))
WALKS = [[int(10 * ring + (start + step) % 10) for step in range(12)] for ring, start in STARTS]
WALKS_OF_WORDS = [[f"n{node}" for node in walk] for walk in WALKS]
SMALL = {"vector_size": 8, "min_count": 1, "sample": 0, "seed": 3}

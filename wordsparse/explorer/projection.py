"""Projection of word vectors to the plane, by scikit-learn's t-SNE or, without it, by principal components."""

import importlib
import logging

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.vectors.figure import principal_components

logger = logging.getLogger(__name__)
Points = NDArray[np.float64]
# t-SNE uses about 3 × PERPLEXITY neighbours of each word, so a map of fewer than MIN_WORDS would show no structure.
PERPLEXITY, MIN_WORDS = 30, 100
ITERATIONS = 500


def projected(unit: NDArray[np.float32], name: str) -> tuple[str, Points]:
    """Return the method, ``"t-SNE"`` (van der Maaten and Hinton 2008) or ``"PCA"``, and points (n, 2) in the plane for
    words with these unit vectors (n, d), most frequent first."""
    has_tsne = optional.installed("sklearn")
    method = "t-SNE" if has_tsne and len(unit) >= MIN_WORDS else "PCA"
    advice = "" if has_tsne else f" (t-SNE needs scikit-learn: {optional.command('sklearn')})"
    logger.info("explore: mapping %s words of %s by %s%s", f"{len(unit):,}", name, method, advice)
    differ = bool((unit != unit[:1]).any())  # equal rows make scikit-learn divide by zero and crash
    return method, _tsne(unit) if differ and method == "t-SNE" else principal_components(unit)


def _tsne(unit: NDArray[np.float32]) -> Points:
    manifold = optional.load("the map by t-SNE", "sklearn.manifold")
    model = manifold.TSNE(perplexity=PERPLEXITY, random_state=0, max_iter=ITERATIONS)
    # Threads of t-SNE wait for each other in every iteration, so on a busy machine one thread is several times faster.
    with importlib.import_module("threadpoolctl").threadpool_limits(1):
        return np.asarray(model.fit_transform(unit), np.float64)

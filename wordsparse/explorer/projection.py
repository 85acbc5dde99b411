"""Word vectors in the plane: t-SNE by scikit-learn, or the first two principal components where it is missing."""

import importlib
import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from wordsparse import optional

Points = NDArray[np.float64]
# t-SNE looks at about three times PERPLEXITY neighbours of each word: fewer words than that have no map to find.
PERPLEXITY, MIN_WORDS = 30, 100
# t-SNE takes a time that grows with the words and the iterations: later words stand between their NEAREST mapped ones.
MAPPED, ITERATIONS, NEAREST = 2000, 500, 3


class Projection:
    """Projects models one by one; later maps start from the first one, so that common words keep their place."""

    def __init__(self) -> None:
        self._has_tsne = optional.installed("sklearn")
        self._places: dict[str, Points] = {}

    def method(self, n: int) -> str:
        """How n words are projected: ``"t-SNE"`` (van der Maaten and Hinton 2008) or ``"PCA"``."""
        return "t-SNE" if self._has_tsne and n >= MIN_WORDS else "PCA"

    @property
    def advice(self) -> str:
        """The install command for the better map, in parentheses; empty if it is installed."""
        return "" if self._has_tsne else f" (t-SNE needs scikit-learn: {optional.command('sklearn')})"

    def of(self, words: Sequence[str], unit: NDArray[np.float32]) -> Points:
        """Places in the plane, (n, 2), of words with these unit vectors (n, d), most frequent first."""
        mapped = MAPPED if self.method(len(words)) == "t-SNE" else len(words)
        points = self._start(words[:mapped], unit[:mapped])
        if mapped == MAPPED:
            points = _tsne(unit[:mapped], points, is_first=not self._places)
            points = np.concatenate([points, _between(unit[mapped:], unit[:mapped], points)])
        if not self._places:
            self._places = dict(zip(words, points, strict=True))
        return points

    def _start(self, words: Sequence[str], unit: NDArray[np.float32]) -> Points:
        """Where t-SNE starts: places of the first map, a new word beside its nearest word there; else by components."""
        known = np.array([word in self._places for word in words])
        if not known.any():
            return principal_components(unit)
        places = np.array([self._places[word] for word in np.array(words, object)[known]])
        start = np.empty((len(words), 2))
        start[known] = places
        if not known.all():
            start[~known] = places[(unit[~known] @ unit[known].T).argmax(axis=1)]
        return start


def principal_components(unit: NDArray[np.float32]) -> Points:
    """The rows (n, d) on the two directions of largest variance, (n, 2).

    Each direction's entry of largest size is positive, so that the same vectors always give the same map.
    """
    centred = unit - unit.mean(axis=0, dtype=np.float64)
    d = unit.shape[1]
    _, axes = scipy.linalg.eigh(centred.T @ centred, subset_by_index=(d - 2, d - 1))
    axes = axes[:, ::-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), (0, 1)])
    return np.asarray(centred @ axes, np.float64)


def _between(unit: NDArray[np.float32], known: NDArray[np.float32], points: Points) -> Points:
    """Places of words (m, 2) between their NEAREST known words, nearer to the more similar ones."""
    cosines = unit @ known.T
    near = np.argpartition(-cosines, NEAREST - 1, axis=1)[:, :NEAREST] if len(unit) else np.empty((0, NEAREST), int)
    weights = np.maximum(np.take_along_axis(cosines, near, axis=1), 1e-3) ** 4
    return np.asarray(np.einsum("ij,ijk->ik", weights / weights.sum(axis=1, keepdims=True), points[near]))


def _tsne(unit: NDArray[np.float32], start: Points, is_first: bool) -> Points:
    manifold = optional.load("the map by t-SNE", "sklearn.manifold")
    _count_cores()
    if is_first:
        # As scikit-learn's own init="pca": small, so that the early exaggeration can sort clusters.
        start, exaggeration = start / (start[:, 0].std() or 1.0) * 1e-4, 12.0
    else:
        # The start is a finished map: exaggeration would sort its clusters anew, in other places.
        exaggeration = 1.0
    model = manifold.TSNE(
        init=start.astype(np.float32),
        early_exaggeration=exaggeration,
        perplexity=PERPLEXITY,
        random_state=0,
        max_iter=ITERATIONS,
    )
    # Its threads wait for each other at every iteration: beside other work they take several times as long as one.
    with importlib.import_module("threadpoolctl").threadpool_limits(1):
        return np.asarray(model.fit_transform(unit), np.float64)


def _count_cores() -> None:
    """Have joblib count the physical cores, as scikit-learn does, but silently.

    Where the programs that it calls for that are missing, it prints a traceback; the second time it knows the answer.
    """
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        importlib.import_module("joblib").cpu_count(only_physical_cores=True)

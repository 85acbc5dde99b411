"""A figure of some words: their vectors, projected to the plane by principal components."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plotted(vectors: WordVectors, words: Sequence[Any], ax: "Axes | None" = None) -> "Axes":
    """Draw ``words`` in ``ax``, by default in a new figure; see :meth:`WordVectors.plot`."""
    unit = np.array([vectors.vector(word, unit=True) for word in words])
    if len(words) < 3 or vectors.dim < 2:
        raise InputError(
            f"a figure of {len(words)} words in {vectors.dim} dimensions: give at least 3 words, and dim 2"
        )
    if ax is None:
        ax = optional.load("a figure of words", "matplotlib.pyplot").subplots(figsize=(7, 6))[1]
    points = principal_components(unit)
    ax.scatter(points[:, 0], points[:, 1], s=12)
    ax.margins(0.15)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.autoscale_view()  # otherwise, Matplotlib would place the labels by old limits until it draws
    taken = list[Any]()
    for word, point in zip(words, points, strict=True):
        label = ax.annotate(str(word), point, xytext=(4, 3), textcoords="offset points")
        box, y = label.get_window_extent(), 3.0
        while any(other.overlaps(box) for other in taken):
            y -= 2  # a label moves down until it is off the labels before it
            box = box.translated(0, -2 * ax.figure.dpi / 72)
        label.xyann = (4, y)
        taken.append(box)
    return ax


def principal_components(unit: Array) -> NDArray[np.float64]:
    """Project the rows (n, d) onto the two directions of largest variance, (n, 2).

    In each direction, the entry with the largest absolute value is positive, so that the map is reproducible.
    """
    centred = unit - unit.mean(axis=0, dtype=np.float64)
    d = unit.shape[1]
    _, axes = scipy.linalg.eigh(centred.T @ centred, subset_by_index=(d - 2, d - 1))
    axes = axes[:, ::-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), (0, 1)])
    return np.asarray(centred @ axes, np.float64)

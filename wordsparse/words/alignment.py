"""Alignment: vectors in the axes of another model, so that the two can be compared number by number."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import coordinates
from wordsparse.words.model import Model


class Alignment(NamedTuple):
    """Vectors in the axes of other vectors, and how well they fit.

    Attributes
    ----------
    vectors : WordVectors
        The rotated vectors: cosines among them are unchanged. They have no n-grams.
    rotation : (dim, dim) float32
    words : int
        The number of words in common, by which the rotation was found.
    fit : float
        Their mean cosine after the rotation, each weighted by the square root of its count.
    """

    vectors: WordVectors
    rotation: NDArray[np.float32]
    words: int
    fit: float


def align(model: Model | WordVectors, onto: Model | WordVectors) -> Alignment:
    """Rotate the vectors of a model into the axes of another, by the words that both have.

    Two trainings leave the same words in different axes, so cosines between their vectors mean nothing. The rotation
    makes Σ_w √n_w ‖v_w R − u_w‖² least over the words in common, v and u of length one (orthogonal Procrustes,
    Schönemann, 1966), where word w occurs n_w times in the text of ``model``; every word weighs the same if counts are
    unknown.

    Raises
    ------
    InputError
        If the dimensions differ, or fewer words than dimensions are in common: many rotations would fit them.

    Examples
    --------
    >>> import wordsparse as ws
    >>> words = ["north", "west", "northwest"]
    >>> onto = ws.WordVectors(words, [[0, 1], [-1, 0], [-1, 1]])
    >>> turned = ws.WordVectors(words, [[1, 0], [0, 1], [1, 1]])
    >>> aligned = ws.align(turned, onto)
    >>> aligned.vectors["west"].round(3), round(aligned.fit, 3)
    (array([-1.,  0.], dtype=float32), 1.0)
    """
    moved, fixed = (each.wv if isinstance(each, Model) else each for each in (model, onto))
    if moved.dim != fixed.dim:
        raise InputError(f"vectors of {moved.dim} dimensions cannot be aligned with vectors of {fixed.dim}")
    pairs = [(row, there) for row, word in enumerate(moved.words) if (there := fixed.find(word)) is not None]
    if len(pairs) < moved.dim:
        raise InputError(
            f"{len(pairs)} words in common cannot align {moved.dim} dimensions: at least {moved.dim} are needed"
        )
    rows, theirs = np.array(pairs).T
    counts = np.ones(len(rows)) if moved.counts is None else np.maximum(moved.counts[rows], 1)
    rotation = coordinates.axes(moved.vectors[rows], fixed.vectors[theirs], counts, None)
    rotated = WordVectors(moved.words, moved.vectors @ rotation, moved.counts)
    rotated.split, rotated.tokens = moved.split, moved.tokens
    cosines = np.einsum("ij,ij->i", rotated.unit[rows], fixed.unit[theirs], dtype=np.float64)
    return Alignment(rotated, rotation, len(rows), float(np.average(cosines, weights=np.sqrt(counts))))

"""Alignment rotates vectors into the axes of another model, so that vectors of the two models can be compared."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import coordinates
from wordsparse.words.model import Model


class Alignment(NamedTuple):
    """Vectors that were rotated into the axes of other vectors, and a measure of how well the two sets agree.

    Attributes
    ----------
    vectors : WordVectors
        The rotated vectors. Cosines between the rotated vectors are the same as before the rotation. The rotated
        vectors have no n-grams.
    rotation : (dim, dim) float32
    words : int
        The number of words that both sets have. The rotation was computed from the common words.
    fit : float
        The mean cosine between the two vectors of each common word, weighted by the square root of the word's count.
    """

    vectors: WordVectors
    rotation: NDArray[np.float32]
    words: int
    fit: float


def align(model: Model | WordVectors, onto: Model | WordVectors) -> Alignment:
    """Rotate the vectors of a model into the axes of another model, using the words that occur in both models.

    Two training runs produce vectors in different axes, so cosines between vectors of different runs mean nothing. The
    rotation R minimises Σ_w √n_w ‖v_w R − u_w‖² over the common words (orthogonal Procrustes, Schönemann, 1966). The
    vectors v of ``model`` and u of ``onto`` have unit length. Word w occurs n_w times in the text of ``model``; if the
    counts are unknown, all words have the same weight.

    Raises
    ------
    InputError
        If the dimensions differ, or if there are fewer common words than dimensions. With too few common words, many
        rotations would fit equally well.

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
    moved, fixed = _vectors("model", model), _vectors("onto", onto)
    if moved.dim != fixed.dim:
        raise InputError(
            f"vectors of {moved.dim} dimensions cannot be aligned with vectors of {fixed.dim}: "
            f"train with dim {fixed.dim}"
        )
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


def _vectors(name: str, given: Model | WordVectors) -> WordVectors:
    vectors = given.wv if isinstance(given, Model) else given
    if not isinstance(vectors, WordVectors):
        raise InputError(f"{name} must be a model or word vectors, not {given!r:.80}: read a file by ws.read_vectors")
    return vectors

"""Canonical coordinates: vectors that do not depend on the arbitrary basis in which training leaves them.

The steps that train E and W are affine-invariant, so (E, W) and (E B, W B⁻ᵀ) are the same model for any invertible B,
and the raw geometry of E is arbitrary. With C = Σ_w f_w E_w E_wᵀ (f relative frequencies) and Q_E = Σ_w W̃_w W̃_wᵀ,
eigendecompose C^½ Q_E C^½ = R Λ Rᵀ; then E C^-½ R is white and W C^½ R has the second moment Λ. An exponent x divides
the spectrum between both: x = 0 leaves E white, x = 1 gives it all of Λ.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse.machine.threads import ordered_map, resolve_threads, single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors.encoder import lengths

T = TypeVar("T")

# The filter halves a coordinate if its share of the spectrum, times the word's occurrences, is DOUBT.
DOUBT = 0.4
# Rows processed at a time: their results stay in a core's cache, and do not depend on the number of threads.
BLOCK_ROWS = 2048


class Coordinates(NamedTuple):
    """Maps (dim, dim) to the basis in which inputs are white, ``E @ inputs`` and ``W @ outputs``; ``spectrum`` is Λ
    (dim,), largest first."""

    inputs: Array
    outputs: Array
    spectrum: Array


def canonical(C: Array, Q: Array) -> Coordinates:
    """Return the canonical coordinates for C = Σ_w f_w E_w E_wᵀ and Q = W̃ᵀW̃, both (dim, dim); see :func:`gram`."""
    values, vectors = np.linalg.eigh(C)
    # Directions that the corpus never uses have eigenvalues near zero, whose inverses would only amplify noise.
    values = _floored(values)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    spectrum, rotation = np.linalg.eigh(root @ Q @ root)
    spectrum, rotation = spectrum[::-1], rotation[:, ::-1]
    # The sign of an eigenvector is arbitrary: its largest entry is made positive, so that exports can be compared.
    rotation = rotation * np.sign(rotation[np.abs(rotation).argmax(0), np.arange(rotation.shape[1])])
    return Coordinates(inverse_root @ rotation, root @ rotation, np.maximum(spectrum, 0))


class Maps(NamedTuple):
    """The maps that turn a new word's rows, in canonical coordinates, into its vector: multiply the input row by
    ``inputs`` (dim,) and the output row by ``outputs`` (dim,), scale each to length one, multiply the output row by
    ``turned`` (dim, dim), add the two, and call :meth:`add_popularity`."""

    canonical: Coordinates
    inputs: Array
    outputs: Array
    turned: Array
    popularity: float
    mean_log: float  # log n̄

    def add_popularity(self, vectors: Array, counts: Array) -> None:
        """Add popularity · log(n / n̄) to the last coordinate of vectors (n, dim), in place, for words that occur
        ``counts`` times (n,); 0 counts as 1."""
        if self.popularity:
            logs = np.log(np.maximum(counts, 1)) - self.mean_log
            vectors[:, -1] += (self.popularity * logs).astype(vectors.dtype)


def combined(
    E: Array,
    W: Array,
    counts: Array,
    exponent: float = 0.0,
    turn: float = 0.75,
    popularity: float = 0.0,
    threads: int | None = None,
) -> tuple[NDArray[np.float32], Maps]:
    """Return the exported vectors, and the maps that make vectors of further words.

    A vector is the sum of a word's input and output vectors in canonical coordinates.

    E_w is estimated from n_w occurrences, and each is informative about coordinate k in proportion to Λ_k. As in a
    Wiener filter, the coordinate is multiplied by n_w Λ_k / (n_w Λ_k + DOUBT · ΣΛ), so the vector of a rare word holds
    only its most certain coordinates.

    Both vectors are scaled to length one and added, after the output vector b was multiplied by (1 − turn) I + turn R.
    The rotation R brings outputs nearest to inputs (Schönemann, 1966). With R alone, the sum would lose which words
    predict each other, a sign of similarity; without R, it would lose which forms of a word belong together.

    Rows of length one do not show how often a word occurs. So popularity · log(n_w / n̄), with n̄ the geometric mean of
    the counts, is added to the last coordinate, which has the least spectrum.

    Parameters
    ----------
    E, W : (V, dim)
        Input rows, and the rows of diag(√π) W (their scale does not matter here).
    counts : (V,)
        The number of occurrences of each word.
    exponent : float
        Inputs get Λ^(x/2), outputs Λ^(-½ + x/2) in addition to their own Λ^½: with 0 both are white (similarity);
        towards 1 they keep more of the spectrum (analogies).
    turn : float
        0 adds outputs unchanged, 1 after the rotation nearest to the inputs.
    popularity : float
        0 ignores counts.
    threads : int, optional
        None: every CPU available.

    Returns
    -------
    (V, dim) float32, and Maps
    """
    C, Q = gram(E, counts / counts.sum(), threads=threads), gram(W, threads=threads)
    with single_threaded_blas():  # the matrices are too small for threads, which would only wait for each other
        c = canonical(C, Q)
    # W's second moment in these coordinates is already Λ: Λ^-½ whitens it, and then both take Λ^(x/2).
    scale = _floored(c.spectrum)
    of_inputs, of_outputs = scale ** (exponent / 2), scale ** (exponent / 2 - 0.5)
    map_in, map_out = (c.inputs * of_inputs).astype(np.float32), c.outputs * of_outputs
    to_outputs = map_out.astype(np.float32)
    shares, vectors = (scale / scale.sum()).astype(np.float32), np.empty(E.shape, np.float32)
    of_rows = np.empty((E.shape[0], 1), np.float32)  # the lengths of the outputs

    def overlap(block: slice) -> Array:
        """Return outputsᵀ inputs; afterwards, ``vectors`` holds the inputs."""
        inputs, outputs = np.matmul(E[block], map_in, out=vectors[block]), W[block] @ to_outputs
        evidence = counts[block, None].astype(np.float32) * shares
        inputs *= evidence
        inputs /= np.add(evidence, np.float32(DOUBT), out=evidence)
        inputs /= lengths(inputs)
        of_rows[block] = lengths(outputs)
        outputs /= of_rows[block]
        return np.asarray(outputs.T @ inputs)

    overlaps = _sum_of(overlap, E, threads)
    turning = (1 - turn) * np.eye(E.shape[1]) + turn * _rotation(overlaps)
    turned = (map_out @ turning).astype(np.float32)
    mean_log = float(np.log(np.maximum(counts, 1)).mean())
    maps = Maps(c, of_inputs, of_outputs, turning, popularity, mean_log)

    def add_outputs(block: slice) -> None:
        outputs = W[block] @ turned
        outputs /= of_rows[block]
        vectors[block] += outputs

    for _ in each_block(add_outputs, E.shape[0], threads):
        pass
    maps.add_popularity(vectors, counts)
    return vectors, maps


def gram(rows: Array, weights: Array | None = None, threads: int | None = None) -> Array:
    """Return rowsᵀ diag(weights) rows in float64; no weight is negative."""

    def of(block: slice) -> Array:
        part = rows[block].astype(np.float64)
        if weights is not None:
            part *= np.sqrt(weights[block, None])
        return np.asarray(part.T @ part)

    return _sum_of(of, rows, threads)


def each_block(work: Callable[[slice], T], n: int, threads: int | None) -> Iterator[T]:
    """Yield the result of ``work`` for each block of n rows, in order."""
    blocks = [slice(start, start + BLOCK_ROWS) for start in range(0, n, BLOCK_ROWS)]
    with single_threaded_blas():
        yield from ordered_map(work, blocks, resolve_threads(threads))


def multiply(rows: Array, matrix: Array, threads: int | None) -> None:
    """Multiply the rows (n, dim) by the matrix (dim, dim), in place."""

    def of(block: slice) -> None:
        rows[block] = rows[block] @ matrix

    for _ in each_block(of, len(rows), threads):
        pass


def axes(vectors: Array, before: Array, counts: Array, threads: int | None) -> NDArray[np.float32]:
    """Return the rotation R (dim, dim) of a model's vectors into the axes of the model that it continues.

    Training rotates the canonical coordinates: words keep their neighbours, but their vectors have other numbers, so an
    index of the old vectors could not answer queries with new ones. For the words of both models, R brings the new
    vectors u' (n, dim) nearest to the old vectors u (n, dim), both of length one: Σ_w √n_w |u'_w R − u_w|² is least.
    Word w occurs n_w = ``counts[w]`` times.
    """

    def overlap(block: slice) -> Array:
        now, then = (part / lengths(part) for part in (vectors[block], before[block]))
        return np.asarray((now * np.sqrt(counts[block], dtype=np.float64)[:, None]).T @ then)

    return np.asarray(_rotation(_sum_of(overlap, before, threads)), np.float32)


def _rotation(overlap: Array) -> Array:
    """Return the rotation R (dim, dim) that maximises tr(Rᵀ overlap) (Schönemann, 1966)."""
    with single_threaded_blas():
        left, _, right = np.linalg.svd(overlap)
    return np.asarray(left @ right)


def _sum_of(work: Callable[[slice], Array], rows: Array, threads: int | None) -> Array:
    """Return the float64 sum of the (dim, dim) matrices that ``work`` returns for the blocks of rows (V, dim)."""
    total = np.zeros((rows.shape[1],) * 2)
    for part in each_block(work, rows.shape[0], threads):
        total += part
    return total


def _floored(values: Array) -> Array:
    """Raise eigenvalues that are so small that their inverse would be noise; ones if all are zero."""
    floor: float = values.max(initial=0) * 1e-12
    return np.maximum(values, floor) if floor > 0 else np.ones_like(values)

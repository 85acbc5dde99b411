"""Canonical coordinates: the vectors that do not depend on the arbitrary basis in which training left them.

The steps that train E and W are affine-invariant, so (E, W) and (E B, W B⁻ᵀ) are the same model for any invertible B
and the raw geometry of E is arbitrary. With C = Σ_w f_w E_w E_wᵀ (f relative frequencies) and Q_E = Σ_w W̃_w W̃_wᵀ,
eigendecompose C^½ Q_E C^½ = R Λ Rᵀ; then E C^-½ R is white and W C^½ R has the second moment Λ. The spectrum is
shared out by an exponent: x = 0 leaves E white, x = 1 gives it all of Λ.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse.machine.threads import ordered_map, resolve_threads, single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors.encoder import lengths

T = TypeVar("T")

# Occurrences, times the share of the spectrum that a coordinate has, at which the filter halves it.
DOUBT = 0.4
# Rows taken at a time, so that their results stay in a core's cache. Results do not depend on the threads.
BLOCK_ROWS = 2048


class Coordinates(NamedTuple):
    """Maps (dim, dim) to the basis in which inputs are white: ``E @ inputs``, ``W @ outputs``; ``spectrum`` Λ (dim,),
    largest first."""

    inputs: Array
    outputs: Array
    spectrum: Array


def canonical(C: Array, Q: Array) -> Coordinates:
    """The canonical coordinates for C = Σ_w f_w E_w E_wᵀ and Q = W̃ᵀW̃, both (dim, dim); see :func:`gram`."""
    values, vectors = np.linalg.eigh(C)
    # Directions that the corpus never uses have no scale of their own; they are kept, not blown up.
    values = _floored(values)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inverse_root = (vectors / np.sqrt(values)) @ vectors.T
    spectrum, rotation = np.linalg.eigh(root @ Q @ root)
    spectrum, rotation = spectrum[::-1], rotation[:, ::-1]
    # Eigenvectors have no sign of their own: the largest entry of each is made positive, so exports can be compared.
    rotation = rotation * np.sign(rotation[np.abs(rotation).argmax(0), np.arange(rotation.shape[1])])
    return Coordinates(inverse_root @ rotation, root @ rotation, np.maximum(spectrum, 0))


class Maps(NamedTuple):
    """How a new word's rows become its vector, in canonical coordinates: the input row is multiplied by ``inputs``
    (dim,), the output row by ``outputs`` (dim,), each is scaled to length one, the output row is multiplied by
    ``turned`` (dim, dim), the two are added, and :meth:`add_popularity` is called."""

    canonical: Coordinates
    inputs: Array
    outputs: Array
    turned: Array
    popularity: float
    mean_log: float  # log n̄

    def add_popularity(self, vectors: Array, counts: Array) -> None:
        """Add popularity · log(n / n̄) of words that occur ``counts`` times (n,), 0 as 1, to the last coordinate of
        their vectors (n, dim), in place."""
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
    """The exported vectors, and how those of further words are made.

    A vector is the sum of a word's input and output vectors in canonical coordinates.

    E_w is known from n_w occurrences, each of which tells of coordinate k in proportion to Λ_k: as in a Wiener filter
    the coordinate is multiplied by n_w Λ_k / (n_w Λ_k + DOUBT · ΣΛ), so that a rare word is described by what the text
    says plainly. Both vectors are scaled to length one and added, the output vector b as b ((1 − turn) I + turn R), R
    the rotation that brings outputs nearest to inputs (Schönemann, 1966): with R alone the sum forgets which words
    predict each other, which tells of similarity, and without it which forms of a word belong together. Rows of length
    one have forgotten how often a word occurs: popularity · log(n_w / n̄), n̄ the geometric mean of the counts, is added
    to the last coordinate, that of the least spectrum.

    Parameters
    ----------
    E, W : (V, dim)
        Input rows, and the rows of diag(√π) W (their scale does not matter here).
    counts : (V,)
        How often each word occurs.
    exponent : float
        Inputs get Λ^(x/2), outputs Λ^(-½ + x/2) beside their own Λ^½: 0 gives both white coordinates (similarity),
        towards 1 they keep more of the spectrum (analogies).
    turn : float
        0 adds outputs as they are, 1 as near to the inputs as a rotation brings them.
    popularity : float
        0 leaves counts out.
    threads : int, optional
        None: every CPU available.

    Returns
    -------
    (V, dim) float32, and Maps
    """
    C, Q = gram(E, counts / counts.sum(), threads=threads), gram(W, threads=threads)
    with single_threaded_blas():  # the matrices are too small for threads, which would only wait for each other
        c = canonical(C, Q)
    # W's second moment in these coordinates is Λ already: Λ^-½ whitens it, and both then take Λ^(x/2).
    scale = _floored(c.spectrum)
    of_inputs, of_outputs = scale ** (exponent / 2), scale ** (exponent / 2 - 0.5)
    map_in, map_out = (c.inputs * of_inputs).astype(np.float32), c.outputs * of_outputs
    to_outputs = map_out.astype(np.float32)
    told, vectors = (scale / scale.sum()).astype(np.float32), np.empty(E.shape, np.float32)
    of_rows = np.empty((E.shape[0], 1), np.float32)  # the lengths of the outputs

    def overlap(block: slice) -> Array:
        """Outputsᵀ inputs; afterwards, ``vectors`` holds the inputs."""
        inputs, outputs = np.matmul(E[block], map_in, out=vectors[block]), W[block] @ to_outputs
        known = counts[block, None].astype(np.float32) * told
        inputs *= known
        inputs /= np.add(known, np.float32(DOUBT), out=known)
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
    """rowsᵀ diag(weights) rows in float64; no weight is negative."""

    def of(block: slice) -> Array:
        part = rows[block].astype(np.float64)
        if weights is not None:
            part *= np.sqrt(weights[block, None])
        return np.asarray(part.T @ part)

    return _sum_of(of, rows, threads)


def each_block(work: Callable[[slice], T], n: int, threads: int | None) -> Iterator[T]:
    """The results of ``work`` for each block of n rows, in order."""
    blocks = [slice(start, start + BLOCK_ROWS) for start in range(0, n, BLOCK_ROWS)]
    with single_threaded_blas():
        yield from ordered_map(work, blocks, resolve_threads(threads))


def multiply(rows: Array, matrix: Array, threads: int | None) -> None:
    """Let the rows (n, dim) times the matrix (dim, dim) take their place."""

    def of(block: slice) -> None:
        rows[block] = rows[block] @ matrix

    for _ in each_block(of, len(rows), threads):
        pass


def axes(vectors: Array, before: Array, counts: Array, threads: int | None) -> NDArray[np.float32]:
    """Return the rotation R (dim, dim) of the vectors of a model into the axes of the one that it continues.

    Steps turn the canonical coordinates, so that words keep their neighbours and not their numbers, and an index of
    yesterday's vectors would be of no use to today's queries. R brings the vectors u' (n, dim) of the words that both
    models have nearest to those of before, u (n, dim), both of length one: Σ_w √n_w |u'_w R − u_w|² is least. Word w
    occurs n_w = ``counts[w]`` times.
    """

    def overlap(block: slice) -> Array:
        now, then = (part / lengths(part) for part in (vectors[block], before[block]))
        return np.asarray((now * np.sqrt(counts[block], dtype=np.float64)[:, None]).T @ then)

    return np.asarray(_rotation(_sum_of(overlap, before, threads)), np.float32)


def _rotation(overlap: Array) -> Array:
    """The R (dim, dim) that maximises tr(Rᵀ overlap) (Schönemann, 1966)."""
    with single_threaded_blas():
        left, _, right = np.linalg.svd(overlap)
    return np.asarray(left @ right)


def _sum_of(work: Callable[[slice], Array], rows: Array, threads: int | None) -> Array:
    """The sum of the (dim, dim) matrices that ``work`` makes of each block of the rows (V, dim), in float64."""
    total = np.zeros((rows.shape[1],) * 2)
    for part in each_block(work, rows.shape[0], threads):
        total += part
    return total


def _floored(values: Array) -> Array:
    """Eigenvalues, none so far below the largest that its inverse would be noise; ones where all are zero."""
    floor: float = values.max(initial=0) * 1e-12
    return np.maximum(values, floor) if floor > 0 else np.ones_like(values)

"""Canonical coordinates: a basis in which the vectors do not depend on the arbitrary basis used in training.

The steps that train E and W are affine-invariant, so (E, W) and (E B, W B⁻ᵀ) are the same model for any invertible B,
and the raw geometry of E is arbitrary. Let C = Σ_w f_w E_w E_wᵀ, where f_w is the relative frequency of word w, let
Q_E = Σ_w W̃_w W̃_wᵀ, and let C^½ Q_E C^½ = R Λ Rᵀ be an eigendecomposition. Then E C^-½ R is white, and W C^½ R has the
second moment Λ. An exponent x splits the spectrum between E and W: x = 0 leaves E white, x = 1 gives all of Λ to E.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse.machine.threads import ordered_map, resolve_threads, single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors.encoder import lengths

T = TypeVar("T")

# The Wiener filter of ``combined`` halves coordinate k of a word that occurs DOUBT / (the share of Λ_k in the spectrum)
# times.
DOUBT = 0.4
# The number of rows processed at a time. A block fits into a core's cache. Because the size of blocks is fixed, results
# do not depend on the number of threads.
BLOCK_ROWS = 2048
# Principal axes are computed from at most AXES_ROWS rows at equal distances.
AXES_ROWS = 32_768


class Coordinates(NamedTuple):
    """The matrices ``inputs`` and ``outputs`` (dim, dim) that map E and W into canonical coordinates: ``E @ inputs`` is
    white, and ``W @ outputs`` has the second moment Λ. ``spectrum`` (dim,) is Λ, in descending order."""

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
    rotation = _signed(rotation)
    return Coordinates(inverse_root @ rotation, root @ rotation, np.maximum(spectrum, 0))


class Maps(NamedTuple):
    """The maps that turn a new word's rows, in canonical coordinates, into the word's vector. Multiply the input row by
    ``inputs`` (dim,) and the output row by ``outputs`` (dim,), scale both to unit length, multiply the output row by
    ``turned`` (dim, dim), add the two rows, call :meth:`add_popularity`, and multiply by ``axes`` (dim, dim), unless
    they are None."""

    canonical: Coordinates
    inputs: Array
    outputs: Array
    turned: Array
    popularity: float
    mean_log: float  # log n̄
    axes: Array | None

    def add_popularity(self, vectors: Array, counts: Array) -> None:
        """Add popularity · log(n / n̄) to the last coordinate of each of the ``vectors`` (words, dim), in place. Here n
        is the word's entry in ``counts`` (words,), or 1 if the entry is 0."""
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
    known: int | None = None,
    axes: Array | None = None,
    *,
    is_principal: bool = False,
) -> tuple[NDArray[np.float32], Maps]:
    """Return the exported vectors, and the maps that compute the vectors of new words.

    An exported vector is the sum of a word's input and output vectors in canonical coordinates.

    The input vector E_w is estimated from n_w occurrences. Each occurrence is informative about coordinate k in
    proportion to Λ_k. As in a Wiener filter, coordinate k is multiplied by n_w Λ_k / (n_w Λ_k + DOUBT · ΣΛ), so that
    the vector of a rare word keeps only the most certain coordinates.

    The input vector and the output vector are scaled to unit length. The output vector is multiplied by (1 − turn) I +
    turn R, where the rotation R brings the outputs as close as possible to the inputs (Schönemann, 1966). Then the
    input and output vectors are added. With R alone (turn = 1), the sum would not show which words predict each other,
    although such words are often similar. Without R (turn = 0), the sum would not show which words are forms of the
    same word.

    Vectors of unit length do not show how often a word occurs. Hence popularity · log(n_w / n̄), with n̄ the geometric
    mean of the counts, is added to the last coordinate, which has the smallest part of the spectrum.

    Parameters
    ----------
    E, W : (V, dim)
        The input rows, and the rows of diag(√π) W. A factor common to all output rows does not change the result.
    counts : (V,)
        The number of occurrences of each word.
    exponent : float
        The exponent x. Inputs are multiplied by Λ^(x/2), and outputs by Λ^(-½ + x/2). With x = 0, inputs and outputs
        are white, which suits similarity. Values nearer to 1 keep more of the spectrum, which suits analogies.
    turn : float
        How far output vectors are rotated before they are added to the input vectors: 0 means no rotation, and 1 means
        the full rotation R.
    popularity : float
        The factor by which the logarithm of the count is multiplied. 0 ignores counts.
    threads : int, optional
        By default, all available CPUs.
    known : int, optional
        The number of words, in order of rows, that decide the coordinates and axes. By default, all words.
    axes : (dim, dim), optional
        A rotation by which the vectors are multiplied at the end.
    is_principal : bool
        Whether the vectors are rotated onto their principal axes if no ``axes`` are given.

    Returns
    -------
    (V, dim) float32, and Maps
    """
    n = counts[:known]
    C, Q = gram(E[:known], n / n.sum(), threads=threads), gram(W[:known], threads=threads)
    with single_threaded_blas():  # for matrices this small, several threads would only wait for each other
        c = canonical(C, Q)
    # In canonical coordinates, W has the second moment Λ. Λ^-½ whitens W, and then both E and W are multiplied by
    # Λ^(x/2).
    scale = _floored(c.spectrum)
    of_inputs, of_outputs = scale ** (exponent / 2), scale ** (exponent / 2 - 0.5)
    map_in, map_out = (c.inputs * of_inputs).astype(np.float32), c.outputs * of_outputs
    to_outputs = map_out.astype(np.float32)
    shares, vectors = (scale / scale.sum()).astype(np.float32), np.empty(E.shape, np.float32)
    of_rows = np.empty((E.shape[0], 1), np.float32)  # the norms of the output vectors

    def overlap(block: slice) -> Array:
        """Return outputsᵀ inputs for a block of rows, and store the inputs in ``vectors``."""
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
    maps = Maps(c, of_inputs, of_outputs, turning, popularity, mean_log, axes)

    def add_outputs(block: slice) -> None:
        outputs = W[block] @ turned
        outputs /= of_rows[block]
        vectors[block] += outputs

    for _ in each_block(add_outputs, E.shape[0], threads):
        pass
    maps.add_popularity(vectors, counts)
    if axes is None and is_principal:
        axes = principal_axes(vectors[:known], threads)
    if axes is not None:
        multiply(vectors, axes, threads)
    return vectors, maps._replace(axes=axes)


def gram(rows: Array, weights: Array | None = None, threads: int | None = None) -> Array:
    """Return rowsᵀ diag(weights) rows in float64. No weight may be negative."""

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


def principal_axes(vectors: Array, threads: int | None) -> NDArray[np.float32]:
    """Return the rotation R (dim, dim) of vectors onto their principal axes. For every k, the first k numbers of the
    vectors u_w R keep as much of Σ_w |u_w|² as k numbers can keep.

    The columns of R are the eigenvectors of Σ_w u_w u_wᵀ, in descending order of their eigenvalues. Here u (n, dim) are
    the vectors, scaled to unit length, of at most AXES_ROWS words.
    """
    sample = vectors[:: -(-len(vectors) // AXES_ROWS) or 1]
    moment = gram(sample, lengths(sample)[:, 0] ** -2.0, threads)
    with single_threaded_blas():
        _, rotation = np.linalg.eigh(moment)
    return np.asarray(_signed(rotation[:, ::-1]), np.float32)


def axes(vectors: Array, before: Array, counts: Array, threads: int | None) -> NDArray[np.float32]:
    """Return the rotation R (dim, dim) that brings ``vectors`` into the axes of ``before``, the vectors of the model
    that was trained further.

    Training rotates the canonical coordinates: words keep their neighbours, but the numbers in their vectors change. An
    index of the old vectors could therefore not answer queries with new vectors. R minimises Σ_w √n_w |u'_w R − u_w|²
    over the words that both models have, where u' (n, dim) are the new vectors and u (n, dim) the old vectors, all of
    unit length. Word w occurs n_w = ``counts[w]`` times.
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


def _signed(vectors: Array) -> Array:
    """Return eigenvectors, the columns of (dim, dim), with their arbitrary signs chosen such that the entry of largest
    magnitude is positive. Hence vectors of several runs can be compared."""
    return np.asarray(vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])]))


def _sum_of(work: Callable[[slice], Array], rows: Array, threads: int | None) -> Array:
    """Call ``work`` for each block of the rows (V, dim). Return the float64 sum of the resulting (dim, dim)
    matrices."""
    total = np.zeros((rows.shape[1],) * 2)
    for part in each_block(work, rows.shape[0], threads):
        total += part
    return total


def _floored(values: Array) -> Array:
    """Return the eigenvalues, with tiny eigenvalues raised to a minimum, because the inverse of a tiny eigenvalue is
    noise. Return ones if all eigenvalues are zero."""
    floor: float = values.max(initial=0) * 1e-12
    return np.maximum(values, floor) if floor > 0 else np.ones_like(values)

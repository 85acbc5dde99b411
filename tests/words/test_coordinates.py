"""In canonical coordinates, inputs are white, outputs have the second moment Λ, and the basis does not matter."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from wordsparse.words import coordinates
from wordsparse.words.coordinates import canonical, gram


def combined(*args, **constants):
    return coordinates.combined(*args, **constants)[0]


def model(V=300, dim=8, seed=0):
    """Return E and W (V, dim) float32, both linear maps of the same rows with noise, and counts (V,)."""
    random = np.random.default_rng(seed)
    common = random.standard_normal((V, dim)) * np.linspace(3, 0.5, dim)
    E = common + 0.3 * random.standard_normal((V, dim))
    W = common @ random.standard_normal((dim, dim)) + 0.3 * random.standard_normal((V, dim))
    return E.astype(np.float32), W.astype(np.float32), np.sort(random.integers(5, 5000, V))[::-1].astype(float)


@pytest.mark.parametrize(("V", "dim"), [(300, 8), (300, 1), (9000, 3)])  # 9000 rows are several blocks
def test_inputs_are_white_and_outputs_have_the_spectrum(V, dim):
    E, W, counts = model(V, dim)
    f = counts / counts.sum()
    c = canonical(gram(E, f), gram(W))
    inputs, outputs = E @ c.inputs, W @ c.outputs
    np.testing.assert_allclose(inputs.T @ (f[:, None] * inputs), np.eye(dim), atol=1e-9)
    np.testing.assert_allclose(outputs.T @ outputs, np.diag(c.spectrum), atol=1e-9 * c.spectrum[0])
    assert (np.diff(c.spectrum) <= 0).all()
    # The inner products of inputs and outputs are the same in both bases.
    np.testing.assert_allclose(inputs @ outputs[:50].T, E @ W[:50].T.astype(float), atol=1e-5)


@pytest.mark.parametrize("exponent", [0.0, 0.125, 0.5, 1.0])
def test_the_basis_of_training_does_not_matter(exponent):
    E, W, counts = model()
    random = np.random.default_rng(1)
    B = random.standard_normal((8, 8)) + 2 * np.eye(8)
    moved = (E @ B).astype(np.float32), (W @ np.linalg.inv(B).T).astype(np.float32)
    here, there = combined(E, W, counts, exponent), combined(*moved, counts, exponent)
    signs = np.sign(np.sum(here * there, axis=0))
    np.testing.assert_allclose(here, there * signs, atol=1e-3)


def test_combined_vectors_are_the_formula():
    E, W, counts = model()
    c = canonical(gram(E, counts / counts.sum()), gram(W))

    def unit(rows):
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    x, doubt, turn = 0.25, coordinates.DOUBT, 0.7
    known = counts[:, None] * c.spectrum
    a = unit(E @ c.inputs * c.spectrum ** (x / 2) * known / (known + doubt * c.spectrum.sum()))
    b = unit(W @ c.outputs * c.spectrum ** (x / 2 - 0.5))
    rotation, _ = orthogonal_procrustes(b, a)
    vectors = combined(E, W, counts, x, turn)
    assert vectors.dtype == np.float32
    expected = a + (1 - turn) * b + turn * b @ rotation
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    expected[:, -1] += 0.3 * np.log(counts / np.exp(np.log(counts).mean()))
    np.testing.assert_allclose(combined(E, W, counts, x, turn, 0.3), expected, atol=1e-5)


def test_a_word_that_does_not_occur_is_as_popular_as_one_that_occurs_once():
    E, W, counts = model()
    none, once = counts.copy(), counts.copy()
    none[-1], once[-1] = 0, 1
    found = [combined(E, W, of, popularity=0.1) - combined(E, W, of) for of in (none, once)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_threads_do_not_change_the_vectors():
    E, W, counts = model(9000)
    np.testing.assert_array_equal(combined(E, W, counts, threads=1), combined(E, W, counts, threads=3))


def test_the_first_numbers_in_principal_axes_keep_most():
    vectors, _, _ = model(9000, 8)
    vectors[5] = 0
    R = coordinates.principal_axes(vectors, 1)
    np.testing.assert_allclose(R.T @ R, np.eye(8), atol=1e-6)
    np.testing.assert_array_equal(R, coordinates.principal_axes(vectors, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    _, values, right = np.linalg.svd(unit, full_matrices=False)
    kept = np.cumsum(np.square(unit @ R).sum(0))
    np.testing.assert_allclose(kept, np.cumsum(values**2), rtol=1e-5)
    np.testing.assert_allclose(np.abs(np.sum(R * right.T, axis=0)), 1, atol=1e-3)
    assert (R[np.abs(R).argmax(0), np.arange(8)] > 0).all()


def degenerate():
    E, W, _ = model(20, 4)
    flat = E.copy()
    flat[:, 2] = 0
    row = np.zeros_like(E)
    row[3] = 1
    return {
        "outputs zero": (E, np.zeros_like(W)),
        "inputs zero": (np.zeros_like(E), W),
        "both zero": (np.zeros_like(E), np.zeros_like(W)),
        "inputs flat": (flat, W),
        "outputs flat": (E, flat),
        "one word": (row, row),
        "fewer words than dimensions": (E[:2], W[:2]),
        "tiny": (np.float32(1e-30) * E, np.float32(1e-30) * W),
        "huge": (np.float32(1e15) * E, np.float32(1e15) * W),
    }


@pytest.mark.parametrize("name", degenerate())
def test_degenerate_models_give_finite_vectors(name):
    E, W = degenerate()[name]
    vectors = combined(E, W, np.arange(E.shape[0], 0, -1.0))
    assert np.isfinite(vectors).all()
    assert (np.linalg.norm(vectors, axis=1) <= 2 + 1e-5).all()
    R = coordinates.principal_axes(vectors, 1)
    np.testing.assert_allclose(R.T @ R, np.eye(R.shape[1]), atol=1e-6)

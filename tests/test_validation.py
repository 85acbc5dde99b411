"""Minibatches of every form that is accepted; tests/layer/refusals.txt has those that are refused."""

import numpy as np
import pytest
import scipy.sparse as sp

from wordsparse.layer.output import FactoredOutput

D, d = 6, 3
H = np.ones((2, d))
Y = sp.csr_array((np.ones(3), np.array([0, 5, 2]), np.array([0, 2, 3])), shape=(2, D))


def test_regression_targets_add_up_whatever_the_matrix_says_of_itself_and_stay_as_they_are():
    """SciPy keeps its flag for a canonical format when indices change, so the flag must not be trusted."""
    repeated = sp.csr_array((np.array([1.0, 3.0]), np.array([2, 4]), np.array([0, 2])), shape=(1, D))
    assert repeated.has_canonical_format
    repeated.indices = np.array([4, 4])
    layer = FactoredOutput(D, d, weights=np.arange(D * d).reshape(D, d), dtype=np.float64)
    summed = sp.csr_array(np.array([[0, 0, 0, 0, 4.0, 0]]))
    np.testing.assert_allclose(layer.loss_and_grad(H[:1], repeated)[0], layer.loss_and_grad(H[:1], summed)[0])
    np.testing.assert_array_equal(repeated.data, [1, 3])


def test_a_float64_layer_takes_values_too_large_for_float32():
    assert np.isfinite(FactoredOutput(D, d, dtype=np.float64).loss_and_grad(1e39 * H, Y)[0]).all()


@pytest.mark.parametrize(
    "kind", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.lil_array, sp.dok_array, sp.dia_array, sp.bsr_array]
)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_any_sparse_matrix_of_real_numbers_will_do(kind, dtype):
    layer = FactoredOutput(D, d, weights=np.arange(D * d).reshape(D, d))
    expected = layer.loss_and_grad(H, Y)
    for value, wanted in zip(layer.loss_and_grad(H.astype(int).tolist(), kind(Y.astype(dtype))), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)

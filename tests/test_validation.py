"""Invalid input raises an error before any state changes."""

import numpy as np
import pytest
import scipy.sparse as sp
from support import problems
from support.arrays import with_value

from wordsparse.errors import InputError
from wordsparse.layer.output import FactoredOutput

D, d = 6, 3
H = np.ones((2, d))
Y = sp.csr_array((np.ones(3), np.array([0, 5, 2]), np.array([0, 2, 3])), shape=(2, D))


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def layer(request):
    layer = FactoredOutput(D, d, "taylor", [1, 2, 3, 4, 5, 6], request.param)
    layer.step(H, Y, 0.1)
    return layer


def altered(kind, **parts):
    """Build Y in the format ``kind``, and replace parts of it without SciPy's own checks."""
    matrix = kind(Y)
    for name, value in parts.items():
        setattr(matrix, name, np.asanyarray(value))
    return matrix


def broken(**parts):
    """Build Y as CSR with some parts replaced. Previously, an indptr that ends beyond the indices crashed Python."""
    return altered(sp.csr_array, **parts)


BAD_INPUTS = {
    "nan in H": (with_value(H, np.nan, 1, 0), Y, "H holds a value .* first in row 1"),
    "H too wide": (np.ones((2, d + 1)), Y, r"H must have shape \(any, 3\), not \(2, 4\)"),
    "H objects": (H.astype(object), Y, "H must hold real numbers, not object"),
    "H sparse": (sp.csr_array(H), Y, "H must be a dense array, not a sparse csr_array: give H.toarray()"),
    "more examples in H": (np.ones((3, d)), Y, r"Y must have shape \(3, 6\), one row per example"),
    "Y complex": (H, Y.astype(complex), "Y must hold real numbers"),
    "Y dense": (H, Y.toarray(), "Y must be a SciPy sparse matrix .* not ndarray"),
    "nan in Y": (H, with_value(Y, np.nan, 1), "Y holds a value that is not a finite float.. number"),
    "target out of range": (H, broken(indices=[0, 6, 2]), "Y is not a valid CSR matrix: indices must be < 6"),
    "indptr beyond indices": (H, broken(indptr=[0, 2, 9]), "Y is not a valid CSR matrix"),
    "CSC: a row out of range": (H, altered(sp.csc_array, indices=[0, 7, 1]), "CSC matrix: indices must be < 2"),
    # Previously, masks were ignored, so layers were trained on masked values.
    "H masked": (np.ma.masked_array(H, np.eye(2, d)), Y, "H is a masked array"),
    "Y masked": (H, broken(data=np.ma.masked_array(Y.data, [0, 1, 0])), "masked array"),
    "COO: a row out of range": (H, altered(sp.coo_array, row=[0, 7, 1]), "Y is not a valid COO matrix: axis 0"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_minibatches_change_nothing(layer, case):
    bad_H, bad_Y, message = BAD_INPUTS[case]
    before = problems.state(layer)
    with pytest.raises(InputError, match=message):
        layer.step(bad_H, bad_Y, 0.1)
    assert problems.state(layer) == before
    layer.step(H, Y, 0.1)


def test_regression_targets_add_up_whatever_the_matrix_says_of_itself_and_stay_as_they_are():
    """SciPy keeps its flag for a canonical format when indices change, so the flag must not be trusted."""
    repeated = sp.csr_array((np.array([1.0, 3.0]), np.array([2, 4]), np.array([0, 2])), shape=(1, D))
    assert repeated.has_canonical_format
    repeated.indices = np.array([4, 4])
    layer = FactoredOutput(D, d, weights=np.arange(D * d).reshape(D, d), dtype=np.float64)
    summed = sp.csr_array(np.array([[0, 0, 0, 0, 4.0, 0]]))
    np.testing.assert_allclose(layer.loss_and_grad(H[:1], repeated)[0], layer.loss_and_grad(H[:1], summed)[0])
    np.testing.assert_array_equal(repeated.data, [1, 3])


@pytest.mark.parametrize("value", [-0.1, np.nan, "fast", None, 10**400])
@pytest.mark.parametrize("name", ["lr", "weight_decay"])
def test_bad_step_sizes_change_nothing(layer, name, value):
    before = problems.state(layer)
    with pytest.raises(InputError, match=f"{name} must be a (finite )?number"):
        layer.step(H, Y, **({"lr": 0.1} | {name: value}))
    assert problems.state(layer) == before


def test_values_too_large_for_the_working_precision():
    """A float32 layer refuses values that float32 cannot hold; a float64 layer accepts them."""
    with pytest.raises(InputError, match="H holds a value that is not a finite float32 number"):
        FactoredOutput(D, d).loss_and_grad(1e39 * H, Y)
    with pytest.raises(InputError, match="Y holds"):
        FactoredOutput(D, d).loss_and_grad(H, 1e300 * Y)
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

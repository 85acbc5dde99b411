"""The gradients of the dense reference ("oracle") compared with finite differences. test_output.py tests its steps."""

import numpy as np
import pytest
import scipy.sparse as sp
from support import problems

from wordsparse.layer.reference import DenseOutput

H = np.random.default_rng(0).standard_normal((4, 3))
# The targets include repeats, a negative weight, and an example without targets.
Y = sp.csr_array(
    (np.array([1.0, 0.5, 2.0, 1.5, -0.5]), np.array([2, 2, 0, 4, 1]), np.array([0, 3, 3, 4, 5])), shape=(4, 5)
)


def oracle(loss, with_measure):
    random = np.random.default_rng(1)
    return DenseOutput(
        random.standard_normal((5, 3)), problems.LOSSES[loss], problems.measure(random, 5) if with_measure else None
    )


def differences(total, at):
    """Return the central differences of ``total(at)`` with respect to every entry."""
    out = np.empty_like(at)
    for index in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[index] = 1e-5
        out[index] = (total(at + nudge) - total(at - nudge)) / 2e-5
    return out


@pytest.mark.parametrize("with_measure", [False, True])
@pytest.mark.parametrize("loss", problems.LOSSES)
def test_gradients_by_finite_differences(loss, with_measure):
    dense = oracle(loss, with_measure)
    _, by_H, by_W = dense.loss_and_grads(H, Y)

    def of_W(W):
        return float(DenseOutput(W, dense.loss, dense.base_measure).loss_and_grads(H, Y)[0].sum())

    np.testing.assert_allclose(by_W, differences(of_W, dense.W), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        by_H, differences(lambda x: dense.loss_and_grads(x, Y)[0].sum(), H), rtol=1e-6, atol=1e-7
    )

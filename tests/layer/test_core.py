"""The phases of a step: their results, and the requests that they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Kernels
from wordsparse.kernels.cpu import CpuKernels
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Targets
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.sums import pull_back

COLUMNS, FEATURES = 12, 5


def layer_and_minibatch():
    """Return a layer with random weights, and its forward pass for a minibatch."""
    random, kernels = np.random.default_rng(0), Kernels()
    layer = ExactLayer(kernels, COLUMNS, FEATURES, BoundedNS(), None, np.dtype(np.float64))
    layer.set_weights(random.standard_normal((COLUMNS, FEATURES)))
    one_each = Csr(np.arange(COLUMNS + 1), np.arange(COLUMNS, dtype=np.int32), COLUMNS)
    targets = Targets(np.arange(COLUMNS), one_each, np.ones(COLUMNS))
    return layer, layer.forward(RowInputs(random.standard_normal((COLUMNS, FEATURES)), kernels), targets)


def test_a_forward_pass_is_refused_after_an_update():
    """A gradient computed after the update would not belong to the weights of the forward pass."""
    layer, forward = layer_and_minibatch()
    sums = pull_back(forward)
    update = layer.update(sums, 0.01)
    layer.apply(update)
    for use in (
        lambda: pull_back(forward),
        lambda: sums.gradient(),
        lambda: layer.update(sums, 0.01),
    ):
        with pytest.raises(InputError, match="this forward pass is out of date"):
            use()
    with pytest.raises(InputError, match="this update is out of date"):
        layer.apply(update)


@pytest.mark.parametrize("change", ["fold", "set_weights", "set_noise", "set_common_output", "restore"])
def test_any_change_of_the_state_outdates_a_forward_pass(change):
    layer, forward = layer_and_minibatch()
    arguments = {
        "set_weights": (np.ones((COLUMNS, FEATURES)),),
        "set_noise": (1, 0.1),
        "set_common_output": (0.5,),
        "restore": (layer.state(),),
    }
    getattr(layer, change)(*arguments.get(change, ()))
    with pytest.raises(InputError, match="out of date"):
        pull_back(forward)


@pytest.mark.parametrize("kernels", [Kernels(), CpuKernels(2)])
def test_an_ill_conditioned_factor_is_taken_in_by_float64(kernels):
    """In float32, the fourth digit of W = V U would be wrong: V is large in the direction that U nearly removes."""
    random, d, measure = np.random.default_rng(0), 20, np.arange(1.0, 31) / 465
    layer = ExactLayer(kernels, 30, d, BoundedNS(), measure, np.dtype(np.float32))
    turn = np.linalg.qr(random.standard_normal((d, d)))[0]
    U = turn @ np.diag(np.geomspace(1, 1e-6, d)) @ turn.T
    layer.V[:] = random.standard_normal((30, d)) @ np.linalg.inv(U)
    layer.factors = replace(layer.factors, U=U, U_inverse=np.linalg.inv(U), omega=np.full(d, 0.1))
    exact = layer.V.astype(np.float64) @ U + 0.1 * np.sqrt(measure)[:, None]
    layer.fold()
    np.testing.assert_allclose(layer.V, exact, rtol=1e-6, atol=1e-9)

"""Runs that diverge through their inputs are refused; runs that only seem to diverge are not."""

import numpy as np
import pytest
import scipy.sparse as sp
from support import problems

from wordsparse.errors import TrainingError
from wordsparse.layer import divergence
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput

D, d, m = 50, 6, 20


def explode(layer):
    """Take steps on inputs that double with every minibatch, preconditioned by an inverse curvature."""
    random = np.random.default_rng(0)
    for t in range(60):
        H, Y = 2.0**t * random.standard_normal((m, d)), problems.targets(random, m, D, 3)
        layer.step(H, Y, 0.05, preconditioner=np.linalg.inv(H.T @ H + np.eye(d)))


@pytest.mark.parametrize("loss", ["squared", "bounded-ns"])
def test_inputs_that_explode_under_a_preconditioner_are_refused(loss):
    """The preconditioner keeps ‖W‖² bounded while the loss goes from 20 to 7e7, so the loss must be watched too."""
    layer = FactoredOutput(D, d, problems.LOSSES[loss], threads=1)
    with pytest.raises(TrainingError, match=r"training diverges: .* lower the learning rates"):
        explode(layer)
    assert layer.watch.above == divergence.IN_A_ROW


def test_a_loss_that_grows_as_a_logarithm_is_left_alone():
    layer = FactoredOutput(D, d, "taylor", threads=1)
    explode(layer)
    assert layer.watch.above == 0


def test_single_minibatches_far_off_are_learnt_from():
    random = np.random.default_rng(1)
    layer = FactoredOutput(D, d, "squared", dtype=np.float64, threads=1)
    for t in range(50):
        H, Y = random.standard_normal((m, d)), problems.targets(random, m, D, 3)
        scale = 1e4 if t % 5 == 4 else 1.0
        layer.step(scale * H, Y, 0.01 / (m * scale**2))
    assert layer.watch.above in (0, 1)


def test_a_loss_that_was_large_at_first_may_stay_so():
    random = np.random.default_rng(2)
    layer = FactoredOutput(D, d, "squared", dtype=np.float64, weights=1e5 * random.standard_normal((D, d)), threads=1)
    for _ in range(2 * divergence.IN_A_ROW):
        layer.step(random.standard_normal((m, d)), problems.targets(random, m, D, 3), 1e-9)
    assert layer.watch.above == 0


def test_new_weights_reset_the_check_for_divergence():
    layer = FactoredOutput(D, d, BoundedNS(), dtype=np.float64, threads=1)
    H, Y = np.ones((1, d)), sp.csr_array(np.eye(1, D))
    layer.step(H, Y, 0.01)
    layer.set_weights(np.full((D, d), 1e4))
    for _ in range(2 * divergence.IN_A_ROW):
        layer.step(H, Y, 1e-12)
    assert layer.watch.above == 0
    layer.set_common_output(1.0)
    assert layer.watch.scale == 0

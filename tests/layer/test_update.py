"""One update with both routes, invariants over many updates, and steps that are refused."""

import numpy as np
import pytest
import scipy.sparse as sp
import threadpoolctl
from support import problems

from wordsparse.errors import TrainingError
from wordsparse.layer import factors, update
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput

# ── the two routes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_cheaper_route_is_taken(monkeypatch):
    taken = []
    for name in problems.ROUTES:
        original = getattr(update, name)
        monkeypatch.setattr(
            update, name, lambda *args, name=name, original=original: (taken.append(name), original(*args))[1]
        )
    random = np.random.default_rng(0)
    layer = FactoredOutput(50, 32, "taylor")
    for m in (1, 8, 32, 128):
        layer.step(random.standard_normal((m, 32)), problems.targets(random, m, 50, 2), 1e-4)
    assert taken == ["low_rank", "low_rank", "low_rank", "dense"]


# ── many steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fold_at", [None, 1.02], ids=["", "folding"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 7, 40])
@pytest.mark.parametrize("loss", ["squared", "bounded-ns", "taylor"])
def test_invariants_over_many_steps(loss, m, dtype, fold_at, monkeypatch):
    """Invariants hold for m < d (U⁻¹ is corrected) and m > d (U⁻¹ is recomputed), with weight decay and forced folds.

    In W = V U, rounding errors of V are amplified by the condition number of U, which folding U into V keeps bounded.
    """
    random = np.random.default_rng(1)
    D, d = 150, 12
    if fold_at is not None:
        monkeypatch.setattr(factors, "FOLD_CONDITION", dict.fromkeys(factors.FOLD_CONDITION, fold_at))
    pi = problems.measure(random, D)
    layer = FactoredOutput(D, d, loss, pi, dtype)
    dense = DenseOutput(np.zeros((D, d)), loss, pi)
    tolerance = float(np.finfo(dtype).eps) * max(factors.FOLD_CONDITION[layer.dtype], 1000)
    lr = 0.05 / m
    worst = dict.fromkeys(("Q", "w_bar", "U"), 0.0)
    for _ in range(200):
        # Inputs are larger in the first directions, so that the condition number of U grows.
        H = (random.standard_normal((m, d)) / np.arange(1, d + 1)).astype(dtype)
        Y = problems.targets(random, m, D, 4)
        Y.data = Y.data.astype(dtype)
        layer.step(H, Y, lr, weight_decay=0.01)
        dense.step(H, Y, lr, weight_decay=0.01)
        worst = {name: max(worst[name], error) for name, error in problems.broken_invariants(layer).items()}
    assert worst.pop("U") < 10 * factors.DRIFT[layer.dtype]
    assert max(worst.values()) < tolerance, worst
    assert max(problems.distance(layer, dense).values()) < tolerance
    assert layer.core.folds > 0 or fold_at is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_inverse_that_has_drifted_is_renewed(dtype):
    """An error planted in one entry of U⁻¹ is gone after the next step, unless it is as small as rounding errors."""
    random = np.random.default_rng(2)
    allowed = factors.DRIFT[np.dtype(dtype)]
    for error, renewed in ((100 * allowed, True), (0.1 * allowed, False)):
        layer = FactoredOutput(20, 30, "squared", dtype=dtype)
        layer.core.factors.U_inverse[3, 4] = error
        layer.step(random.standard_normal((3, 30)), problems.targets(random, 3, 20, 2), 1e-9)
        assert (problems.broken_invariants(layer)["U"] < 0.01 * error) == renewed


@pytest.mark.parametrize("rate", [0.9, -0.9], ids=["shrinking", "growing"])
def test_a_scale_that_drifts_is_folded(rate, monkeypatch):
    """Weight decay moves the scale of U away from 1, up or down, and folding resets the scale."""
    random = np.random.default_rng(4)
    start = random.standard_normal((30, 3))
    layer = FactoredOutput(30, 3, "squared", dtype=np.float32, weights=start)
    decay = 0.9 if rate > 0 else 2.5  # factors 0.1 and −1.5 per step
    monkeypatch.setattr(factors, "FOLD_SCALE", 100.0)
    for _ in range(30):
        layer.step(np.empty((0, 3)), sp.csr_array((0, 30)), 1.0, weight_decay=decay)
        assert 1 / factors.FOLD_SCALE < np.abs(layer.core.factors.U).max() < factors.FOLD_SCALE
    assert layer.core.folds > 1
    np.testing.assert_allclose(layer.weights(), start * (1 - decay) ** 30, rtol=1e-4)


# ── refused steps ─────────────────────────────────────────────────────────────────────────────────────────────────────


def stepped(d, D=30, loss="squared", dtype=np.float64):
    """Return a layer after some steps, with a well-conditioned U."""
    random = np.random.default_rng(5)
    layer = FactoredOutput(D, d, loss, dtype=dtype, weights=random.standard_normal((D, d)))
    for _ in range(3):
        layer.step(random.standard_normal((4, d)) / d, problems.targets(random, 4, D, 3), 0.01)
    return layer


def refused(layer, H, Y, lr, weight_decay=0.0, match=None):
    """Assert that the step raises an error and changes nothing, and that later steps agree with the oracle."""
    before = problems.state(layer)
    with pytest.raises(TrainingError, match=match):
        layer.step(H, Y, lr, weight_decay=weight_decay)
    assert problems.state(layer) == before
    dense = DenseOutput(layer.weights(), layer.loss)
    layer.step(H, Y, 1e-6)
    dense.step(H, Y, 1e-6)
    tolerance = 1e-9 if layer.dtype == np.float64 else 1e-5
    assert max(problems.distance(layer, dense).values()) < tolerance


@pytest.mark.parametrize("route", problems.ROUTES)
@pytest.mark.parametrize("lr", [1e8, 1e150, 1e308])
@pytest.mark.parametrize("loss", problems.LOSSES)
def test_an_exploding_step_is_refused(loss, lr, route):
    random = np.random.default_rng(6)
    layer = stepped(6, loss=problems.LOSSES[loss])
    with problems.route(route):
        refused(layer, 10 * random.standard_normal((12, 6)), problems.targets(random, 12, 30, 3), lr)


@pytest.mark.parametrize("route", problems.ROUTES)
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_singular_step_is_refused_and_does_not_fold(dtype, m, route):
    """Earlier steps have moved U away from the identity, as in any real run."""
    random = np.random.default_rng(7)
    layer = stepped(6, dtype=dtype)
    for _ in range(60):
        layer.step(random.standard_normal((4, 6)) / np.arange(1, 7), problems.targets(random, 4, 30, 3), 0.02)
    assert layer.core.factors.condition > 1.2
    with problems.route(route):
        refused(layer, 2 * np.eye(m, 6), problems.targets(random, m, 30, 3), 1 / 8, match="singular")


def test_a_stable_step_may_grow_tiny_weights():
    """The target is large, and ‖W‖² grows from 1e-12 to 4, but the step is stable: 2 lr ‖h‖² is .02."""
    layer = FactoredOutput(4, 1, "squared", dtype=np.float64, weights=np.full((4, 1), 1e-6))
    layer.step([[1.0]], sp.csr_array([[100.0, 0, 0, 0]]), 0.01)
    assert layer.weights(0)[0, 0] == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, 1e-9])
def test_a_step_that_nearly_loses_a_direction_is_exact(gap, dtype):
    """The step multiplies W by A, whose eigenvalues are ``gap`` and 1. If the gap is small, U is folded into V."""
    layer = stepped(6, dtype=dtype)
    if dtype == "float32" and gap < 1e-7:
        return  # A is practically singular in float32
    dense = DenseOutput(layer.weights().astype(np.float64), "squared")
    H, Y = np.eye(2, 6), problems.targets(np.random.default_rng(0), 2, 30, 3)
    for take in (layer.step, dense.step):
        take(H, Y, (1 - gap) / 2)
    assert layer.core.folds == (gap < 1 / factors.FOLD_CONDITION[layer.dtype])
    tolerance = 1e-9 if dtype == "float64" else 1e-5
    assert max(problems.distance(layer, dense).values()) < tolerance
    assert max(problems.broken_invariants(layer).values()) < tolerance


@pytest.mark.parametrize("gap", [1e-2, 1e-4])
def test_a_step_that_nearly_loses_every_direction_is_exact(gap):
    """In float32 alone, the small remainder of W would be mostly rounding error."""
    layer = stepped(6, dtype=np.float32)
    dense = DenseOutput(layer.weights(), "squared")
    H, Y = np.repeat(np.eye(6), 4, axis=0) / 2, sp.csr_array((24, 30))
    for take in (layer.step, dense.step):
        take(H, Y, (1 - gap) / 2)
    assert max(problems.distance(layer, dense).values()) < 1e-5


def test_blas_has_one_thread_inside_a_step(monkeypatch):
    seen = []
    compute = update.compute

    def watched(*args):
        seen.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")
        return compute(*args)

    monkeypatch.setattr(update, "compute", watched)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        stepped(3)
    assert set(seen) == {1}

"""Every loss compared with its formula over all outputs: values, derivatives, extremes, and the checker for users."""

import math

import numpy as np
import pytest
from support import problems
from support.losses import CASES, Cauchy, softplus

from wordsparse.errors import InputError
from wordsparse.layer import losses
from wordsparse.layer.losscheck import check_loss
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput


@pytest.mark.parametrize("with_measure", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_value_is_the_formula_over_all_outputs(name, with_measure):
    loss, formula = CASES[name]
    random = np.random.default_rng(0)
    for _ in range(50):
        x = 3 * random.standard_normal(9)
        pi = random.uniform(0.1, 1, 9) if with_measure else np.ones(9)
        pi /= pi.sum() if with_measure else 1
        value = loss.terms(x[4], pi @ x**2, pi @ x, pi.sum()).value
        assert value == pytest.approx(formula(float(x[4]), x, pi), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("touching", [0.0, 1e-4, 1.1e-3, 2.0, 6.0, -6.0])
def test_bounded_ns_bounds_the_expected_negative_sampling_loss(touching):
    random = np.random.default_rng(1)
    x = 2 * random.standard_normal(40)
    loss = losses.BoundedNS(negatives=5, touching=touching)
    bound = loss.terms(x[0], x @ x / 40, x.mean(), 1.0).value
    assert bound >= softplus(-x[0]) + 5 * np.mean([softplus(v) for v in x])
    # The bound is exact if every output equals ``touching``.
    at = loss.terms(touching, touching**2, touching, 1.0).value
    assert at == pytest.approx(softplus(-touching) + 5 * softplus(touching), rel=1e-9)


@pytest.mark.parametrize("total", [1.0, 123.0, 793471.0])
@pytest.mark.parametrize(
    "loss",
    [*problems.LOSSES.values(), losses.Spherical(1e-3), losses.ZLoss(2.0, 1.0), losses.BoundedNS(0.5)],
    ids=repr,
)
def test_derivatives_by_finite_differences(loss, total):
    check_loss(loss, total=total)


@pytest.mark.parametrize("loss", [loss() for loss in losses.LOSSES.values()], ids=repr)
def test_only_a_loss_without_a_scale_is_the_same_for_outputs_of_another_size(loss):
    once, thrice = (loss.terms(0.7 * c, 5.0 * c**2, 1.3 * c, 4.0).value for c in (1, 3))
    assert loss.scale_free == (once == pytest.approx(thrice, rel=1e-12))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("total", [1.0, 1e6])
@pytest.mark.parametrize("name", problems.LOSSES)
def test_extreme_outputs_stay_finite(name, total, dtype):
    """Warnings are errors in these tests, so no intermediate result overflows or divides by zero either."""
    loss = problems.LOSSES[name]
    for size in (0.0, 1e-300, 1e-20, 1.0, 1e4, 1e12):
        for sign in (-1, 1):
            outputs = np.array([sign * size, -size, size / 3])
            o = np.full(4, sign * min(size, 1e4)).astype(dtype)
            q, s = np.full(4, total * np.mean(outputs**2)), np.full(4, total * outputs.mean())
            for term in loss.terms(o, q, s, total):
                assert np.isfinite(term).all()


def test_log_losses_keep_their_tails():
    """A naive log(1 + exp(−o)) would overflow, or round these values to 0."""
    _, slope = losses.BoundedNS().target(np.array([-1e4, -40.0, 40.0, 700.0]))
    np.testing.assert_allclose(slope, [-1, -1, -math.exp(-40), -math.exp(-700)], rtol=1e-12)
    value, _ = losses.BoundedNS().target(np.array([-1e4, 40.0]))
    np.testing.assert_allclose(value, [1e4, math.exp(-40)], rtol=1e-12)


def test_zloss_of_equal_outputs_has_no_gradient():
    terms = losses.ZLoss().terms(np.ones(2), np.array([3.0, 0.0]), np.array([3.0, 0.0]), 3.0)
    np.testing.assert_allclose(terms.value, softplus(7.0))
    assert not np.any(terms.dq)
    assert not np.any(terms.ds)
    assert not np.any(terms.do)


# ── the checker for users ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_right_loss_passes_and_steps():
    check_loss(Cauchy())
    check_loss(Cauchy(), total=5000)
    random = np.random.default_rng(0)
    layer = FactoredOutput(30, 4, Cauchy(), dtype=np.float64)
    dense = DenseOutput(np.zeros((30, 4)), Cauchy())
    for _ in range(5):
        H, Y = random.standard_normal((6, 4)), problems.targets(random, 6, 30, 3)
        layer.step(H, Y, 0.05)
        dense.step(H, Y, 0.05)
    assert max(problems.distance(layer, dense).values()) < 1e-12


def test_a_loss_that_depends_on_the_sum_must_declare_it(monkeypatch):
    """If a loss has sees_sum = False, the layer passes 0 for the sum s, so a loss that depends on s would be wrong."""
    monkeypatch.setattr(losses.BoundedNS, "sees_sum", False)
    with pytest.raises(InputError, match="BoundedNS depends on s, which is 0 for a loss with sees_sum = False"):
        check_loss(losses.BoundedNS())


def test_a_loss_without_a_name_is_refused_where_it_is_given():
    """Without the check, such a loss would fail in the middle of a step, with an AttributeError."""

    class Nameless(losses.Loss):
        def terms(self, o, q, s, total):
            return losses.Terms(q, 1.0, 0.0, 0.0 * o)

    for use in (lambda: check_loss(Nameless()), lambda: FactoredOutput(3, 2, Nameless())):
        with pytest.raises(InputError, match="Nameless has no name: set name = "):
            use()

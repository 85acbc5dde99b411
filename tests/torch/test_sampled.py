"""The layer with in-batch cross-entropy: what is its own. Tests of both kinds of layers are in the other files."""

import resource
from typing import Any

import numpy as np
import pytest
import torch
from support.torch_layers import COUNTS, TINY, D, assert_state, d, m, minibatch, sampled, state

from wordsparse.errors import InputError, TrainingError
from wordsparse.torch import FactoredOutput, SampledOutput

IDS = torch.tensor([3, 1, 4, 1, 5, 1, 39])


def test_a_gradient_of_zero_moves_nothing() -> None:
    """If the minibatch has one class, its gradient is 0. Previously, repeated targets left a rounding error, which
    Adagrad scaled to a whole step."""
    random = np.random.default_rng(0)
    for size in (2, 3, 40):
        head, rows = SampledOutput(4, 100, counts=np.full(100, 50)), torch.from_numpy(random.integers(2, size=size))
        before, h = head.weights(), torch.randn(2, 4, requires_grad=True)
        weights = torch.from_numpy(random.random(size).astype(np.float32))
        head(h, (rows, torch.full((size,), 3), weights)).backward()
        assert torch.equal(head.weights(), before)


def test_counts_beyond_the_integers_of_float32() -> None:
    """Previously, counts stopped at 2**24, and the shares of the other classes sank."""
    head = SampledOutput(1, 3, lr=0)
    head.load_state_dict(
        head.state_dict() | {"counts": torch.tensor([2.0**24, 10, 0]), "total": torch.tensor(2.0**24 + 10)}
    )
    for _ in range(3):
        head(torch.zeros(5, 1, requires_grad=True), torch.tensor([0, 0, 0, 1, 0])).backward()
    assert head.state_dict()["counts"].tolist() == [2**24 + 12, 13, 0]


@pytest.mark.parametrize("draws", [2000, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_the_normaliser_and_its_gradient_are_those_of_all_classes_on_average(draws: int) -> None:
    """Within four standard errors. The loss of n targets of h is n log Ẑ − Σ o, so the mean of the estimate Ẑ is Z, and
    the mean of its gradient Ẑ ∂ log Ẑ/∂h is ∂Z/∂h."""
    outputs, size, counts = 60, 20, np.arange(1, 61)
    head, random = SampledOutput(d, outputs, counts=counts, reduction="sum", **TINY).eval(), np.random.default_rng(0)
    h = torch.from_numpy(random.standard_normal((1, d))).requires_grad_()
    Z = head.to_linear()(h).exp().sum()
    expected = np.append(Z.item(), torch.autograd.grad(Z, h)[0].numpy())
    o, W = head.outputs(h, torch.arange(outputs))[0].numpy(), head.weights()[:, :d].numpy()
    Q, found = (counts + 0.1) / (counts + 0.1).sum(), np.empty((draws, d + 1))
    for row in found:
        ids = random.choice(outputs, size, p=Q)
        loss = head(h, torch.from_numpy(ids[None]))
        (gradient,) = torch.autograd.grad(loss, h)
        log_Z, of_h = (loss.item() + o[ids].sum()) / size, (gradient[0].numpy() + W[ids].sum(0)) / size
        row[:] = np.exp(log_Z) * np.append(1, of_h)
    assert (abs(found.mean(0) - expected) < 4 * found.std(0) / np.sqrt(draws)).all()


def test_probabilities_are_those_of_a_linear_layer() -> None:
    head, h = sampled(), minibatch()[0].detach()
    Q = torch.from_numpy((COUNTS + 0.1) / (COUNTS + 0.1).sum())
    o = h @ head.weights()[:, :-1].T + Q.log()
    torch.testing.assert_close(head.to_linear()(h).detach(), o)
    torch.testing.assert_close(head.log_prob(h, IDS), o.log_softmax(1)[torch.arange(m), IDS])
    for wrong, message in ((IDS[1:], r"of shape \(7,\) or"), (h[:, 0], "of integers"), (IDS + D, "from 0 to 39")):
        with pytest.raises(InputError, match=message):
            head.log_prob(h, wrong)


def test_probabilities_of_many_classes() -> None:
    """The normaliser is computed block by block."""
    head, h = SampledOutput(d, 10_000, **TINY), minibatch()[0]
    ids = torch.tensor([[0, 4095, 4096, 9999]]).expand(m, 4)
    expected = head.to_linear()(h).detach().log_softmax(1).gather(1, ids)
    torch.testing.assert_close(head.log_prob(h, ids), expected)


def test_states_that_cannot_be_are_refused() -> None:
    head = sampled()
    good = state(head)
    for name, value, message in (("W", np.nan, "not finite"), ("counts", -1.0, "counts holds a negative number")):
        with pytest.raises(InputError, match=message):
            head.load_state_dict(good | {name: torch.full_like(good[name], value)})
    loss = head(minibatch()[0], IDS)
    head.load_state_dict(good)
    with pytest.raises(InputError, match="weights of the layer have changed"):
        loss.backward()
    with pytest.raises(RuntimeError, match="Missing key"):
        head.load_state_dict(FactoredOutput(d, D, loss="zloss").state_dict())


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "zloss"}, "unknown option loss: the loss is in-batch cross-entropy; FactoredOutput has other losses"),
        ({"bias": True}, "log Q is the bias"),
        ({"base_measure": COUNTS}, r"did you mean counts\?"),
        ({"weight_decay": 0.1}, "unknown option weight_decay: only rows of the minibatch's classes move"),
        ({"num_sampled": 5}, "the classes of the minibatch are the sample"),
        ({"negatives": 5}, "leave the argument out, or take larger minibatches"),
        ({"counts": np.ones(D + 1)}, r"counts must have shape \(40,\), not \(41,\)"),
        ({"counts": -np.ones(D)}, "counts must hold finite numbers of at least 0 only"),
        ({"counts": np.full(D, 1e308)}, "their sum must be finite"),
        ({"lr": -1}, "lr must be a finite number of at least 0"),
        ({"weights": np.ones((D + 1, d))}, r"weights must have shape \(40, 5\), not \(41, 5\)"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampled(**options)


def test_steps_that_would_overflow_are_refused() -> None:
    head, h = sampled(), minibatch()[0]
    before = state(head)
    head.grad_scaler = False
    with pytest.raises(TrainingError, match=r"gradient of row .* too large"):
        (1e200 * head(h, IDS)).backward()
    head.fused_optimizer.param_groups[0]["lr"] = 1e308
    with pytest.raises(TrainingError, match="could give infinite weights: lower the rate"):
        (head(1e10 * h, IDS) * 1e5).backward()
    assert_state(head, before)


def test_a_weight_decay_set_by_hand_is_refused() -> None:
    """The layer would silently ignore this setting."""
    head = sampled()
    before = head.weights()
    head.fused_optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(InputError, match=r"weight_decay must be 0, not 0\.1: only rows"):
        head(minibatch()[0], IDS).backward()
    assert torch.equal(head.weights(), before)


# ── size and length ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_memory_is_that_of_the_rows_and_three_numbers_per_row() -> None:
    outputs, size = 300_000, 32
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = SampledOutput(size, outputs)
    head(torch.randn(64, size), torch.randint(outputs, (64,))).backward()
    head.top(torch.randn(64, size), 10)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < 4 * outputs * (size + 3) + 40e6


@pytest.mark.nightly
def test_a_long_run_neither_drifts_nor_stops() -> None:
    """100,000 steps on learnable targets, without autograd, then every target ranks first."""
    from wordsparse.torch.engine import Gradients, StepOptions
    from wordsparse.torch.sampled import SampledEngine

    random, kinds = np.random.default_rng(0), 50
    W = 0.02 * random.standard_normal((kinds, 8)).astype(np.float32)
    engine, table = SampledEngine(W, None, 1), random.standard_normal((kinds, 8)).astype(np.float32)
    rows, ones = np.arange(4), np.ones(4, np.float32)
    for _ in range(100_000):
        ids, collected = random.integers(0, kinds, 4), Gradients()
        forward = engine.forward(engine.minibatch(table[ids], rows, (7 * ids + 3) % kinds, ones))
        engine.gradient(forward, np.full(4, 0.25), forward.version, collected)
        engine.apply(collected, StepOptions(0.1))
    assert np.isfinite(engine.W).all()
    assert engine.total == engine.counts.sum(dtype=np.float64) == 400_000
    assert np.array_equal(engine.top(table, 1)[0][:, 0], (7 * np.arange(kinds) + 3) % kinds)

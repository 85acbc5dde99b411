"""The state of the PyTorch layer: saved, loaded, copied and pickled."""

import copy
import io
import multiprocessing
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from support.torch_layers import KINDS, D, assert_state, d, layer, m, minibatch, sampled, state

from wordsparse.errors import InputError
from wordsparse.layer.factors import Factors
from wordsparse.layer.losses import ZLoss
from wordsparse.torch import FactoredOutput, SampledOutput

MEASURE = np.random.default_rng(2).random(D) + 0.1


def trained(**options: Any) -> FactoredOutput:
    head = layer(**options)
    for seed in range(3):
        head(*minibatch(seed)).backward()
    return head


def loaded(head: Any, assign: bool = False) -> Any:
    file = io.BytesIO()
    torch.save(head.state_dict(), file)
    file.seek(0)
    other = (
        layer(weights=None, base_measure=np.ones(D)) if "V" in head.state_dict() else sampled(counts=None, weights=None)
    )
    other.load_state_dict(torch.load(file, weights_only=True), assign=assign)
    return other


@pytest.mark.parametrize("make", [partial(layer, base_measure=MEASURE), partial(sampled, counts=None)])
@pytest.mark.parametrize(
    "copied",
    [loaded, partial(loaded, assign=True), copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))],
)
def test_copies_train_on_to_the_same_bytes_and_apart(copied: Callable[[Any], Any], make: Callable[[], Any]) -> None:
    head = make()
    for seed in range(3):
        head(*minibatch(seed)).backward()
    other = copied(head)
    before = state(head)
    other(*minibatch(3)).backward()
    assert_state(head, before)
    head(*minibatch(3)).backward()
    assert_state(other, state(head))
    assert " weights" in repr(head)
    assert not list(head.parameters())  # weights are buffers: PyTorch's optimizers do not move them


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python warns of forks in processes with threads
@pytest.mark.parametrize("make", KINDS)
def test_a_forked_process_trains_on_to_the_same_bytes(make: Callable[[], Any]) -> None:
    head, fork = make(), multiprocessing.get_context("fork")
    here, there = fork.Pipe()

    def train() -> None:
        for seed in range(1, 4):
            head(*minibatch(seed)).backward()
        there.send({name: np.asarray(part) for name, part in state(head).items() if part.is_floating_point()})

    head(*minibatch()).backward()
    child = fork.Process(target=train)
    child.start()
    assert here.poll(60), "a hang is a failure"
    found = here.recv()
    child.join()
    train()
    np.testing.assert_equal(found, here.recv())


@pytest.mark.parametrize("bias", [False, True])
def test_a_linear_layer_has_the_same_outputs(bias: bool) -> None:
    head = layer(bias=bias)
    h, Y = minibatch()
    head(h, Y).backward()
    linear = head.to_linear()
    expected = head.outputs(h, torch.arange(D))
    torch.testing.assert_close(linear(h.detach()), expected)
    assert (linear.in_features, linear.out_features, linear.bias is not None) == (head.in_features, D, bias)
    head(h, Y).backward()
    torch.testing.assert_close(linear(h.detach()), expected)  # the linear layer is a copy


@pytest.mark.parametrize("kind", [FactoredOutput, SampledOutput])
@pytest.mark.parametrize("bias", [False, True])
def test_a_linear_layer_becomes_a_head(kind: type, bias: bool) -> None:
    """Previously, a network that was trained with a dense output layer could not go over to a head."""
    torch.manual_seed(0)
    linear, h = torch.nn.Linear(d, D, bias=bias).double(), minibatch()[0].detach()
    options = {"loss": "squared", "bias": bias} if kind is FactoredOutput else {}
    loaded = kind(d, D, dtype=torch.float64, **options)
    loaded.load_state_dict(linear.state_dict())
    made = kind.from_linear(linear, dtype=torch.float64, **options)
    for head in (made, loaded):
        found, expected = head.to_linear()(h).detach(), linear(h).detach()
        if kind is SampledOutput:
            found, expected = found.log_softmax(1), expected.log_softmax(1)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
        head(h.requires_grad_(), torch.arange(m)).backward()
    with pytest.raises(InputError, match=r"takes a torch\.nn\.Linear, not a ReLU"):
        kind.from_linear(torch.nn.ReLU())


@pytest.mark.filterwarnings("error")
def test_a_scheduler_of_a_head_does_not_warn() -> None:
    head = layer(lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(head.fused_optimizer, 1)
    h, Y = minibatch()
    head(h, Y).backward()
    scheduler.step()
    assert head.fused_optimizer.settings().lr == pytest.approx(0.05)
    assert "no parameters" in repr(head)


@pytest.mark.parametrize("measure", [None, MEASURE])
@pytest.mark.parametrize("name", ["V", "Q", "w_bar", "U_inverse"])
@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_an_impossible_state_is_refused(name: str, value: float, measure: np.ndarray | None) -> None:
    """If an impossible state were loaded, losses would be NaN or wrong, without an error."""
    head = trained(base_measure=measure)
    good = state(head)
    head.load_state_dict(good)
    altered = state(head)
    altered[name].view(-1)[1] += value
    if name == "U_inverse" and value == 3.0:
        pytest.skip("only Q and w̄ are compared with W")
    with pytest.raises(InputError, match="is not finite" if np.isnan(value) else "does not belong to the weights"):
        head.load_state_dict(altered)
    assert_state(head, good)
    outer = torch.nn.Sequential(head)
    with pytest.raises(InputError, match=r"^0\."):
        outer.load_state_dict({f"0.{key}": part for key, part in altered.items()})


def test_a_state_whose_factors_cancel_is_loaded() -> None:
    """w̄ = Wᵀp is small compared with its two terms, from V and from ω, as it is after long training with the Z-loss."""
    outputs, random = 20_000, np.random.default_rng(0)
    head = FactoredOutput(d, outputs, loss="zloss", base_measure=random.random(outputs) + 0.1)
    core = head._engine.output.core
    left, right = (np.linalg.qr(random.standard_normal((d, d)))[0] for _ in range(2))
    U = left @ np.diag(np.geomspace(1e-2, 1e2, d)) @ right
    omega, W = np.full(d, 15.0), 0.1 * core.p[:, None] * random.standard_normal((outputs, d))
    core.V[...] = (W - np.outer(core.p, omega)) @ np.linalg.inv(U)
    W = core.V.astype(np.float64) @ U + np.outer(core.p, omega)
    core.factors = Factors(U, np.linalg.inv(U), omega, W.T @ W, core.p @ W)
    head._link()
    other = FactoredOutput(d, outputs, loss="zloss", base_measure=np.ones(outputs))
    other.load_state_dict(head.state_dict())
    torch.testing.assert_close(other.weights(), head.weights())


def test_a_state_without_row_squares_is_refused() -> None:
    old = {name: part for name, part in layer().state_dict().items() if name != "row_squares"}
    with pytest.raises(RuntimeError, match=r"Missing key.*row_squares"):
        layer().load_state_dict(old)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("taylor", r"^0\.loss_text: the state has the loss zloss\(a=1.0, b=5.0\), but this layer has taylor\(\)"),
        ("zloss", r"the state has the loss zloss\(a=1.0, b=5.0\), but this layer has zloss\(a=1.0, b=7.0\)"),
    ],
)
def test_a_state_of_another_loss_is_refused(loss: str, message: str) -> None:
    """Otherwise, training would go on with a loss for which the weights were not trained, without a word."""
    saved = torch.nn.Sequential(layer(loss=ZLoss(b=5.0))).state_dict()
    other = torch.nn.Sequential(layer(loss=loss))
    before = other[0].weights()
    with pytest.raises(InputError, match=message):
        other.load_state_dict(saved)
    torch.testing.assert_close(other[0].weights(), before, rtol=0, atol=0)
    torch.nn.Sequential(layer(loss=ZLoss(b=5))).load_state_dict(saved)


def test_a_state_without_a_loss_is_read() -> None:
    """States of earlier versions do not name their loss."""
    head, other = trained(), layer()
    old = {name: part for name, part in head.state_dict().items() if name != "loss_text"}
    assert "All keys matched" in str(other.load_state_dict(old))
    torch.testing.assert_close(other.weights(), head.weights(), rtol=0, atol=0)
    assert other.state_dict().keys() == head.state_dict().keys()

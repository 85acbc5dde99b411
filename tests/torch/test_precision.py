"""The PyTorch layers with half precision, gradient scalers and casts."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from support.torch_layers import KINDS, D, assert_state, d, m, minibatch, state

from wordsparse.errors import InputError
from wordsparse.torch import FactoredOutput, SampledOutput


@pytest.mark.parametrize("make", KINDS)
def test_a_scaled_loss_is_refused_or_trained_on_without_the_scale(make: Any) -> None:
    h, Y = minibatch()
    start, expected = make(), make()
    expected(h, Y).backward()
    plain, h.grad = h.grad, None
    with pytest.raises(InputError, match=r"multiplied by 65536: .* layer.grad_scaler = scaler"):
        (start(h, Y) * 2.0**16).backward()
    h.grad = None
    start.grad_scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    (start(h, Y) * 2.0**16).backward()
    torch.testing.assert_close(h.grad, plain * 2.0**16)
    torch.testing.assert_close(start.weights(), expected.weights(), rtol=1e-12, atol=1e-12)
    before = start.weights()
    (start(h, Y) * float("inf")).backward()
    assert h.grad.isnan().all(), "so that the scaler skips the step"
    torch.testing.assert_close(start.weights(), before, rtol=0, atol=0)
    start.grad_scaler, start.fused_optimizer.param_groups[0]["lr"] = False, 1e-9
    (start(h, Y) * 1000).backward()


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("place", ["input", "weight", "loss", "row"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_changes_nothing(value: float, place: str, fused: bool, make: Any) -> None:
    """Previously, a pass took a step with its finite gradients, though a gradient scaler skips the step of the others.
    Then the layer trains on as if the pass had never been."""
    (head, other), (h, Y) = (make(fused=fused, reduction="none") for _ in range(2)), minibatch()
    head.grad_scaler = torch.amp.GradScaler("cpu", init_scale=1.0)
    before, factors = state(head), torch.ones(m + 1, dtype=torch.float64)
    numbers = {"input": h.data, "weight": torch.from_numpy(Y.data), "loss": factors[:m], "row": factors[m:]}
    numbers[place].view(-1)[-1] = value
    with pytest.raises(InputError, match="remove or replace it") if place in ("input", "weight") else nullcontext():
        ((head(h, Y) * factors[:m]).sum() + (head.embed(torch.tensor([1])) * factors[m]).sum()).backward()
    head.apply_()
    assert_state(head, before)
    assert place != "loss" or h.grad.isnan().all()
    for each in (head, other):
        each(*minibatch()).sum().backward()
        each.apply_()
    assert_state(head, state(other))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", [FactoredOutput, SampledOutput])
def test_a_network_under_a_real_scaler_trains_as_without_one(kind: type, dtype: torch.dtype) -> None:
    found, options = [], {"loss": "bounded-ns"} if kind is FactoredOutput else {}
    for scaled in (False, True):
        torch.manual_seed(0)
        body, head = torch.nn.Linear(6, d), kind(d, D, lr=0.01, **options)
        optimizer, scaler = torch.optim.SGD(body.parameters(), lr=0.1), torch.amp.GradScaler("cpu", enabled=scaled)
        head.grad_scaler = scaler
        for _ in range(5):
            with torch.autocast("cpu", dtype=dtype, enabled=scaled):
                loss = head(body(torch.randn(m, 6)), torch.randint(D, (m,)))
            assert loss.dtype == torch.float32
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.step(head.fused_optimizer)
            scaler.update()
        found.append((body.weight.detach(), head.weights()))
    for plain, under_scaler in zip(*found, strict=True):
        torch.testing.assert_close(under_scaler, plain, rtol=1e-2, atol=1e-3)


def test_the_precision_of_the_state_is_its_own() -> None:
    h, Y = minibatch()
    net = torch.nn.Sequential(torch.nn.Linear(d, d), FactoredOutput(d, D, loss="bounded-ns", lr=0.3))
    net[1](net[0](h.float()), Y).backward()
    W = net[1].weights()
    for cast, dtype in ((net.half, torch.float16), (net.double, torch.float64)):
        cast()
        assert net[1].dtype == torch.float32
        torch.testing.assert_close(net[1].weights(), W, rtol=0, atol=0)
        assert net[1](net[0](h.to(dtype)), Y).dtype == torch.float32
    net[1](net[0](h), Y).backward()
    net.to("cpu")
    with pytest.raises(InputError, match="make it on cpu or cuda"):
        net[1].to("meta")
    with pytest.raises(InputError, match="do not share it"):
        net[1].share_memory()

"""A backward pass takes one step, whatever it contains: calls in any order, checkpoints, accumulation, threads."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from support.torch_layers import COUNTS, KINDS, D, assert_state, d, dense_losses, layer, m, minibatch, sampled, state
from torch.utils.checkpoint import checkpoint

from wordsparse.errors import InputError, TrainingError
from wordsparse.torch import passes

IDS, TARGETS = torch.tensor([1, 2, -100, 2, 6]), torch.tensor([4, 3, 3, 6, 2])


class Dense(torch.nn.Module):
    """A dense output layer in PyTorch with the same weights and steps of SGD."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.W = torch.nn.Parameter(head.weights())

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return torch.where((ids >= 0)[:, None], self.W[ids.clamp(min=0), :d], 0)

    def forward(self, h: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        h = torch.nn.functional.pad(h, (0, self.W.shape[1] - d), value=1.0)  # a bias is a constant input
        return dense_losses("taylor", h @ self.W.T, torch.nn.functional.one_hot(targets, D).double()).mean()

    def step(self) -> None:
        self.W.data -= 2.0 * self.W.grad


class DenseSampled(Dense):
    """In-batch cross-entropy, computed from all D outputs, with steps of Adagrad."""

    def __init__(self, head: Any) -> None:
        super().__init__(head)
        self.W = torch.nn.Parameter(head.weights()[:, :d].clone())
        self.squares, self.counts = torch.zeros(D), torch.from_numpy(COUNTS).double()

    def forward(self, h: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        Q = (self.counts + 0.1) / (self.counts + 0.1).sum()
        log_P = (1 - (1 - Q) ** len(targets)).log()
        is_target = torch.zeros(D, dtype=torch.bool).index_fill(0, targets, True)
        o = h @ self.W.T + Q.log()
        own = o.gather(1, targets[:, None])[:, 0]
        return (torch.where(is_target, o - log_P, -torch.inf).logsumexp(1) - own).mean()

    def step(self) -> None:
        squares = self.squares.double() + self.W.grad.square().mean(1)
        rate = torch.where(squares > 0, 0.3 / squares.sqrt(), 0) * (1 + 2 / self.counts.clamp(min=1).sqrt())
        self.W.data -= rate[:, None] * self.W.grad
        self.squares = squares.float()


def again(function: Callable[..., torch.Tensor], *inputs: torch.Tensor, reentrant: bool = False) -> torch.Tensor:
    """Call the function through a checkpoint, which calls the function again in the backward pass."""
    result: torch.Tensor = checkpoint(function, *inputs, use_reentrant=reentrant)
    return result


def tied(head: Any, body: Any) -> torch.Tensor:
    return head(body(head.embed(IDS)), TARGETS)


def rows_after_the_head(head: Any, body: Any) -> torch.Tensor:
    return tied(head, body) + head.embed(torch.tensor([7, 1])).square().sum()


def rows_alone(head: Any, body: Any) -> torch.Tensor:
    return body(head.embed(IDS)).square().sum()


def two_losses(head: Any, body: Any) -> torch.Tensor:
    h = body(head.embed(IDS))
    return head(h, TARGETS) + 0.5 * head(2 * h[:3], TARGETS[2:])


def body_again(head: Any, body: Any) -> torch.Tensor:
    return head(again(lambda ids: body(head.embed(ids)), IDS), TARGETS)


def rows_again(head: Any, body: Any) -> torch.Tensor:
    return head(body(again(head.embed, IDS)), TARGETS) + again(head.embed, IDS[:1]).square().sum()


def head_again(head: Any, body: Any) -> torch.Tensor:
    return again(head, body(head.embed(IDS)), TARGETS) + tied(head, body)


def all_again(head: Any, body: Any) -> torch.Tensor:
    inside = lambda ids: again(lambda ids: head(body(head.embed(ids)), TARGETS), ids) + head(head.embed(ids), TARGETS)  # noqa: E731
    return again(inside, IDS) + tied(head, body)


PROGRAMS = [tied, rows_after_the_head, rows_alone, two_losses, body_again, rows_again, head_again, all_again]


@pytest.mark.parametrize("kind", ["exact", "bias", "sampled"])
@pytest.mark.parametrize("accumulated", [0, 2])
@pytest.mark.parametrize("program", PROGRAMS)
def test_any_order_of_calls_and_checkpoints_trains_as_a_dense_table_does(
    program: Any, accumulated: int, kind: str
) -> None:
    """A large rate makes every step change the weights visibly."""
    torch.manual_seed(0)
    start = torch.randn(D, d + (kind == "bias"), dtype=torch.float64)
    options = {"weights": start, "fused": not accumulated}
    if kind == "sampled":
        head, dense = sampled(**options), DenseSampled(sampled(**options))
    else:
        head = layer(loss="taylor", lr=2.0, bias=kind == "bias", **options)
        dense = Dense(head)
    body = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.Tanh()).double()
    for _ in range(3):
        gradients = []
        for net in (head, dense):
            body.zero_grad()
            dense.zero_grad()
            for _ in range(max(1, accumulated)):
                program(net, body).backward()
            gradients.append(body[0].weight.grad)
        if accumulated:
            head.apply_()
        dense.step()
        torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(head.weights()[:, : dense.W.shape[1]], dense.W.data, rtol=1e-9, atol=1e-11)
    assert (dense.W.data - start).norm() > 0.1
    before = head.weights()
    program(head, body).backward()
    if accumulated:
        head.discard_()
        head.apply_()
        torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    head.load_state_dict(state(head))  # Q and w̄ match W


@pytest.mark.parametrize("what", ["rows", "body"])
def test_a_reentrant_checkpoint_is_refused_before_anything_moves(what: str) -> None:
    """A reentrant checkpoint would take a step in its inner pass, before the outer pass is complete."""
    head, body = layer(lr=2.0), torch.nn.Linear(d, d).double()
    before, x = head.weights(), torch.ones(len(IDS), d, dtype=torch.float64, requires_grad=True)
    if what == "rows":
        loss = head(again(lambda x: body(head.embed(IDS) * x), x, reentrant=True), TARGETS)
    else:
        loss = again(lambda x: head(body(x), TARGETS), x, reentrant=True)
    with pytest.raises(InputError, match=r"reentrant checkpoint.*use_reentrant=False"):
        loss.backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)


def test_compiled_autograd_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled autograd runs no callback at the end of a pass, so no step would be taken."""
    head = layer()
    monkeypatch.setattr("torch._dynamo.compiled_autograd.in_compiled_autograd_region", True)
    with pytest.raises(InputError, match="compiled autograd"):
        head(*minibatch()).backward()


def test_a_pass_that_fails_leaves_nothing() -> None:
    def fail(gradient: torch.Tensor) -> None:
        raise ValueError("in the body")

    head, alone, body = layer(), layer(), torch.nn.Linear(d, d).double()
    before, x = head.weights(), body(head.embed(IDS))
    x.register_hook(fail)
    with pytest.raises(ValueError, match="in the body"):
        head(x, TARGETS).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    assert not passes._passes
    for net in (head, alone):
        tied(net, body).backward()
    torch.testing.assert_close(head.weights(), alone.weights(), rtol=0, atol=0)
    assert not passes._passes


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("program", [rows_alone, tied, head_again, rows_again])
def test_a_backward_pass_through_changed_weights_is_refused(program: Any, make: Any) -> None:
    """After a step, gradients of embedded rows, or of rows recomputed by a checkpoint, belong to the old weights."""
    head, body = make(), torch.nn.Linear(d, d).double()
    loss = program(head, body)
    loss.backward(retain_graph=True)
    after = head.weights()
    with pytest.raises(InputError, match="weights of the layer have changed"):
        loss.backward()
    first, second = program(head, body), program(head, body)
    torch.testing.assert_close(head.weights(), after, rtol=0, atol=0)
    first.backward()
    with pytest.raises(InputError, match="weights of the layer have changed"):
        second.backward()


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # PyTorch's own, where a graph breaks; it hides it from users
@pytest.mark.parametrize("make", [partial(layer, loss="taylor"), sampled])
def test_a_compiled_network_with_checkpoints_trains_like_the_plain_one(make: Any) -> None:
    """The head runs outside of graphs; torch.compile merges equal calls, but the gradient of each call must count."""
    nets = []
    for compiled in (False, True):
        torch.manual_seed(0)
        head, body = make(), torch.nn.Linear(d, d).double()
        program = lambda head=head, body=body: rows_after_the_head(head, body) + body_again(head, body)  # noqa: E731
        run = torch.compile(program, backend="aot_eager") if compiled else program
        before = state(head)
        torch.autograd.grad(run(), body.weight)
        assert_state(head, before)
        for _ in range(3):
            run().backward()
        nets.append((head.weights(), body.weight.grad))
    for plain, other in zip(*nets, strict=True):
        torch.testing.assert_close(other, plain, rtol=1e-12, atol=1e-12)


# ── threads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_threads_lose_no_squared_gradients() -> None:
    """Threads that share a table take turns, or are refused. Previously, simultaneous writes lost squared gradients:
    the sum was .106 instead of .12."""
    head, taken = layer(lr=None), []

    def work() -> None:
        for _ in range(50):
            loss = (head.embed(torch.tensor([1])) * 0.01).sum()
            try:
                loss.backward()
            except InputError:
                continue
            taken.append(1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: work(), range(4)))
    assert head.row_squares[1].item() == pytest.approx(len(taken) * 1e-4, rel=1e-5)
    assert len(taken) >= 50
    head.load_state_dict(state(head))


def test_the_state_is_that_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previously, Q stayed as it was before the step of another thread that ran while buffers were renewed."""
    head, ids = layer(lr=None), torch.tensor([1])
    parts_of, steps = head._engine.state, list[Future[None]]()
    with ThreadPoolExecutor(1) as pool:

        def parts_during_a_step() -> Any:
            parts = parts_of()
            if not steps:
                steps.append(pool.submit(lambda: head.embed(ids).sum().backward()))
                wait(steps, timeout=0.2)
            return parts

        monkeypatch.setattr(head._engine, "state", parts_during_a_step)
        head.embed(ids).sum().backward()
        steps[0].result()
    head.load_state_dict(state(head))


# ── steps of rows that are refused ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        ({"lr": 1.0, "dtype": torch.float32}, 1e20),
        ({"lr": 1.0}, 1e200),
        ({"lr": None, "dtype": torch.float32}, 2e19),
        ({"lr": None}, 1e200),
    ],
)
@pytest.mark.parametrize("with_head", [False, True])
def test_steps_of_rows_that_would_overflow_are_refused(options: dict[str, Any], factor: float, with_head: bool) -> None:
    """Huge gradients would make W or Q infinite or NaN, or stop a row forever. A refused step changes nothing."""
    head, (h, Y) = layer(**options), minibatch()
    before = state(head)
    loss = head(h, Y) if with_head else torch.zeros(())
    with pytest.raises(TrainingError, match="row"):
        (loss + factor * head.embed(torch.tensor([1, 2])).sum()).backward()
    assert_state(head, before)
    for _ in range(3):
        (head(h, Y) + head.embed(torch.tensor([1])).sum()).backward()
    assert (head.weights([1]) - before["V"][1]).abs().max() > 1e-3


@pytest.mark.parametrize("ids", [torch.tensor(3), torch.tensor([], dtype=torch.long), torch.tensor([[3], [-100]])])
def test_ids_have_any_shape(ids: torch.Tensor) -> None:
    head = layer()
    found = head.embed(ids)
    assert found.shape == (*ids.shape, d)
    found.sum().backward()
    torch.testing.assert_close(found[ids >= 0], layer().weights(ids[ids >= 0]))


# ── a loss without a scale ────────────────────────────────────────────────────────────────────────────────────────────


def test_weights_that_leave_the_band_train_on_as_they_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Z-loss does not depend on the scale of W, so W grows: without rescaling, float32 would overflow."""
    monkeypatch.setattr("wordsparse.layer.core.BAND", 2.0**4)
    start, norm = np.random.default_rng(0).standard_normal((D, d)), torch.nn.LayerNorm(d, eps=1e-30).double()
    heads = [layer(loss="zloss", lr=None, weights=start * scale) for scale in (1.0, 3.9, 1 / 4.5)]
    random = torch.Generator().manual_seed(0)
    for _ in range(60):
        inputs, targets = torch.randint(D, (2, m), generator=random)
        losses = [head(norm(head.embed(inputs)), targets) for head in heads]
        for head, loss in zip(heads, losses, strict=True):
            loss.backward()
            torch.testing.assert_close(loss, losses[0], rtol=1e-6, atol=0)
            assert head.weights().norm() < 1.1 * 2.0**2 * np.sqrt(D * d)
    for head in heads:
        head.load_state_dict(state(head))


def test_a_given_rate_does_not_rescale_the_weights() -> None:
    head = layer(loss="zloss", lr=1e-3, weights=1e7 * np.random.default_rng(0).standard_normal((D, d)))
    before = head.weights()
    tied(head, torch.nn.LayerNorm(d).double()).backward()
    torch.testing.assert_close(head.weights(), before)


def test_a_layer_lives_as_long_as_its_loss() -> None:
    """The graph of a loss keeps the layer alive, so that its backward pass still works."""
    h, Y = minibatch()
    expected, _ = minibatch()
    layer()(expected, Y).backward()
    layer()(h, Y).backward()
    torch.testing.assert_close(h.grad, expected.grad)


def test_a_compiled_network_finds_the_largest_outputs_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    """PyTorch must not try to compile the NumPy code, which would print dozens of failures."""
    h, _ = minibatch()
    head, body = layer().eval(), torch.nn.Linear(d, d).double()
    compiled = torch.compile(lambda h: head.top(body(h), 3).indices, backend="aot_eager")
    with torch.no_grad():
        assert torch.equal(compiled(h), head.top(body(h), 3).indices)
    assert not "".join(capfd.readouterr())

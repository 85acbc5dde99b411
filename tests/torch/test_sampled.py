"""The layer with in-batch cross-entropy, compared with a dense float64 layer in PyTorch."""

import copy
import io
import pickle
import resource
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from support.torch_layers import TINY, D, d, m, minibatch
from torch.utils.checkpoint import checkpoint

from wordsparse.errors import InputError, TrainingError
from wordsparse.torch import FactoredOutput, SampledOutput

COUNTS = np.random.default_rng(5).integers(0, 50, D)


def sampled(**options: Any) -> SampledOutput:
    """Make a small layer in float64 with random weights."""
    weights = np.random.default_rng(0).standard_normal((D, d))
    return SampledOutput(d, D, **{"counts": COUNTS, "lr": 0.3, "weights": weights, **TINY} | options)


class Dense:
    """The same loss and the same steps, computed from all D outputs by PyTorch's own operations."""

    def __init__(self, head: SampledOutput, negatives: int = 0) -> None:
        self.W = head.weights()[:, :-1].clone().requires_grad_()
        self.squares, self.counts = torch.zeros(len(self.W)), head.counts.double().clone()
        self.lr, self.own_counts = 0.3, False
        self.negatives, self.seed, self.steps = negatives, 0, 0

    def losses(self, h: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
        """Return the losses for weights Y (m, D) of the targets."""
        Q = (self.counts + 0.1) / (self.counts + 0.1).sum()
        drawn = np.random.default_rng((self.seed, self.steps)).integers(len(Q), size=self.negatives)
        there = (Y != 0).any(0)
        there[torch.from_numpy(drawn)] = True
        P = 1 - (1 - Q) ** int((Y != 0).sum()) * (1 - 1 / len(Q)) ** self.negatives
        o = h @ self.W.T + Q.log()
        log_Z = torch.logsumexp(torch.where(there, o - P.log(), -torch.inf), 1, keepdim=True)
        return (torch.where(Y != 0, Y * (log_Z - o), 0)).sum(1)

    def step(self, Y: torch.Tensor | None = None) -> None:
        """Take the step of Adagrad with one rate per row."""
        assert self.W.grad is not None
        squares = self.squares.double() + self.W.grad.square().mean(1)
        rate = torch.where(squares > 0, self.lr / squares.sqrt(), 0)
        if not self.own_counts:
            rate *= 1 + 2 / self.counts.clamp(min=1).sqrt()
        self.W.data -= rate[:, None] * self.W.grad
        self.squares = squares.float()
        self.W.grad, self.steps = None, self.steps + 1
        if Y is not None and self.own_counts:
            self.counts += (Y != 0).sum(0)


def dense_targets(target: Any) -> torch.Tensor:
    """Return weights (m, D) of targets: a SciPy matrix, or padded ids."""
    if sp.issparse(target):
        return torch.from_numpy(target.toarray())
    columns = target if target.ndim == 2 else target[:, None]
    Y = torch.zeros((len(columns), D), dtype=torch.float64)
    for row, ids in enumerate(columns.tolist()):
        for i in ids:
            if i >= 0:
                Y[row, i] = 1
    return Y


TARGETS = {
    "ids": torch.tensor([3, 1, 4, 1, 5, 1, 39]),
    "padded": torch.tensor([[3, 1], [4, -100], [-100, -100], [1, 5], [9, 2], [6, -100], [5, 3]]),
    "ignored": torch.tensor([3, -100, 3, -100, -100, 4, 1]),
    "one class": torch.full((m,), 7),
    "nothing": torch.full((m,), -100),
}


@pytest.mark.parametrize("negatives", [0, 6])
@pytest.mark.parametrize("counts", [COUNTS, None])
@pytest.mark.parametrize("kind", [*TARGETS, "weights"])
def test_losses_gradients_and_row_steps_are_those_of_a_dense_layer(kind: str, counts: Any, negatives: int) -> None:
    target = minibatch()[1] if kind == "weights" else TARGETS[kind]
    head = sampled(counts=counts, negatives=negatives, reduction="sum")
    dense, Y = Dense(head, negatives), dense_targets(target)
    dense.own_counts = counts is None
    for step in range(4):
        h = minibatch(step)[0]
        other = h.detach().clone().requires_grad_()
        found, expected = head(h, target), dense.losses(other, Y).sum()
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
        found.backward()
        expected.backward()
        dense.step(Y)
        torch.testing.assert_close(h.grad, other.grad, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(head.weights()[:, :-1], dense.W.data, rtol=1e-9, atol=1e-11)
    moved = (head.weights()[:, :-1] - sampled().weights()[:, :-1]).abs().sum(1) > 0
    assert not moved[(Y == 0).all(0)].any() or negatives


def test_a_single_step_is_exact() -> None:
    """The first step of a row has the root mean square lr, multiplied by 1 + 2/√count, whatever the factor and the
    reduction of the loss."""
    h, target = minibatch()[0], TARGETS["ids"]
    expected = 0.3 * (1 + 2 / np.sqrt(np.maximum(COUNTS, 1)))
    moves = []
    for reduction, factor in (("mean", 1.0), ("sum", 1.0), ("mean", 30.0)):
        head = sampled(reduction=reduction)
        before = head.weights()
        (factor * head(h, target)).backward()
        moves.append((head.weights() - before)[:, :-1])
    torch.testing.assert_close(moves[1], moves[0], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(moves[2], moves[0], rtol=1e-6, atol=1e-9)
    sizes = moves[0].square().mean(1).sqrt()
    torch.testing.assert_close(sizes[target], torch.from_numpy(expected)[target], rtol=1e-6, atol=0)
    assert (sizes > 0).sum() == len(target.unique())


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


def test_outputs_that_differ_by_thousands() -> None:
    head = sampled(reduction="sum")
    dense, h = Dense(head), 1000 * minibatch()[0].detach()
    other = h.clone().requires_grad_()
    found, expected = head(h.requires_grad_(), TARGETS["ids"]), dense.losses(other, dense_targets(TARGETS["ids"])).sum()
    found.backward()
    expected.backward()
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(h.grad, other.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 300])
def test_minibatches_of_any_size(size: int, dtype: torch.dtype) -> None:
    head, random = SampledOutput(d, 1000, dtype=dtype), torch.Generator().manual_seed(0)
    h, ids = torch.randn(size, d, generator=random), torch.randint(1000, (size,), generator=random)
    (loss := head(h.requires_grad_(), ids)).backward()
    assert loss.dtype == dtype
    assert torch.isfinite(loss)
    assert torch.isfinite(h.grad).all()
    assert head(torch.zeros(0, d), torch.zeros(0, dtype=torch.long)) == 0


def test_one_class_has_no_loss() -> None:
    head = SampledOutput(d, 1)
    h = torch.ones(m, d, requires_grad=True)
    loss = head(h, torch.zeros(m, dtype=torch.long))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert not h.grad.abs().max() > 1e-6


def test_the_loss_estimates_the_full_cross_entropy() -> None:
    """The mean over minibatches of exp(−loss)'s inverse, the estimate of the normaliser, is the full normaliser."""
    outputs, size = 60, 20
    counts = np.arange(1, outputs + 1)
    head = SampledOutput(d, outputs, counts=counts, reduction="none", **TINY).eval()
    linear, random = head.to_linear(), np.random.default_rng(0)
    h = torch.from_numpy(np.tile(random.standard_normal(d), (size, 1)))
    Q = (counts + 0.1) / (counts + 0.1).sum()
    Z = []
    for _ in range(2000):
        ids = torch.from_numpy(random.choice(outputs, size, p=Q))
        Z.append((head(h, ids) + linear(h)[torch.arange(size), ids]).exp()[0].item())
    expected = torch.logsumexp(linear(h[0]), 0).exp().item()
    assert np.mean(Z) == pytest.approx(expected, rel=4 * np.std(Z) / np.sqrt(len(Z)) / expected)


# ── passes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tied_rows_checkpoints_and_accumulation_train_as_a_dense_layer_does() -> None:
    ids, target = torch.tensor([1, 2, -100, 2, 6, 4, 4]), TARGETS["ids"]
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.Tanh()).double()
    for fused in (True, False):
        head = sampled(fused=fused)
        dense, Y = Dense(head), dense_targets(target)
        run = lambda ids, head=head: checkpoint(lambda x: head(body(head.embed(x)), target), ids, use_reentrant=False)  # noqa: E731
        for _ in range(3):
            for _ in range(1 if fused else 2):
                (run(ids) + head.embed(ids).square().sum()).backward()
                rows = torch.where((ids >= 0)[:, None], dense.W[ids.clamp(min=0)], 0)
                (dense.losses(body(rows), Y).mean() + rows.square().sum()).backward()
            if not fused:
                head.apply_()
            dense.step()
            torch.testing.assert_close(head.weights()[:, :-1], dense.W.data, rtol=1e-9, atol=1e-11)


def test_a_compiled_network_trains_like_the_plain_one() -> None:
    nets = []
    for compiled in (False, True):
        torch.manual_seed(0)
        head, body = sampled(), torch.nn.Linear(d, d).double()
        program = lambda h, head=head, body=body: head(body(h), TARGETS["ids"]) + head.embed(TARGETS["ids"]).sum()  # noqa: E731
        run = torch.compile(program, backend="aot_eager") if compiled else program
        for step in range(3):
            run(minibatch(step)[0]).backward()
        nets.append((head.weights(), body.weight.grad))
    for plain, other in zip(*nets, strict=True):
        torch.testing.assert_close(other, plain, rtol=1e-12, atol=1e-12)


def test_half_precision_and_scalers() -> None:
    h, _ = minibatch()
    plain, scaled = (SampledOutput(d, D, counts=COUNTS) for _ in range(2))
    plain(h.float().bfloat16(), TARGETS["ids"]).backward()
    with pytest.raises(InputError, match=r"multiplied by 65536: .* layer.grad_scaler = scaler"):
        (scaled(h, TARGETS["ids"]) * 2.0**16).backward()
    scaled.grad_scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    (scaled(h.float().bfloat16(), TARGETS["ids"]) * 2.0**16).backward()
    torch.testing.assert_close(scaled.weights(), plain.weights())
    assert plain.half().dtype == torch.float32
    with pytest.raises(InputError, match=r"multiplied by 0\.25, .* use fused=False"):
        (plain(h, TARGETS["ids"]) / 4).backward()


def test_without_training_nothing_is_learnt() -> None:
    h, _ = minibatch()
    head = sampled(counts=None)
    before = {name: part.clone() for name, part in head.state_dict().items()}
    with torch.no_grad():
        assert not head(h, TARGETS["ids"]).requires_grad
    torch.autograd.grad(head(h, TARGETS["ids"]), h)
    head.eval()(h, TARGETS["ids"]).backward()
    for name, part in head.state_dict().items():
        torch.testing.assert_close(part, before[name], rtol=0, atol=0)


# ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rows", [1, m])
def test_outputs_largest_and_probabilities_are_those_of_a_linear_layer(rows: int) -> None:
    h = minibatch()[0][:rows]
    head = sampled()
    head(minibatch()[0], TARGETS["ids"]).backward()
    o = head.to_linear()(h).detach()
    Q = torch.from_numpy((COUNTS + 0.1) / (COUNTS + 0.1).sum())
    torch.testing.assert_close(o, h.detach() @ head.weights()[:, :-1].T + Q.log())
    torch.testing.assert_close(head.outputs(h, torch.tensor([3, 1])), o[:, [3, 1]])
    top, expected = head.top(h, 4), o.topk(4)
    torch.testing.assert_close(top.values, expected.values)
    assert torch.equal(top.indices, expected.indices)
    torch.testing.assert_close(head.log_prob(h, top.indices), o.log_softmax(1).gather(1, top.indices))
    torch.testing.assert_close(head.weights([5, 0]), head.weights()[[5, 0]])
    assert "negatives=0" in repr(head)


def test_probabilities_of_many_classes() -> None:
    """The normaliser is computed block by block."""
    head, h = SampledOutput(d, 10_000, **TINY), minibatch()[0]
    ids = torch.tensor([[0, 4095, 4096, 9999]]).expand(m, 4)
    expected = head.to_linear()(h).detach().log_softmax(1).gather(1, ids)
    torch.testing.assert_close(head.log_prob(h, ids), expected)


# ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def loaded(head: SampledOutput, **options: Any) -> SampledOutput:
    file = io.BytesIO()
    torch.save(head.state_dict(), file)
    file.seek(0)
    other = sampled(counts=None, weights=np.zeros((D, d)), negatives=3)
    other.load_state_dict(torch.load(file, weights_only=True), **options)
    return other


@pytest.mark.parametrize(
    "copied",
    [loaded, lambda head: loaded(head, assign=True), copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))],
)
def test_copies_train_on_to_the_same_bytes_and_apart(copied: Callable[[SampledOutput], SampledOutput]) -> None:
    head = sampled(counts=None, negatives=3)
    for step in range(3):
        head(minibatch(step)[0], TARGETS["ids"]).backward()
    other = copied(head)
    before = head.weights()
    for step in range(3):
        other(minibatch(step)[0], TARGETS["padded"]).backward()
    assert torch.equal(head.weights(), before)
    for step in range(3):
        head(minibatch(step)[0], TARGETS["padded"]).backward()
    for name, part in head.state_dict().items():
        assert torch.equal(other.state_dict()[name], part), name
    assert not list(head.parameters())


def test_states_that_cannot_be_are_refused() -> None:
    head = sampled()
    good = {name: part.clone() for name, part in head.state_dict().items()}
    for name, value, message in (("W", np.nan, "not finite"), ("counts", -1.0, "counts holds a negative number")):
        with pytest.raises(InputError, match=message):
            head.load_state_dict(good | {name: torch.full_like(good[name], value)})
    loss = head(minibatch()[0], TARGETS["ids"])
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
        ({"num_sampled": 5}, r"did you mean negatives\?"),
        ({"counts": np.ones(D + 1)}, r"counts must have shape \(40,\), not \(41,\)"),
        ({"counts": -np.ones(D)}, "counts must hold finite numbers of at least 0 only"),
        ({"counts": np.full(D, 1e308)}, "their sum must be finite"),
        ({"negatives": -1}, "negatives must be at least 0, not -1"),
        ({"lr": -1}, "lr must be a finite number of at least 0"),
        ({"weights": np.ones((D + 1, d))}, r"weights must have shape \(40, 5\), not \(41, 5\)"),
        ({"reduction": "median"}, "reduction must be one of mean, sum, none"),
        ({"dtype": torch.float16}, "dtype must be torch.float32 or torch.float64"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampled(**options)


@pytest.mark.parametrize(
    ("h", "target", "message"),
    [
        (
            torch.ones(m, d),
            torch.full((m,), D),
            "Y has a target out of range: 40 in row 0, but targets go from 0 to 39",
        ),
        (torch.ones(m, d), torch.full((m,), -1), "give ignore_index=-1"),
        (torch.ones(m, d), None, r"head\(h, target\) gives losses"),
        (torch.ones(m, d), [1] * m, "not list"),
        (torch.ones(m, d + 1), torch.zeros(m), r"input must be a tensor of shape \(any, 5\), not \(7, 6\)"),
        (
            torch.ones(m, d),
            (torch.arange(3), torch.arange(3), torch.tensor([1, torch.nan, 1])),
            "Y holds the weight nan",
        ),
        (torch.full((m, d), torch.inf), TARGETS["ids"], "H holds a value that is not a finite float64 number"),
    ],
)
def test_arguments_that_cannot_be_are_refused(h: torch.Tensor, target: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampled()(h, target)


def test_passes_that_would_be_wrong_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    h, target = minibatch()[0], TARGETS["ids"]
    head = sampled()
    loss = head(h, target)
    loss.backward(retain_graph=True)
    with pytest.raises(InputError, match="weights of the layer have changed"):
        loss.backward()
    with pytest.raises(InputError, match=r"put head.to_linear\(\) in its place"):
        torch.export.export(head, (h, target))
    before = head.weights()
    head.grad_scaler = False
    with pytest.raises(TrainingError, match=r"gradient of row .* too large"):
        (1e200 * head(h, target)).backward()
    head.set_learning_rate(1e308)
    with pytest.raises(TrainingError, match="could give infinite weights: lower the rate"):
        (head(1e10 * h, target) * 1e5).backward()
    assert torch.equal(head.weights(), before)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(InputError, match="trains in one process"):
        head(h, target)


def test_a_weight_decay_set_by_hand_is_refused() -> None:
    """The layer would silently ignore this setting."""
    head = sampled()
    before = head.weights()
    head.fused_optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(InputError, match=r"weight_decay must be 0, not 0\.1: only rows"):
        head(minibatch()[0], TARGETS["ids"]).backward()
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
    engine, table = SampledEngine(W, None, 2, 0, 1), random.standard_normal((kinds, 8)).astype(np.float32)
    rows, ones = np.arange(4), np.ones(4, np.float32)
    for _ in range(100_000):
        ids, collected = random.integers(0, kinds, 4), Gradients()
        forward = engine.forward(engine.minibatch(table[ids], rows, (7 * ids + 3) % kinds, ones))
        engine.gradient(forward, np.full(4, 0.25), forward.version, collected)
        engine.apply(collected, StepOptions(0.1))
    assert np.isfinite(engine.W).all()
    assert engine.total == engine.counts.sum(dtype=np.float64) == 400_000
    assert np.array_equal(engine.top(table, 1)[0][:, 0], (7 * np.arange(kinds) + 3) % kinds)

"""The output layer as a PyTorch module, beside the same network with a dense output layer."""

import copy
import importlib
import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

torch = pytest.importorskip("torch.nn", reason="PyTorch is not installed") and pytest.importorskip("torch")

from wordsparse import optional  # noqa: E402
from wordsparse.errors import InputError, MissingDependencyError, TrainingError  # noqa: E402
from wordsparse.torch import FactoredOutput  # noqa: E402

D, d, m = 40, 5, 7
TINY = {"dtype": torch.float64, "threads": 1}


def layer(**options: Any) -> FactoredOutput:
    """A small layer in float64 with random weights."""
    random = np.random.default_rng(0)
    columns = d + options.get("bias", False)
    return FactoredOutput(d, D, **{"lr": 0.3, "weights": random.standard_normal((D, columns)), **TINY, **options})


def minibatch(seed: int = 1) -> tuple[torch.Tensor, sp.csr_array]:
    """Inputs that need gradients, targets with weights; one example has none."""
    random = np.random.default_rng(seed)
    Y = sp.random_array((m, D), density=0.08, rng=random, format="csr") + sp.csr_array(np.eye(m, D))
    Y = sp.csr_array(sp.diags_array([0.0] + [1.0] * (m - 1)) @ Y)
    Y.eliminate_zeros()
    Y.sort_indices()
    return torch.tensor(random.standard_normal((m, d)), requires_grad=True), Y


def dense_losses(name: str, o: torch.Tensor, Y: torch.Tensor, k: float = 5.0) -> torch.Tensor:
    """The losses from all outputs (m, D), written with PyTorch's own operations."""
    q, s = (o * o).sum(1, keepdim=True), o.sum(1, keepdim=True)
    if name == "squared":
        return ((o - Y) ** 2).sum(1)
    if name == "taylor":
        return (Y * (torch.log(D + s + q / 2) - torch.log(1 + o + o * o / 2))).sum(1)
    if name == "spherical":
        return (Y * (torch.log(q + D * 0.3) - torch.log(o * o + 0.3))).sum(1)
    assert name == "bounded-ns"
    negative = k * (np.log(2) + s / (2 * D) + q / (8 * D))
    return (Y * (torch.nn.functional.softplus(-o) + negative)).sum(1)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss", ["squared", "taylor", "spherical", "bounded-ns"])
def test_a_network_trains_step_for_step_like_one_with_a_dense_output_layer(loss: str, bias: bool) -> None:
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, d)).double()
    dense = torch.nn.Linear(d, D, bias=bias).double()
    start = torch.cat([dense.weight, dense.bias[:, None]], 1) if bias else dense.weight
    head = FactoredOutput(d, D, loss=loss, lr=0.05, weight_decay=0.01, bias=bias, weights=start, **TINY)
    ours, theirs = torch.nn.Sequential(body, head)[0], copy.deepcopy(body)
    mine = torch.optim.SGD(ours.parameters(), lr=0.05, momentum=0.9)
    other = torch.optim.SGD([{"params": theirs.parameters(), "momentum": 0.9}, {"params": dense.parameters()}], lr=0.05)
    other.param_groups[1]["weight_decay"] = 0.01
    for step in range(12):
        x, Y = torch.randn(m, 6, dtype=torch.float64), minibatch(step)[1]
        found = head(ours(x), Y)
        expected = dense_losses(loss, dense(theirs(x)), torch.tensor(Y.toarray())).mean()
        assert found.item() == pytest.approx(expected.item(), rel=1e-10)
        for optimizer, value in ((mine, found), (other, expected)):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        head.fused_optimizer.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(head.weights()[:, :d], dense.weight.data, rtol=1e-9, atol=1e-11)
    if bias:
        torch.testing.assert_close(head.weights()[:, d], dense.bias.data, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_every_form_of_targets_gives_the_same_losses(reduction: str) -> None:
    head = layer(reduction=reduction).eval()
    h, Y = minibatch()
    expected = dense_losses("bounded-ns", h @ head.weights().T, torch.tensor(Y.toarray()))
    expected = getattr(expected, reduction)() if reduction != "none" else expected
    rows = np.repeat(np.arange(m), np.diff(Y.indptr))
    csr = torch.sparse_csr_tensor(
        *map(torch.tensor, (Y.indptr, Y.indices, Y.data)), size=Y.shape, check_invariants=True
    )
    order = np.random.default_rng(3).permutation(rows.size)
    triple = (rows[order], torch.tensor(Y.indices[order]), Y.data[order])
    for target in (Y, Y.tocoo(), csr, triple):
        torch.testing.assert_close(head(h, target), expected, rtol=1e-12, atol=1e-12)
    ids = torch.arange(m)
    ones = (ids, ids, None)
    torch.testing.assert_close(head(h, ids), head(h, ones))


def test_upstream_weights_reach_the_gradient_and_the_step() -> None:
    h, Y = minibatch()
    head = layer(reduction="none")
    W = head.weights().requires_grad_()
    g = torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0, 3.0, 0.25], dtype=torch.float64)
    other = h.detach().clone().requires_grad_()
    (dense_losses("bounded-ns", other @ W.T, torch.tensor(Y.toarray())) * g).sum().backward()
    (head(h, Y) * g).sum().backward()
    torch.testing.assert_close(h.grad, other.grad, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(head.weights(), W.detach() - 0.3 * W.grad, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("route", ["few targets", "many targets"])
@pytest.mark.parametrize("loss", ["squared", "taylor", "bounded-ns"])
def test_clipping_is_by_the_norm_of_the_dense_gradient(loss: str, route: str) -> None:
    h, Y = minibatch()
    Y = Y if route == "many targets" else sp.csr_array(np.ones((m, 1)) @ sp.csr_array(np.eye(1, D)))
    head = layer(loss=loss, max_norm=0.2, weight_decay=0.1)
    W = head.weights().requires_grad_()
    dense_losses(loss, h.detach() @ W.T, torch.tensor(Y.toarray())).mean().backward()
    assert W.grad.norm() > 0.2
    expected = W.detach() - 0.3 * (W.grad * 0.2 / W.grad.norm() + 0.1 * W.detach())
    head(h, Y).backward()
    torch.testing.assert_close(head.weights(), expected, rtol=1e-10, atol=1e-11)


def test_without_training_mode_or_gradients_nothing_is_learnt() -> None:
    h, Y = minibatch()
    head = layer()
    before = head.weights()
    with torch.no_grad():
        assert not head(h, Y).requires_grad
    head.eval()
    head(h, Y).backward()
    assert h.grad.abs().sum() > 0
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)


def test_it_trains_on_inputs_that_need_no_gradient() -> None:
    h, Y = minibatch()
    head = layer()
    first = head(h.detach(), Y)
    first.backward()
    assert head(h.detach(), Y) < first


# ── the optimizer ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_schedulers_move_the_learning_rate() -> None:
    h, Y = minibatch()
    head = layer(lr=0.4)
    schedule = torch.optim.lr_scheduler.StepLR(head.fused_optimizer, step_size=1, gamma=0.5)
    changes = []
    start = head.weights()
    for _ in range(2):
        head.set_weights(start)
        head(h, Y).backward()
        head.fused_optimizer.step()
        schedule.step()
        changes.append(head.weights() - start)
    torch.testing.assert_close(changes[1], changes[0] / 2, rtol=1e-9, atol=1e-12)
    head.set_learning_rate(0)
    head.set_weights(start)
    head(h, Y).backward()
    torch.testing.assert_close(head.weights(), start)
    assert head.fused_optimizer.step(lambda: 3) == 3
    with pytest.raises(InputError, match="lr must be a finite number, not nan"):
        head.set_learning_rate(float("nan"))


@pytest.mark.parametrize("passes", [1, 3])
def test_unfused_gradients_accumulate_until_they_are_applied(passes: int) -> None:
    head = layer(fused=False, max_norm=0.5)
    before, W = head.weights(), head.weights().requires_grad_()
    for i in range(passes):
        h, Y = minibatch(i)
        (dense_losses("bounded-ns", h.detach() @ W.T, torch.tensor(Y.toarray())).mean() / passes).backward()
        loss = head(h, Y) / passes
        loss.backward(retain_graph=True)
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    head.apply_()
    clip = min(1.0, 0.5 / float(W.grad.norm()))
    torch.testing.assert_close(head.weights(), before - 0.3 * clip * W.grad, rtol=1e-11, atol=1e-12)
    after = head.weights()
    head.apply_()
    with pytest.raises(InputError, match="weights of FactoredOutput have changed"):
        loss.backward()
    h, Y = minibatch()
    head(h, Y).backward()
    head.discard_()
    head.apply_()
    torch.testing.assert_close(head.weights(), after, rtol=0, atol=0)


# ── what would be wrong without a word ────────────────────────────────────────────────────────────────────────────────


def test_a_second_backward_pass_is_refused() -> None:
    h, Y = minibatch()
    head = layer()
    loss = head(h, Y)
    loss.backward(retain_graph=True)
    with pytest.raises(InputError, match=r"a second backward pass .* need fused=False"):
        loss.backward()


def test_two_forward_passes_before_a_backward_pass_are_refused() -> None:
    h, Y = minibatch()
    head = layer()
    loss = head(h, Y) + head(h, Y)
    with pytest.raises(InputError, match="two forward passes before a backward pass"):
        loss.backward()
    unfused = layer(fused=False)
    (unfused(h, Y) + unfused(h, Y)).backward()


def test_accumulation_in_a_loop_with_the_optimizer_is_refused() -> None:
    h, Y = minibatch()
    head = layer()
    head(h, Y).backward()
    head.fused_optimizer.step()
    head(h, Y).backward()
    with pytest.raises(InputError, match="two backward passes without a step between them"):
        head(h, Y).backward()


def test_double_backward_is_refused() -> None:
    h, Y = minibatch()
    head = layer().eval()
    (gradient,) = torch.autograd.grad(head(h, Y), h, create_graph=True)
    with pytest.raises(RuntimeError, match=r"no autograd formula|does not require grad"):
        gradient.sum().backward()


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    h, Y = minibatch()
    head = layer()
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(InputError, match="trains in one process"):
        head(h, Y)
    head.eval()(h, Y)


class Scaler:
    """A gradient scaler's face, on the CPU."""

    def get_scale(self) -> float:
        return 2.0**16


def test_a_scaled_loss_is_refused_or_trained_on_without_the_scale() -> None:
    h, Y = minibatch()
    start, expected = layer(), layer()
    expected(h, Y).backward()
    plain, h.grad = h.grad, None
    with pytest.raises(InputError, match=r"multiplied by 65536: .* layer.grad_scaler = scaler"):
        (start(h, Y) * 2.0**16).backward()
    h.grad = None
    start.grad_scaler = Scaler()
    (start(h, Y) * 2.0**16).backward()
    torch.testing.assert_close(h.grad, plain * 2.0**16)
    torch.testing.assert_close(start.weights(), expected.weights(), rtol=1e-12, atol=1e-12)
    before = start.weights()
    (start(h, Y) * float("inf")).backward()
    assert h.grad.isnan().all(), "so that the scaler skips the step"
    torch.testing.assert_close(start.weights(), before, rtol=0, atol=0)
    start.grad_scaler = False
    start.set_learning_rate(1e-9)
    (start(h, Y) * 1000).backward()


def test_a_network_under_a_real_scaler_trains_as_without_one() -> None:
    found = []
    for scaled in (False, True):
        torch.manual_seed(0)
        body, head = torch.nn.Linear(6, d), FactoredOutput(d, D, lr=0.3, threads=1)
        optimizer, scaler = torch.optim.SGD(body.parameters(), lr=0.1), torch.amp.GradScaler("cpu", enabled=scaled)
        head.grad_scaler = scaler
        for _ in range(5):
            with torch.autocast("cpu", dtype=torch.float16, enabled=scaled):
                loss = head(body(torch.randn(m, 6)), torch.randint(D, (m,)))
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.step(head.fused_optimizer)
            scaler.update()
        found.append((body.weight.detach(), head.weights()))
    for plain, under_scaler in zip(*found, strict=True):
        torch.testing.assert_close(under_scaler, plain, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_inputs_under_autocast(dtype: torch.dtype) -> None:
    _, Y = minibatch()
    body, head = torch.nn.Linear(d, d), FactoredOutput(d, D, lr=0.1, threads=1)
    with torch.autocast("cpu", dtype=dtype):
        h = body(torch.ones(m, d))
        assert h.dtype == dtype
        loss = head(h, Y)
    loss.backward()
    assert loss.dtype == torch.float32
    assert body.weight.grad.dtype == torch.float32
    assert head.weights().abs().sum() > 0


def test_a_step_that_would_explode_leaves_the_weights() -> None:
    h, Y = minibatch()
    head = layer(loss="squared", lr=1e12)
    before = head.weights()
    with pytest.raises(TrainingError, match="lower the learning rate"):
        head(h, Y).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)


# ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def saved_and_loaded(head: FactoredOutput) -> FactoredOutput:
    file = io.BytesIO()
    torch.save(head.state_dict(), file)
    file.seek(0)
    other = FactoredOutput(d, D, lr=0.3, base_measure=np.ones(D), **TINY)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def loaded_by_assignment(head: FactoredOutput) -> FactoredOutput:
    other = FactoredOutput(d, D, lr=0.3, base_measure=np.ones(D), **TINY)
    other.load_state_dict(head.state_dict(), assign=True)
    return other


@pytest.mark.parametrize(
    "copied",
    [saved_and_loaded, loaded_by_assignment, copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))],
)
def test_copies_train_on_alike_and_apart(copied: Callable[[FactoredOutput], FactoredOutput]) -> None:
    measure = np.random.default_rng(2).random(D) + 0.1
    head = layer(base_measure=measure)
    for seed in range(3):
        h, Y = minibatch(seed)
        head(h, Y).backward()
    other = copied(head)
    h, Y = minibatch(3)
    before = head.weights()
    other(h, Y).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    head(h, Y).backward()
    torch.testing.assert_close(other.weights(), head.weights(), rtol=0, atol=0)
    for name, tensor in head.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=0, atol=0)


def test_weights_are_buffers_and_no_parameters() -> None:
    head = layer()
    h, Y = minibatch()
    head(h, Y).backward()
    assert not list(head.parameters())
    assert {"V", "U", "U_inverse", "omega", "Q", "w_bar"} <= set(dict(head.named_buffers()))
    W = head.V @ head.U + torch.outer(torch.ones(D, dtype=torch.float64), head.omega)
    torch.testing.assert_close(W, head.weights())
    torch.testing.assert_close(head.Q, W.T @ W)


def test_precision_follows_the_network_and_half_is_refused() -> None:
    h, Y = minibatch()
    net = torch.nn.Sequential(torch.nn.Linear(d, d), FactoredOutput(d, D, lr=0.3, threads=1))
    net[1](net[0](h.float()), Y).backward()
    W = net[1].weights()
    net.double()
    assert net[1].dtype == torch.float64
    torch.testing.assert_close(net[1].weights(), W.double())
    net[1](net[0](h), Y).backward()
    net.to("cpu")
    with pytest.raises(InputError, match=r"not torch\.float16: h alone may be half"):
        net.half()
    with pytest.raises(InputError, match="no meta device"):
        net[1].to("meta")
    with pytest.raises(InputError, match="no sharing"):
        net[1].share_memory()


# ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bias", [False, True])
def test_chosen_and_largest_outputs(bias: bool) -> None:
    h, _ = minibatch()
    head = layer(bias=bias)
    inputs = torch.cat([h, torch.ones(m, 1)], 1) if bias else h
    o = (inputs @ head.weights().T).detach()
    torch.testing.assert_close(head.outputs(h, torch.tensor([3, 1])), o[:, [3, 1]])
    torch.testing.assert_close(head.weights([5, 0]), head.weights()[[5, 0]])
    values, indices = head.top(h, 4)
    expected = o.topk(4)
    torch.testing.assert_close(values, expected.values)
    assert torch.equal(indices, expected.indices)
    assert not values.requires_grad


@pytest.mark.parametrize("measure", [None, np.arange(1.0, D + 1)])
@pytest.mark.parametrize("loss", ["taylor", "spherical"])
def test_probabilities_sum_to_one_where_the_loss_has_them(loss: str, measure: Any) -> None:
    h, _ = minibatch()
    head = layer(loss=loss, base_measure=measure, reduction="none").eval()
    log_p = head.log_prob(h)
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(m, dtype=torch.float64))
    torch.testing.assert_close(head.log_prob(h, [4, 2]), log_p[:, [4, 2]])
    if measure is None:
        ids = torch.arange(m)
        torch.testing.assert_close(-head(h, ids), log_p[ids, ids])
    with pytest.raises(InputError, match="squared gives scores and no probabilities: spherical and taylor have them"):
        layer(loss="squared").log_prob(h)


# ── bad arguments ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "median"}, "reduction must be one of mean, sum, none, not 'median'"),
        ({"loss": "softmax"}, "plain softmax does not belong"),
        ({"lr": -1}, "lr must be a finite number of at least 0"),
        ({"max_norm": 0}, "max_norm must be positive, or None"),
        ({"dtype": torch.float16}, "dtype must be torch.float32 or torch.float64"),
        ({"weights": np.ones((D, d + 2))}, r"weights must have shape \(40, 5\)"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        layer(**options)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.full((m,), D), "Y has a target out of range: 40 to 40, of 40 outputs"),
        (torch.full((m,), -1), "Y has a target out of range: -1 to -1"),
        (torch.zeros(m), "a dense tensor must hold 7 whole numbers, not .* of torch.float32"),
        (torch.zeros((m, D), dtype=torch.long), "a dense tensor must hold 7 whole numbers"),
        (([m], [0], [1.0]), "rows of the targets must be from 0 to 6, not 7 to 7"),
        (([0, 1], [0], [1.0]), "differ in length: 2, 1, 1"),
        (([0], [0], [float("nan")]), "Y holds a value that is not a finite float64 number"),
        (([0.5], [0], None), "rows of the targets must be whole numbers, not torch.float32"),
        (([[0]], [0], None), "rows of the targets must be a vector"),
        (sp.csr_array((m, D + 1)), r"Y must have shape \(7, 40\)"),
        ("labels", "target must be a SciPy sparse matrix, .* not str"),
    ],
)
def test_targets_that_cannot_be_are_refused(target: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        layer()(minibatch()[0], target)


@pytest.mark.parametrize(
    ("h", "message"),
    [
        (torch.ones(m, d + 1), r"input must be a tensor of shape \(any, 5\), not \(7, 6\)"),
        (torch.ones(d), r"input must be a tensor of shape \(any, 5\), not \(5,\)"),
        (torch.ones(m, d, dtype=torch.long), "input must hold floating-point numbers, not torch.int64"),
        (torch.full((m, d), torch.inf), "H holds a value that is not a finite float64 number, first in row 0"),
        (np.ones((m, d)), "input must be a tensor of shape"),
    ],
)
def test_inputs_that_cannot_be_are_refused(h: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        layer()(h, torch.arange(m))


def test_an_empty_minibatch_has_no_losses() -> None:
    head = layer(reduction="sum")
    loss = head(torch.zeros((0, d), dtype=torch.float64, requires_grad=True), torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss == 0


# ── the compiler ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operator", ["losses", "gradient"])
def test_the_operators_keep_their_contract(operator: str) -> None:
    h, _ = minibatch()
    head = layer(fused=False)
    rows, ids = torch.arange(m), torch.tensor([1, 2, 3, 4, 5, 6, 39])
    targets = rows, ids, torch.ones(m, dtype=torch.float64)
    if operator == "losses":
        arguments = (h, head._anchor, *targets, head._number, False)
    else:
        version = torch.tensor(head._engine.version)
        arguments = (torch.ones(m, dtype=torch.float64), h.detach(), *targets, version, head._number, False)
    torch.library.opcheck(getattr(torch.ops.wordsparse, operator).default, arguments)


def test_a_compiled_network_trains_like_the_plain_one() -> None:
    x, ids = torch.ones(m, 3, dtype=torch.float64), torch.arange(m)
    torch.manual_seed(0)
    nets = []
    for compiled in (False, True):
        torch.manual_seed(0)
        net = torch.nn.ModuleList([torch.nn.Linear(3, d).double(), layer()])
        forward = lambda x, ids, net=net: net[1](net[0](x), ids)  # noqa: E731
        run = torch.compile(forward, backend="aot_eager") if compiled else forward
        for _ in range(3):
            run(x, ids).backward()
        nets.append(net)
    torch.testing.assert_close(nets[1][1].weights(), nets[0][1].weights(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(nets[1][0].weight.grad, nets[0][0].weight.grad, rtol=1e-12, atol=1e-12)


def test_without_pytorch_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wordsparse.torch")
    monkeypatch.setattr(optional, "installed", lambda package: False)
    with pytest.raises(MissingDependencyError, match=r"wordsparse.torch needs PyTorch, .* 'wordsparse\[torch\]'"):
        importlib.import_module("wordsparse.torch")

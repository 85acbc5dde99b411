"""The output layer as a PyTorch module, compared with a dense output layer in the same network."""

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from support.torch_layers import (
    KINDS,
    TINY,
    D,
    assert_state,
    d,
    dense_losses,
    layer,
    m,
    minibatch,
    sampled,
    state,
    with_few_negatives,
)

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.torch import FactoredOutput

# The losses of ``dense_losses``.
DENSE = ["squared", "taylor", "spherical", "bounded-ns"]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss", DENSE)
def test_a_network_trains_step_for_step_like_one_with_a_dense_output_layer(loss: str, bias: bool) -> None:
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, d)).double()
    dense = torch.nn.Linear(d, D, bias=bias).double()
    start = torch.cat([dense.weight, dense.bias[:, None]], 1) if bias else dense.weight
    exact = with_few_negatives(loss)
    head = FactoredOutput(d, D, loss=exact, lr=0.05, weight_decay=0.01, bias=bias, weights=start, **TINY)
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


def weighted(Y: sp.csr_array) -> list[Any]:
    """Return weighted targets in every form that the layer accepts."""
    rows, order = np.repeat(np.arange(m), np.diff(Y.indptr)), np.random.default_rng(3).permutation(Y.nnz)
    parts = map(torch.tensor, (Y.indptr, Y.indices, Y.data))
    csr = torch.sparse_csr_tensor(*parts, size=Y.shape, check_invariants=True)
    return [Y, Y.tocoo(), csr, (rows[order], torch.tensor(Y.indices[order]), Y.data[order])]


def of_ids(rows: list[list[int]]) -> list[Any]:
    """Return ids in the forms that PyTorch programs use: a sparse matrix of ones, padded rows, a multi-hot matrix."""
    padded, hot = torch.full((m, 4), -1), torch.zeros((m, D))
    for i, row in enumerate(rows):
        padded[i, : len(row)] = torch.tensor(row)
        hot[i, row] = 1
    matrices = [hot, hot.bool(), hot.to_sparse(), hot.to_sparse_csc()]
    return [sp.csr_array(hot.numpy()), padded, padded.int().numpy(), *matrices]


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("loss", ["squared", "bounded-ns"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_every_form_of_targets_gives_the_same_losses(reduction: str, loss: str) -> None:
    head = layer(loss=loss, reduction=reduction, ignore_index=-1).eval()
    h, Y = minibatch()
    for forms in (weighted(Y), of_ids([[3, 1], [39], [0, 2, 4], [7], [5, 6], [8], [9]])):
        expected = dense_losses(loss, h @ head.weights().T, torch.tensor(forms[0].toarray()))
        expected = getattr(expected, reduction)() if reduction != "none" else expected
        for target in forms:
            torch.testing.assert_close(head(h, target), expected, rtol=1e-12, atol=1e-12)
    ids = torch.arange(m)
    torch.testing.assert_close(head(h, (ids, ids, None)), head(h, ids))


@pytest.mark.parametrize("make", [*KINDS, partial(layer, loss="squared")])
def test_rows_of_padding_are_left_out(make: Any) -> None:
    h, _ = minibatch()
    ids = torch.tensor([4, -100, 6, -100, -100, 1, 2])
    kept = ids >= 0
    there, here = make(), make()
    other = h.detach()[kept].requires_grad_()
    expected = there(other, ids[kept])
    expected.backward()
    found = here(h, ids)
    found.backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(h.grad[kept], other.grad)
    assert not h.grad[~kept].any()
    torch.testing.assert_close(here.weights(), there.weights())
    assert make()(h, torch.full((m, 2), -100)) == 0


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


@pytest.mark.parametrize("make", KINDS)
def test_without_training_nothing_is_learnt(make: Any) -> None:
    """In eval mode, under no_grad, and by torch.autograd.grad, as in a saliency map."""
    h, Y = minibatch()
    head = make()
    before = state(head)
    with torch.no_grad():
        assert not head(h, Y).requires_grad
    (gradient,) = torch.autograd.grad(head(h, Y), h)
    head.eval()
    head(h, Y).backward()
    assert_state(head, before)
    torch.testing.assert_close(h.grad, gradient)
    head.train()(h, Y).backward()
    assert not torch.equal(head.weights(), layer().weights())


# ── the optimizer ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_schedulers_move_the_learning_rate() -> None:
    h, Y = minibatch()
    head = layer(lr=0.4)
    schedule = torch.optim.lr_scheduler.StepLR(head.fused_optimizer, step_size=1, gamma=0.5)
    changes = []
    start, first = head.weights(), {name: part.clone() for name, part in head.state_dict().items()}
    for _ in range(2):
        head.load_state_dict(first)
        head(h, Y).backward()
        head.fused_optimizer.step()
        schedule.step()
        changes.append(head.weights() - start)
    torch.testing.assert_close(changes[1], changes[0] / 2, rtol=1e-9, atol=1e-12)
    assert head.fused_optimizer.step(lambda: 3) == 3
    head.fused_optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(InputError, match="lr must be a finite number, not nan"):
        head(h, Y).backward()


@pytest.mark.parametrize("makers", [(layer, layer), (sampled, sampled), (layer, sampled)])
def test_layers_on_one_trunk_add_their_gradients(makers: Any) -> None:
    (x, Y), trunk, gradients = minibatch(), torch.nn.Linear(d, d).double(), []
    together, alone = ([make(weights=None, seed=seed) for seed, make in enumerate(makers)] for _ in range(2))
    for _ in range(3):
        for losses in ([sum(head(trunk(x), Y) for head in together)], [head(trunk(x), Y) for head in alone]):
            trunk.zero_grad()
            for loss in losses:
                loss.backward()
            gradients.append(trunk.weight.grad)
        torch.testing.assert_close(*gradients[-2:], rtol=1e-12, atol=1e-12)
    for one, other in zip(together, alone, strict=True):
        assert_state(one, state(other))


@pytest.mark.parametrize("make", [sampled, *(partial(layer, loss=loss, lr=None) for loss in DENSE)])
def test_the_default_rate_ignores_the_scale_of_the_loss(make: Any) -> None:
    """Neither the reduction nor a constant factor of the loss changes a step, and the network learns its targets."""
    h, Y = minibatch()
    after, losses = [], []
    for reduction, factor in (("mean", 1.0), ("sum", 1.0), ("mean", 30.0)):
        head = make(reduction=reduction)
        (factor * head(h, Y)).backward()
        after.append(head.weights())
    torch.testing.assert_close(after[1], after[0], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(after[2], after[0], rtol=1e-6, atol=1e-7)
    head = make()
    for _ in range(40):
        losses.append(head(h.detach(), Y))
        losses[-1].backward()
    assert losses[-1] < losses[0] - 0.3
    head.fused_optimizer.param_groups[0]["lr"] = 0.5
    before = head.weights()
    head(h, Y).backward()
    assert (head.weights() - before).abs().max() > 0


def test_a_target_moves_by_half_its_derivative_at_most() -> None:
    head = FactoredOutput(d, 10**5, loss="taylor", weights=np.zeros((10**5, d)), **TINY)
    h = torch.ones((1, d), dtype=torch.float64) * 7
    head(h, torch.tensor([3])).backward()
    assert head.outputs(h, [3]).item() == pytest.approx(0.5, abs=1e-3)  # the loss has slope −1 at output 0


def test_averages_last_long_enough_for_small_minibatches() -> None:
    """Each class occurs about every 31 minibatches. If averages covered only 50 minibatches, the rows of W would be
    noise, and h would shrink."""
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    centres, outputs = torch.randn(500, 64, generator=random), torch.randperm(2000, generator=random)[:500]
    body, head = torch.nn.Linear(64, 64), FactoredOutput(64, 2000, loss="squared")
    optimizer = torch.optim.Adam(body.parameters(), lr=0.003)
    for _ in range(600):
        kind = torch.randint(500, (16,), generator=random)
        optimizer.zero_grad()
        head(body(centres[kind]), outputs[kind]).backward()
        optimizer.step()
    assert (head.top(body(centres), 1).indices[:, 0] == outputs).float().mean() > 0.95


# ── rows of W as inputs ───────────────────────────────────────────────────────────────────────────────────────────────


def test_steps_of_tied_rows_ignore_the_scale_of_the_loss() -> None:
    """Without a learning rate, a row moves by a fraction of the rows' norms, whatever factor multiplies the loss. In
    eval mode, rows do not move."""
    moved = []
    for factor in (1.0, 50.0):
        head = layer(loss="taylor", lr=None, weights=np.random.default_rng(3).standard_normal((D, d)))
        before = head.weights()
        (factor * head.embed(torch.tensor([2, 5])).square().sum()).backward()
        moved.append(head.weights() - before)
    torch.testing.assert_close(moved[0], moved[1])
    assert sorted(moved[0].abs().sum(1).nonzero().ravel().tolist()) == [2, 5]
    head.eval().embed(torch.tensor([3])).sum().backward()
    torch.testing.assert_close(head.weights(), before + moved[1])
    for wrong, text in ((torch.tensor([D]), f"from 0 to {D - 1}"), (torch.tensor([0.5]), "integers")):
        with pytest.raises(InputError, match=text):
            head.embed(wrong)


# ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [*KINDS, partial(layer, bias=True)])
@pytest.mark.parametrize("rows", [1, m])
def test_chosen_and_largest_outputs(make: Any, rows: int) -> None:
    h, head = minibatch()[0][:rows], make()
    inputs = torch.cat([h, torch.ones(rows, 1)], 1) if head.bias else h
    o = (inputs @ head.weights().T).detach()
    torch.testing.assert_close(head.outputs(h, torch.tensor([3, 1])), o[:, [3, 1]])
    torch.testing.assert_close(head.weights([5, 0]), head.weights()[[5, 0]])
    values, indices = head.top(h, 4)
    expected = o.topk(4)
    torch.testing.assert_close(values, expected.values)
    assert torch.equal(indices, expected.indices)
    assert not values.requires_grad
    torch.testing.assert_close(head.to_linear()(h), o.requires_grad_())


@pytest.mark.parametrize("loss", ["taylor", "spherical"])
def test_losses_that_define_probabilities_are_minus_their_logarithm(loss: str) -> None:
    h, _ = minibatch()
    head = layer(loss=loss, reduction="none").eval()
    every = torch.stack([head(h, torch.full((m,), c)) for c in range(D)], 1).detach()
    torch.testing.assert_close((-every).exp().sum(1), torch.ones(m, dtype=torch.float64))


def test_initial_biases_are_those_of_the_loss() -> None:
    h, _ = minibatch()
    start = layer(loss="spherical", bias=True, weights=None).outputs(h, [0, 5])
    torch.testing.assert_close(start, torch.full((m, 2), 0.7, dtype=torch.float64))


@pytest.mark.parametrize("make", KINDS)
def test_an_empty_minibatch_has_no_losses(make: Any) -> None:
    head = make(reduction="sum")
    loss = head(torch.zeros((0, d), dtype=torch.float64, requires_grad=True), torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss == 0


def test_the_name_bounded_ns_means_the_loss_recommended_for_networks() -> None:
    """Previously, the name meant 5 negatives, with which a network with many outputs learns slowly."""
    by_name = FactoredOutput(d, D, loss="bounded-ns")
    assert by_name.loss == ws.losses.BoundedNS(negatives=100)
    assert FactoredOutput(d, D, loss=ws.losses.BoundedNS()).loss.negatives == 5
    assert ws.FactoredOutput(D, d, loss="bounded-ns").loss.negatives == 5

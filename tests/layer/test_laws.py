"""The law of the layer: losses, gradients and steps equal formulas over all outputs, differentiated by PyTorch, for any
shape, loss, precision, instruction set, number of threads and route, and after a fork."""

import multiprocessing
from collections.abc import Callable
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import problems
from support.laws import law

from wordsparse.kernels import cpu
from wordsparse.kernels.isa import AVAILABLE
from wordsparse.layer.losses import BoundedNS, Loss, Spherical, Squared, Taylor, Terms, ZLoss
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput

torch = pytest.importorskip("torch")
FORK = multiprocessing.get_context("fork")
# The largest error relative to the terms of each sum. 4,600 problems have errors up to 4e-14 and 3e-5.
TOLERANCE = {"float64": 1e-11, "float32": 2e-4}


class Users(Loss):
    """ℓ = √(1 + q/Σπ) − tanh o + s/(10 Σπ), which is linear in nothing but s."""

    name: ClassVar[str] = "users"

    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        root = np.sqrt(1 + q / total)
        return Terms(root - np.tanh(o) + s / (10 * total), 0.5 / (root * total), 0.1 / total, np.tanh(o) ** 2 - 1)


def standardised(o: Any, q: Any, s: Any, t: float) -> Any:
    return (o - s / t) / (q / t - (s / t) ** 2).sqrt()


softplus = torch.nn.functional.softplus
# The losses of targets with outputs o, as functions of q = Σ πᵢoᵢ², s = Σ πᵢoᵢ and t = Σ πᵢ.
LOSSES: list[tuple[Loss, Callable[..., Any]]] = [
    (Squared(), lambda o, q, s, t: q),
    (Squared(1.5), lambda o, q, s, t: q - 3 * o + 2.25),
    (BoundedNS(4.0), lambda o, q, s, t: softplus(-o) + 4 * (np.log(2) + s / (2 * t) + q / (8 * t))),
    (Spherical(0.2), lambda o, q, s, t: (q + 0.2 * t).log() - (o**2 + 0.2).log()),
    (Taylor(), lambda o, q, s, t: (t + s + q / 2).log() - (1 + o + o**2 / 2).log()),
    (ZLoss(0.5, 3.0), lambda o, q, s, t: softplus(0.5 * (3 - standardised(o, q, s, t))) / 0.5),
    (Users(), lambda o, q, s, t: (1 + q / t).sqrt() - o.tanh() + s / (10 * t)),
]


def formula(W: Any, pi: Any, H: Any, Y: Any, loss: Any) -> tuple[Any, ...]:
    """Return the losses (m,), the gradients of their sum for H, W and q, and the largest terms of the first two."""
    W, H, pi = (torch.tensor(each, requires_grad=each is not pi) for each in (W, H, pi))
    O = H @ W.T  # noqa: E741
    q, s = O**2 @ pi, O @ pi
    q.retain_grad()
    rows, columns = np.repeat(np.arange(len(H)), np.diff(Y.indptr)), Y.indices
    y, o = torch.tensor(Y.data.astype(np.float64)), O[rows, columns]
    if loss is LOSSES[0]:  # the sums of repeated values are the regression targets
        dense = torch.tensor(Y.toarray().astype(np.float64))
        losses = q - 2 * (dense * O).sum(1) + (dense**2).sum(1)
    else:
        losses = torch.zeros(len(H), dtype=torch.float64)
        losses = losses.index_add(0, torch.tensor(rows), y * loss[1](o, q[rows], s[rows], float(pi.sum())))
    losses.sum().backward()
    return tuple(each.detach().numpy() for each in (losses, H.grad, W.grad, q.grad))


def steps(layer: FactoredOutput, batches: list[Any], lr: float, pi: Any, decay: float, route: str) -> list[Any]:
    """Take a step for each minibatch, whose smallest sums are divided among threads. Return its losses and gradient,
    and the weights after it."""
    found = []
    with problems.route(route), mock.patch.object(cpu, "PARALLEL_WORK", 1):
        for H, Y in batches:
            found += [*layer.step(H, Y, lr, preconditioner=pi, weight_decay=decay), layer.weights()]
    return found


@law(30)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(range(len(LOSSES))),
    st.sampled_from(["float64", "float32"]),
    st.sampled_from(AVAILABLE),
    st.integers(1, 3),
    st.sampled_from(["cheaper", *problems.ROUTES]),
    st.tuples(st.integers(0, 40), st.integers(1, 70), st.integers(3, 400), st.integers(0, 9)),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.integers(0, 15).map(lambda number: number == 0),
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python warns of forks in processes with threads
def test_steps_are_those_of_formulas_over_all_outputs(
    seed: int,
    loss: int,
    dtype: str,
    isa: str,
    threads: int,
    route: str,
    shape: tuple[int, ...],
    has: tuple[bool, ...],
    is_forked: bool,
) -> None:
    random, (m, d, D, most) = np.random.default_rng(seed), shape
    measure = problems.measure(random, D) if has[0] else None
    W = (np.exp(random.uniform(-3, 1)) * random.standard_normal((D, d))).astype(dtype)
    # The gradient of ZLoss is as large as 1/|h|, and cancels if h is one number.
    batches = [
        (
            (random.choice([-1, 1], (m, d)) * random.uniform(0.3, 1.5, (m, d)) / np.sqrt(d)).astype(dtype),
            problems.targets(random, m, D, most).astype(dtype),
        )
        for _ in range(2)
    ]
    root = random.standard_normal((d, d)) / np.sqrt(d)
    Pi, decay = np.eye(d) + 0.1 * root @ root.T if has[1] else np.eye(d), 0.05 * has[2]
    pi = np.ones(D) if measure is None else measure / measure.sum()

    dense, expected, lr = W.astype(np.float64), list[Any](), np.inf
    for H, Y in batches:
        losses, of_H, of_W, of_q = formula(dense, pi, H.astype(np.float64), Y, LOSSES[loss])
        if lr == np.inf:  # no step turns W round, or grows it to more than three times its size
            curvature = np.linalg.norm((H.T * of_q) @ H, 2) if m else 0
            change = np.abs(of_W @ Pi / pi[:, None]).max()
            lr = 0.2 * min(1.0, 1 / max(2 * curvature, 1e-9), 10 * np.abs(W).max() / max(change, 1e-9))
        by_reference = DenseOutput(dense, LOSSES[loss][0], measure)
        again = by_reference.step(H, Y, lr, Pi, decay)
        dense = dense - lr * (of_W @ Pi / pi[:, None] + decay * dense)
        for one, other in zip((*again, by_reference.W), (losses, of_H, dense), strict=True):
            assert problems.off(one, other, 1.0) < TOLERANCE["float64"]
        expected += [losses, of_H, dense]

    def made(threads: int) -> FactoredOutput:
        kernels = cpu.CpuKernels(threads, isa=isa)
        return FactoredOutput(D, d, LOSSES[loss][0], measure, dtype, weights=W, kernels=kernels)

    taken = batches, lr, Pi if has[1] else None, decay, route
    found = steps(made(threads), *taken)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert problems.off(one, other, max(1.0, np.abs(dense).max())) < TOLERANCE[dtype], number
    others = [steps(made(1 + threads % 3), *taken)]
    if is_forked:
        here, there = FORK.Pipe()
        child = FORK.Process(target=lambda: there.send(steps(made(threads), *taken)))
        child.start()
        others.append(here.recv())
        child.join()
    for other in others:
        for one, same in zip(found, other, strict=True):
            np.testing.assert_array_equal(one, same)

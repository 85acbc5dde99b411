"""Laws of layers: losses, gradients and steps of the in-batch layer equal its formulas, written out in NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

torch = pytest.importorskip("torch")

from wordsparse.torch import SampledOutput  # noqa: E402


def formula(W: Any, Q: Any, h: Any, rows: Any, ids: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return the losses (m,), and the gradients of their sum for h and W.

    Class i is in a minibatch of n targets with the probability P_i = 1 − (1 − Q_i)^n. The Horvitz-Thompson estimate of
    the sum over all classes is Σ_{i ∈ S} exp(o_i)/P_i.
    """
    S = sorted(set(ids.tolist()))
    absent = np.exp(len(ids) * np.log1p(-Q[S])) if len(W) > 1 else np.zeros(len(S))
    losses, of_h, of_W = np.zeros(len(h)), np.zeros_like(h), np.zeros_like(W)
    for row, i, weight in zip(rows.tolist(), ids.tolist(), y.tolist(), strict=True):
        o = W[S] @ h[row] + np.log(Q[S])
        parts = o - np.log(1 - absent)
        log_Z = parts.max() + np.log(np.exp(parts - parts.max()).sum())
        losses[row] += weight * (log_Z - o[S.index(i)])
        by_output = weight * np.exp(parts - log_Z)
        by_output[S.index(i)] -= weight
        of_h[row] += by_output @ W[S]
        of_W[S] += np.outer(by_output, h[row])
    return losses, of_h, of_W


@law(60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 3, 17, 300]),
    st.integers(1, 8),
    st.integers(1, 12),
    st.integers(1, 3),
    st.sampled_from(["any", "edges", "one"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1.0, 1000.0]),
    st.sampled_from(["mean", "sum"]),
)
def test_the_in_batch_layer_is_its_formula(
    seed: int,
    D: int,
    d: int,
    m: int,
    targets: int,
    which: str,
    is_counted: bool,
    is_weighted: bool,
    size: float,
    reduction: str,
) -> None:
    """For one class, repeated targets, padding, weights, ids at the edges, counts of zero, and outputs that differ by
    thousands."""
    random = np.random.default_rng(seed)
    W, counts = random.standard_normal((D, d)), random.integers(0, 50, D) * (random.random(D) < 0.8)
    options = {"counts": counts if is_counted else None, "reduction": reduction, "lr": 0.3, "weights": W}
    head = SampledOutput(d, D, dtype=torch.float64, **options)
    seen, squares = (counts if is_counted else np.zeros(D)).astype(float), np.zeros(D)
    for _ in range(3):
        Q = (seen + 0.1) / (seen + 0.1).sum()
        h = size * random.standard_normal((m, d))
        grid = random.integers(0, D, (m, targets))
        grid = {"any": grid, "edges": np.where(grid % 2, 0, D - 1), "one": np.full_like(grid, D // 2)}[which]
        rows, columns = np.nonzero(random.random((m, targets)) < 0.7)
        ids, y = grid[rows, columns], np.ones(len(rows))
        if is_weighted or targets == D:  # whole numbers of the shape (m, D) could be a multi-hot target
            y = random.choice([0.25, 1.0, 3.0], len(rows)) if is_weighted else y
            target: Any = tuple(map(torch.from_numpy, (rows, ids, y)))
        else:
            padded = np.full(grid.shape, -100)
            padded[rows, columns] = ids
            target = torch.from_numpy(padded)
        losses, of_h, of_W = formula(W, Q, h, rows, ids, y)
        inputs = torch.tensor(h, requires_grad=True)
        loss = head(inputs, target)
        loss.backward()
        # The mean is over all examples, or, for ids, over the examples with a target.
        examples = m if isinstance(target, tuple) else max(1, len(np.unique(rows)))
        factor = 1 / examples if reduction == "mean" else 1.0
        assert loss.item() == pytest.approx(factor * losses.sum(), rel=1e-9, abs=1e-9)
        np.testing.assert_allclose(inputs.grad, factor * of_h, rtol=1e-8, atol=1e-10)
        if size > 1:  # rows whose probabilities round to 0 do not move
            return
        of_W *= factor
        squares += (of_W**2).mean(1)
        rate = np.divide(0.3, np.sqrt(squares), out=np.zeros(D), where=squares > 0)
        if is_counted:
            rate *= 1 + 2 / np.sqrt(np.maximum(counts, 1))
        W = W - rate[:, None] * of_W
        if not is_counted:
            np.add.at(seen, ids, 1)
        np.testing.assert_allclose(head.weights()[:, :-1], W, rtol=1e-5, atol=1e-6)  # squares are float32
        W = head.weights()[:, :-1].numpy().astype(np.float64)

"""Whatever the minibatch and the step size: the exact step, or a refusal that changes nothing."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from support import problems

from wordsparse.errors import TrainingError
from wordsparse.layer.losses import ZLoss
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput

Array = NDArray[Any]

sizes = st.integers(1, 5)
# Zeros, equal numbers and round ones are the interesting ones; numbers whose squares underflow are not.
numbers = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5]), st.integers(-3000, 3000).map(lambda n: n / 1000))
# Weights of losses: as regression targets any sign.
values = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.01, 3))


@st.composite
def targets(draw: st.DrawFn, m: int, D: int) -> sp.csr_array:
    lists = draw(st.lists(st.lists(st.tuples(st.integers(0, D - 1), values), max_size=6), min_size=m, max_size=m))
    entries = [entry for row in lists for entry in row]
    indptr = np.cumsum([0, *(len(row) for row in lists)])
    indices, data = np.array([c for c, _ in entries], np.int32), np.array([y for _, y in entries], float)
    return sp.csr_array((data, indices, indptr), shape=(m, D))


@st.composite
def layers(draw: st.DrawFn, outputs: st.SearchStrategy[int] = sizes) -> FactoredOutput:
    D, d = draw(outputs), draw(sizes)
    loss = problems.LOSSES[draw(st.sampled_from(sorted(problems.LOSSES)))]
    D = max(D, loss.min_outputs)
    pi = draw(st.none() | arrays(float, D, elements=st.floats(0.01, 10)))
    weights = draw(arrays(float, (D, d), elements=numbers))
    kernels = problems.backends()[draw(st.sampled_from(["numpy", "cpu-1", "cpu-2"]))]
    return FactoredOutput(D, d, loss, pi, np.float64, weights=weights, kernels=kernels)


def minibatch(data: st.DataObject, layer: FactoredOutput) -> tuple[Array, sp.csr_array]:
    m = data.draw(st.integers(0, 5))
    H = data.draw(arrays(float, (m, layer.n_features), elements=numbers))
    return H, data.draw(targets(m, layer.n_outputs))


def standardisable(layer: FactoredOutput, H: Array) -> bool:
    """Whether the Z-loss's σ is clear of rounding, the one division of the family that outputs can take to 0 / 0."""
    if not isinstance(layer.loss, ZLoss):
        return True
    O = H @ layer.weights().T  # noqa: E741
    pi = np.ones(layer.n_outputs) if layer.core.p is None else layer.core.p**2
    mean = O @ pi / pi.sum()
    spread = ((O - mean[:, None]) ** 2 @ pi) / pi.sum()
    return bool((spread > 1e-4).all())


@settings(max_examples=200, deadline=None)
@given(
    layer=layers(),
    data=st.data(),
    lr=st.floats(1e-4, 1e12),
    weight_decay=st.sampled_from([0.0, 0.03, 0.9]),
    route=st.sampled_from([*problems.ROUTES, "cheaper"]),
)
def test_any_step_is_exact_or_refused(
    layer: FactoredOutput, data: st.DataObject, lr: float, weight_decay: float, route: str
) -> None:
    """A step beside a singular one amplifies rounding by A's condition, and a huge one is a difference of huge terms;
    up to that it is the oracle's."""
    H, Y = minibatch(data, layer)
    assume(standardisable(layer, H))
    dense = DenseOutput(layer.weights(), layer.loss, None if layer.core.p is None else layer.core.p**2)
    before, folds = problems.state(layer), layer.core.folds
    start = np.abs(layer.core.V).max()
    size = max(1.0, start)
    try:
        with problems.route(route):
            losses, gradient = layer.step(H, Y, lr, weight_decay=weight_decay)
    except TrainingError:
        assert problems.state(layer) == before
        return
    expected_losses, expected_gradient = dense.step(H, Y, lr, weight_decay=weight_decay)
    assert problems.off(losses, expected_losses, 1.0) < 1e-9
    assert problems.off(gradient, expected_gradient, size) < 1e-9
    found, expected = layer.weights(), dense.W
    assert np.isfinite(found).all()
    if layer.core.folds == folds:  # else A's condition is no longer to be seen
        # W is a sum of two parts, which may cancel.
        shared = np.abs(layer.core.factors.omega).max() * (1.0 if layer.core.p is None else layer.core.p.max())
        scale = max(np.abs(expected).max(), start * max(1.0, layer.core.factors.scale), shared)
        assert np.abs(found - expected).max() <= 1e-11 * layer.core.factors.condition * scale

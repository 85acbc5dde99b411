"""The factored layer compared with a dense reference: every loss, measure, precision, shape, backend and route."""

import resource

import numpy as np
import pytest
import scipy.sparse as sp
from support import problems
from support.cases import covering_cases

from wordsparse.errors import InputError
from wordsparse.kernels import Kernels
from wordsparse.layer import core, largest
from wordsparse.layer.core import BLOCK_ROWS
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.reference import DenseOutput
from wordsparse.layer.sums import pull_back

# The largest error relative to the scale of each quantity (problems.distance). A few well-conditioned steps lose some
# tens of units in the last place: errors on these problems stay below 2e-13 in float64 and below 5e-6 in float32.
TOLERANCE = {"float64": 1e-11, "float32": 3e-5}
# The largest error of a step. Of 5,381 random problems, 11 exceed TOLERANCE, up to these limits: steps that nearly
# remove a direction of W amplify rounding errors. A new loss changes the problems of all losses (covering_cases).
OF_STEPS = {"float64": 2e-10, "float32": 1e-4}
# The largest examples × targets × d of problems for the emulated GPU, which is slow.
EMULATED = 20_000


def problem(case, random):
    """Return a random float64 layer, three minibatches, a stable step size, and a preconditioner Π (or None)."""
    measure = problems.measure(random, case.D) if case.measure else None
    weights = 0.5 * random.standard_normal((case.D, case.d)).astype(case.dtype)
    pilot = FactoredOutput(
        case.D, case.d, problems.LOSSES[case.loss], measure, np.float64, weights=weights, kernels=Kernels()
    )
    batches = []
    for _ in range(3):
        H = (random.standard_normal((case.examples, case.d)) / np.sqrt(case.d)).astype(case.dtype)
        Y = problems.targets(random, case.examples, case.D, case.most)
        Y.data = Y.data.astype(case.dtype)
        batches.append((H, Y))
    root = random.standard_normal((case.d, case.d)) / np.sqrt(case.d)
    pi = np.eye(case.d) + 0.1 * root @ root.T if case.pi else None
    K = pull_back(problems.forward(pilot, *batches[0])).curvature()
    B = 2 * K @ (np.eye(case.d) if pi is None else pi)
    lr = min(0.5, 0.4 / max(float(np.linalg.norm(B, 2)), 1e-300))
    # The bound by the curvature K ignores the target's own row, whose steps are large if the target is improbable.
    # Steps that overshoot amplify earlier errors.
    while growth(pilot, *batches[0], lr, pi) > 100:
        lr /= 4
    return pilot, batches, lr, pi


def growth(layer, H, Y, lr, pi):
    """Return the factor by which a step grows the largest weight."""
    dense = DenseOutput(layer.weights(), layer.loss, None if layer.core.p is None else layer.core.p**2)
    before = np.abs(dense.W).max()
    dense.step(H, Y, lr, pi)
    return float(np.abs(dense.W).max() / before)


def worst_of_steps(case, random):
    """Take steps with all backends and routes, and with the oracle. Return the largest relative error of each
    quantity."""
    pilot, batches, lr, pi = problem(case, random)
    measure = None if pilot.core.p is None else pilot.core.p**2
    start = pilot.weights()
    dense = DenseOutput(start, pilot.loss, measure)
    # With the route low_rank, the largest problems would take minutes, so for them the layer chooses the route.
    routes = problems.ROUTES if case.examples * case.D * case.d < 1e8 else ("cheaper",)
    layers = {
        (backend, route): FactoredOutput(
            case.D, case.d, pilot.loss, measure, case.dtype, weights=start, kernels=kernels
        )
        for backend, kernels in problems.backends().items()
        if backend != "cuda-emulated" or case.examples * max(case.most, 1) * case.d <= EMULATED
        for route in routes
    }
    worst = {}
    for H, Y in batches:
        size, before = np.abs(dense.W).max(), float((dense.pi @ dense.W**2).max())
        expected_losses, expected_gradient = dense.step(H, Y, lr, pi, case.decay)
        for (_, route), layer in layers.items():
            with problems.route(route):
                losses, gradient = layer.step(H, Y, lr, preconditioner=pi, weight_decay=case.decay)
            errors = problems.distance(layer, dense, before) | {
                # Errors are relative to the terms of each sum: about 1 in losses, and as large as W in gradients.
                "losses": problems.off(losses, expected_losses, 1.0),
                "gradient": problems.off(gradient, expected_gradient, size),
            }
            worst = {name: max(error, worst.get(name, 0.0)) for name, error in errors.items()}
    return worst


# The losses that are constant if there is a single output, so that steps consist of rounding errors only.
CONSTANT = {name for name, loss in problems.LOSSES.items() if name == "zloss" or loss.gives == "probabilities"}


@pytest.mark.parametrize(
    "case", [case for case in covering_cases() if case.D > 1 or case.loss not in CONSTANT], ids=str
)
def test_steps_are_those_of_the_dense_layer(case, monkeypatch):
    monkeypatch.setattr(core, "BLOCK_ROWS", 1000)  # the largest layers have two blocks
    worst = worst_of_steps(case, np.random.default_rng(1))
    assert max(worst.values()) < OF_STEPS[case.dtype], worst


def test_loss_and_grad_is_step_without_a_change():
    random = np.random.default_rng(6)
    H, Y = random.standard_normal((9, 4)), problems.targets(random, 9, 30, 3)
    layer = FactoredOutput(30, 4, "taylor", weights=random.standard_normal((30, 4)))
    before = problems.state(layer)
    found = layer.loss_and_grad(H, Y)
    assert problems.state(layer) == before
    for again, expected in zip(layer.step(H, Y, 0.1), found, strict=True):
        np.testing.assert_array_equal(again, expected)
    assert problems.state(layer) != before


# ── reading and setting weights ───────────────────────────────────────────────────────────────────────────────────────


READ = [(dtype, measure) for dtype in ("float32", "float64") for measure in (False, True)]


@pytest.fixture(params=[(name, *kind) for name in problems.backends() if name != "cpu-1" for kind in READ], ids=str)
def stepped(request):
    """Return a layer with more rows than one block and the oracle, both after the same steps."""
    backend, dtype, with_measure = request.param
    random = np.random.default_rng(8)
    D, d = BLOCK_ROWS + 300, 6
    pi = problems.measure(random, D) if with_measure else None
    start = random.standard_normal((D, d)).astype(dtype)
    layer = FactoredOutput(D, d, "bounded-ns", pi, dtype, weights=start, kernels=problems.backends()[backend])
    dense = DenseOutput(start, "bounded-ns", pi)
    for _ in range(3):
        H, Y = random.standard_normal((8, d)).astype(dtype), problems.targets(random, 8, D, 4)
        layer.step(H, Y, 0.05)
        dense.step(H, Y, 0.05)
    assert layer.core.factors.omega.any()
    return layer, dense


def test_weights_and_outputs(stepped):
    layer, dense = stepped
    tolerance = TOLERANCE[layer.dtype.name]
    rows = np.array([5, 0, layer.n_outputs - 1, 5, BLOCK_ROWS])
    H = np.random.default_rng(0).standard_normal((4, layer.n_features)).astype(layer.dtype)
    assert layer.weights().dtype == layer.dtype
    for _ in range(2):
        assert problems.off(layer.weights(), dense.W) < tolerance
        assert problems.off(layer.weights(rows), dense.W[rows]) < tolerance
        assert problems.off(layer.weights([]), dense.W[:0]) == 0
        assert problems.off(layer.weights(7), dense.W[[7]]) < tolerance
        assert problems.off(layer.outputs(H, rows), H @ dense.W[rows].T) < tolerance
        layer.core.fold()


def test_top_over_all_blocks(stepped):
    layer, dense = stepped
    H = np.random.default_rng(0).standard_normal((4, layer.n_features)).astype(layer.dtype)
    O = H @ dense.W.T  # noqa: E741
    where, best = layer.top(H, 10)
    assert where.shape == best.shape == (4, 10)
    expected = -np.sort(-O, axis=1)[:, :10]
    assert problems.off(best, expected) < TOLERANCE[layer.dtype.name]
    # Compare values, not indices: outputs that differ by less than rounding may swap places.
    assert problems.off(np.take_along_axis(O, where, 1), expected) < TOLERANCE[layer.dtype.name]


def test_top_returns_at_most_all_outputs_and_first_of_equals():
    layer = FactoredOutput(3, 1, weights=[[1], [2], [2]])
    where, best = layer.top([[1.0], [-1.0]], 5)
    np.testing.assert_array_equal(where, [[1, 2, 0], [0, 1, 2]])
    np.testing.assert_array_equal(best, [[2, 2, 1], [-1, -2, -2]])
    where, best = layer.top(np.empty((0, 1)), 2)
    assert where.shape == best.shape == (0, 2)


@pytest.mark.parametrize(("m", "k"), [(1, 1), (3, 40), (largest.TOP_EXAMPLES + 1, 2)])
@pytest.mark.parametrize("order", ["falling", "rising", "mixed"])
def test_top_is_a_stable_sort_whatever_the_order_of_the_outputs(order, m, k):
    """Outputs are whole numbers, many of which are equal, in blocks of every size."""
    random = np.random.default_rng(0)
    W = random.integers(-50, 50, (5000, 2)).astype(np.float32)
    W = {"falling": -np.sort(-W, 0), "rising": np.sort(W, 0), "mixed": W}[order]
    H = random.integers(1, 4, (m, 2))
    where, best = FactoredOutput(*W.shape, weights=W).top(H, k)
    expected = np.argsort(-(H @ W.T), 1, kind="stable")[:, :k]
    np.testing.assert_array_equal(where, expected)
    np.testing.assert_array_equal(best, np.take_along_axis(H @ W.T, expected, 1))


def test_setting_weights_resets_the_layer(stepped):
    layer, dense = stepped
    layer.set_weights(dense.W)
    assert max(problems.distance(layer, dense).values()) < TOLERANCE[layer.dtype.name]
    np.testing.assert_array_equal(problems.host(layer, layer.core.factors.U), np.eye(layer.n_features))
    layer.set_common_output(0.7)
    common = DenseOutput(np.zeros(dense.W.shape), dense.loss, dense.base_measure)
    common.W[:, -1] = 0.7
    for _ in range(2):
        assert max(problems.distance(layer, common).values()) < TOLERANCE[layer.dtype.name]
        layer.core.fold()


def test_initial_weights_are_zero_or_small_and_seeded():
    assert not FactoredOutput(10, 3, "taylor").weights().any()
    first, again, other = (FactoredOutput(1000, 3, "spherical", seed=seed).weights() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert first.std() == pytest.approx(0.01, rel=0.1)


# ── determinism, and more rows than 32 bits can address ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("route", problems.ROUTES)
def test_the_same_bytes_for_any_number_of_threads(route, dtype):
    random = np.random.default_rng(9)
    m, d, D = (600, 48, 3000) if route == "dense" else (40, 300, 3000)
    H, Y = random.standard_normal((m, d)).astype(dtype), problems.targets(random, m, D, 30)
    pi = problems.measure(random, D)
    seen = set()
    for threads in (1, 2, 3):
        layer = FactoredOutput(D, d, "spherical", pi, dtype, seed=1, threads=threads)
        with problems.route(route):
            results = [layer.step(H, Y, 1e-5), layer.step(H, Y, 1e-5)]
        seen.add(b"".join([*problems.state(layer).values(), *(x.tobytes() for pair in results for x in pair)]))
    assert len(seen) == 1


def _resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("loss", ["squared", "bounded-ns"])
def test_rows_beyond_32_bits(loss):
    """Compare steps on the last rows of a V that holds 2³¹ + 640 numbers with a float64 layer of only these rows.

    Rows that are never targets stay equal to each other. Under squared error, rows without targets stay 0. Under
    bounded-ns, one row of the small layer stands for all rows without targets, and its base measure is their number.
    The step size lr/D in the small layer gives the same step on W. Rows of V that are never targets take no memory.
    """
    d, last = 64, 10
    D = 2**31 // d + last
    try:
        before = _resident_bytes()
        layer = FactoredOutput(D, d, loss, threads=2)
    except (MemoryError, FileNotFoundError, InputError) as error:
        pytest.skip(f"this system does not commit memory on first use: {error}")
    others = [D - last] if loss == "bounded-ns" else []
    rows = last + len(others)
    small = FactoredOutput(rows, d, loss, [*np.ones(last), *others] if others else None, np.float64)
    random = np.random.default_rng(10)
    for _ in range(4):
        H, few = random.standard_normal((7, d)).astype(np.float32) / 8, problems.targets(random, 7, last, 3)
        few.resize(7, rows)
        many = sp.csr_array((few.data, few.indices.astype(np.int64) + (D - last), few.indptr), shape=(7, D))
        found, gradient = layer.step(H, many, 0.1)
        expected, expected_gradient = small.step(H, few, 0.1 / D if others else 0.1)
        assert problems.off(found, expected, 1.0) < 1e-5
        assert problems.off(gradient, expected_gradient, 1.0) < 1e-5
    assert problems.off(layer.weights(np.arange(D - last, D)), small.weights(np.arange(last))) < 1e-5
    assert problems.off(layer.outputs(H, [D - 1, D - 2]), small.outputs(H, [last - 1, last - 2])) < 1e-5
    if others:
        assert problems.off(layer.weights(3), small.weights(last)) < 1e-5
    assert layer.core.folds == 0
    assert _resident_bytes() - before < 200e6


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("loss", list(problems.LOSSES))
@pytest.mark.parametrize("call", ["loss_and_grad", "step"])
def test_numbers_too_large_for_the_precision_are_refused(loss, call):
    layer = FactoredOutput(20, 4, problems.LOSSES[loss], weights=np.ones((20, 4)), dtype="float32")
    arguments = [np.full((1, 4), 3e38, np.float32), sp.csr_array(([1.0], ([0], [3])), shape=(1, 20))]
    with pytest.raises(InputError, match=r"overflow float32.*scale down H"):
        getattr(layer, call)(*arguments, *([1e-3] if call == "step" else []))
    assert (layer.weights() == 1).all()

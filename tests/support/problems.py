"""Random problems for the exact layer, and the distance between a layer and the dense oracle."""

from contextlib import contextmanager, suppress
from unittest import mock

import numpy as np
import scipy.sparse as sp

from support.emulation import compiler, standin
from support.losses import DEFAULTS
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, Csr, Kernels, Windows, at_work
from wordsparse.kernels.cuda import CudaKernels
from wordsparse.layer import losses
from wordsparse.layer import update as layer_update
from wordsparse.layer.inputs import RowInputs
from wordsparse.layer.interface import Targets

LOSSES = DEFAULTS

ROUTES = ("dense", "low_rank")


def backends():
    """Return all kernels that can run here. CUDA kernels are emulated if there is a C++ compiler, and also run on a GPU
    if there is one."""
    kernels = {"numpy": Kernels(), "cpu-1": CpuKernels(1), "cpu-2": CpuKernels(2)}
    if compiler.COMPILER is not None:
        kernels["cuda-emulated"] = CudaKernels(standin.cupy)
    with suppress(InputError):
        kernels["cuda"] = CudaKernels()
    return kernels


def host(layer, array):
    """Copy an array from the layer's device to NumPy."""
    return layer.core.kernels.to_host(array)


def measure(random, D):
    """Draw a base measure that spans a few orders of magnitude and is not normalised."""
    return np.exp(1.5 * random.standard_normal(D))


def targets(random, m, D, most):
    """Draw targets (m, D), with 0 to ``most`` per example, unordered and with repeats."""
    counts = random.integers(0, most + 1, m)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # Squaring favours small indices, so columns repeat inside an example and across the minibatch.
    columns = (D * random.random(indptr[-1]) ** 2).astype(np.int32)
    return sp.csr_array((random.uniform(0.2, 2, indptr[-1]), columns, indptr), shape=(m, D))


def windows(random, n, columns, reach):
    """Draw a text of n tokens and ends of sentences, with windows of radius 1 to ``reach`` around most tokens."""
    tokens = random.integers(0, columns, n).astype(np.int32)
    tokens[random.random(n) < 0.1] = -2
    return windows_over(random, tokens, columns, reach)


def windows_over(random, tokens, columns, reach):
    """Draw windows of a given text."""
    n, windows = tokens.size, []
    for i in np.flatnonzero((tokens >= 0) & (random.random(n) < 0.8)):
        width, start, stop = random.integers(1, reach + 1), i, i + 1
        while start > max(0, i - width) and tokens[start - 1] >= 0:
            start -= 1
        while stop < min(n, i + width + 1) and tokens[stop] >= 0:
            stop += 1
        if stop - start > 1:
            windows.append((i, start, stop))
    centre, start, stop = np.array(windows, np.int32).reshape(-1, 3).T.copy()
    return Windows(tokens, centre, start, stop, reach, columns)


def dense_bags(windows):
    """Compute, bag by bag, the matrix C (m, columns) such that C X holds the mean of X over each bag."""
    C = np.zeros((windows.rows, windows.columns))
    for j, (i, start, stop) in enumerate(zip(windows.centre, windows.start, windows.stop, strict=True)):
        around = np.concatenate([windows.tokens[start:i], windows.tokens[i + 1 : stop]])
        np.add.at(C[j], around, 1 / around.size)
    return C


def one_each(windows):
    """Return one target for each bag: its centre."""
    return Csr(np.arange(windows.rows + 1), windows.tokens[windows.centre], windows.columns)


def one_target_each(csr, values):
    """Return a SciPy matrix of targets, with the given structure and values."""
    return sp.csr_array((values, csr.indices, csr.indptr), shape=(csr.rows, csr.columns))


@contextmanager
def route(name):
    """Make every update take the route ``dense`` or ``low_rank``; "cheaper" lets the layer choose."""
    if name == "cheaper":
        yield
        return
    flops = -1.0 if name == "low_rank" else np.inf
    with mock.patch.object(layer_update, "low_rank_flops", return_value=flops):
        yield


def forward(layer, H, Y, inputs=None, *, per_example=True):
    """Add up repeated regression targets, then run the forward pass of the layer's core as the trainer does."""
    if layer.loss == losses.Squared():
        Y = Y.copy()
        Y.sum_duplicates()
    rows, local = np.unique(Y.indices.astype(np.int64), return_inverse=True)
    csr = Csr(Y.indptr.astype(np.int64), local.astype(np.int32), rows.shape[0])
    if inputs is None:
        inputs = RowInputs(layer.core.kernels.to_device(H.astype(layer.dtype)), layer.core.kernels)
    targets = layer.core.kernels.place(Targets(rows, csr, Y.data.astype(layer.dtype)))
    # Ignore floating-point flags, as the trainer does: sgemv of OpenBLAS 0.3.31 (AVX-512) sets spurious flags.
    with at_work():
        return layer.core.forward(inputs, targets, per_example=per_example)


def off(actual, expected, scale=0.0):
    """Return the largest deviation, relative to the largest expected number or to ``scale``, whichever is larger."""
    assert actual.shape == expected.shape
    if expected.size == 0:
        return 0.0
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), scale, 1e-300))


def distance(layer, dense, before=0.0):
    """Return the largest errors of the layer's W (as √π W), Q and w̄ against the oracle, relative to the largest entry
    of each. ``before`` is the largest entry of Q before a step: if the step shrinks Q, errors are relative to
    ``before``. Errors of w̄, whose terms cancel, are relative to its bound ‖p‖ ‖W‖."""
    p = np.sqrt(dense.pi)
    W = p[:, None] * dense.W
    Q = W.T @ W
    return {
        "W": off(p[:, None] * layer.weights().astype(np.float64), W),
        "Q": off(host(layer, layer.core.factors.Q), Q, before),
        "w_bar": off(host(layer, layer.core.factors.w_bar), p @ W, float(np.sqrt(p @ p * np.diag(Q).max()))),
    }


def broken_invariants(layer):
    """Return the distances of Q from WᵀW, of w̄ from Wᵀp, and of U U⁻¹ from I, scaled as in :func:`distance`.

    U U⁻¹ − I is relative to the condition number of U, which limits the accuracy of any inverse.
    """
    f = layer.core.factors
    p = np.ones(layer.n_outputs) if layer.core.p is None else layer.core.p
    W = layer.core.V.astype(np.float64) @ f.U + p[:, None] * f.omega
    Q = W.T @ W
    return {
        "Q": off(f.Q, Q),
        "w_bar": off(f.w_bar, p @ W, float(np.sqrt(p @ p * np.diag(Q).max()))),
        "U": float(np.abs(f.U @ f.U_inverse - np.eye(layer.n_features)).max()) / f.condition,
    }


def state(layer):
    """Return, as bytes, all numbers that a step may change."""
    f = layer.core.factors
    arrays = {"V": layer.core.V, "U": f.U, "U_inverse": f.U_inverse, "omega": f.omega, "Q": f.Q, "w_bar": f.w_bar}
    counters = np.array([layer.core.folds])
    return {name: array.tobytes() for name, array in arrays.items()} | {"counters": counters.tobytes()}

"""How far the CUDA kernels are from NumPy, on structures, texts and losses that reach all their branches."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

from support import problems
from support.emulation import compiler
from support.emulation.compiler import LaunchError
from support.emulation.host_adapter import HostAdapter
from support.losses import CASES
from wordsparse.kernels import Csr, Kernels, cuda
from wordsparse.layer import loss_pass
from wordsparse.layer.losses import LinearLoss, Loss, is_regression

Array = NDArray[Any]
needs_compiler = pytest.mark.skipif(compiler.COMPILER is None, reason=compiler.MISSING)


def difference(kernels: HostAdapter, d: int, lengths: list[int], columns: int) -> float:
    """How far the device's kernels are from NumPy's on rows of these lengths; inf where a launch is refused."""
    plain, random = Kernels(), np.random.default_rng(d)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries, rows = int(indptr[-1]), len(lengths)
    csr = Csr(indptr, random.integers(0, columns, entries).astype(np.int32), columns)
    values, left, right = (random.standard_normal(shape) for shape in (entries, (rows, d), (columns, d)))
    flipped = plain.transpose(csr)
    chosen = random.permutation(columns)[:rows]
    sides = []
    for side in (kernels, plain):
        matrix = right.copy()
        side.add_rows(matrix, chosen, left[: len(chosen)], values[: len(chosen)] if entries >= rows else None)
        sides.append(
            [
                side.combine(csr, values, right),
                side.combine(flipped, values, left),
                side.pair_dots(csr, left, right),
                matrix,
            ]
        )
    return max(float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0)) for a, b in zip(*sides, strict=True))


# Rows: one long one between others; all of them empty but one; starts and ends at the warps' borders of 64 entries;
# more warps than one block sums the carries of.
STRUCTURES = {
    "long": [3, 0, 700, 0, 0, 1, 5],
    "lonely": [0, 0, 0, 40, 0, 0],
    "borders": [64, 64, 128, 63, 1, 65, 127, 0, 64],
    "one": [1],
    "one-row": [1000],
    "many": [1, 2] * 90,
    "several-long": [200, 3, 500, 300, 65],
}
# A single column, a few lanes of a second part, and two tiles.
WORST_WIDTHS = (1, 33, 390)


def worst(kernels: HostAdapter, widths: tuple[int, ...] = WORST_WIDTHS) -> float:
    with mock.patch.object(cuda, "CARRY_BLOCKS", 2), np.errstate(all="ignore"):
        try:
            return max(difference(kernels, d, lengths, 11) for lengths in STRUCTURES.values() for d in widths)
        except LaunchError:
            return float("inf")


# Places and reach: no place, no bag, runs of 32 met and crossed, windows within one and over several of them.
TEXTS = {"nothing": (0, 1), "no bag": (1, 2), "runs": (64, 1), "crossed": (150, 5), "wide": (120, 70)}
# A single column, two of a thread, two tiles.
WORST_WINDOW_WIDTHS = (1, 65, 530)


def window_difference(kernels: HostAdapter, d: int, n: int, reach: int) -> float:
    """How far the windows' kernels are from plain products."""
    random, columns = np.random.default_rng(n + d), 7
    windows = problems.windows(random, n, columns, reach)
    B, m = problems.dense_bags(windows), windows.rows
    F, W, zeta, gamma = (random.standard_normal(shape) for shape in ((columns, d), (columns + 1, d), m, m))
    targets = random.integers(0, columns + 1, m).astype(np.int32)
    Gamma = np.zeros((m, columns + 1))
    Gamma[np.arange(m), targets] = gamma
    found = (
        kernels.window_means(windows, F),
        kernels.window_dots(windows, F, targets, W),
        *kernels.window_pull(windows, F, targets, W, zeta, gamma),
        kernels.window_sums(windows, zeta),
    )
    H = B @ F
    expected = (H, (H * W[targets]).sum(1), Gamma.T @ H, B.T @ (zeta[:, None] * H), B.T @ Gamma @ W, zeta @ B)
    return max(
        float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0)) for a, b in zip(found, expected, strict=True)
    )


def worst_window(kernels: HostAdapter) -> float:
    with np.errstate(all="ignore"):
        try:
            return max(window_difference(kernels, d, *text) for d in WORST_WINDOW_WIDTHS for text in TEXTS.values())
        except LaunchError:
            return float("inf")


# Regression has no terms of its own.
FUSED = {name: loss for name, (loss, _) in CASES.items() if not is_regression(loss)}


def loss_difference(kernels: HostAdapter, loss: Loss, dtype: str = "float64") -> float:
    """How far a loss's kernel is from its definition, relative to what is largest in each result."""
    plain, random = Kernels(), np.random.default_rng(0)
    lengths = [3, 0, 250, 0, 1, 40, 7]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries, m, total = int(indptr[-1]), len(lengths), 1.5
    csr = Csr(indptr, np.zeros(entries, np.int32), 1)
    y, o = (random.random(entries) + 0.5).astype(dtype), (3 * random.standard_normal(entries)).astype(dtype)
    o[:4] = 0, 50, -50, 1e-3
    s = random.standard_normal(m)
    q = s * s / total + random.random(m)
    q[2] = s[2] ** 2 / total  # no spread
    sides = []
    for side in (kernels, plain):
        all_of_it = loss_pass.per_example(loss, csr, y, o, q, s, total, side)
        sides.append([*all_of_it])
        if isinstance(loss, LinearLoss):
            sides[-1] += map(np.asarray, loss_pass.target_terms(loss, csr, y, o, total, side)[1:])
    with np.errstate(all="ignore"):
        errors = [np.abs(a - b) / max(np.abs(b).max(initial=0), 1e-3) for a, b in zip(*sides, strict=True)]
    return max(float(np.nan_to_num(error, nan=np.inf).max(initial=0)) for error in errors)


def worst_loss(kernels: HostAdapter) -> float:
    try:
        return max(loss_difference(kernels, loss) for loss in FUSED.values())
    except LaunchError:
        return float("inf")

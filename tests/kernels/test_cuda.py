"""The CUDA kernels, tested without a GPU: compiled for every architecture, and run on the emulated device."""

from unittest import mock

import numpy as np
import pytest
from support.emulation import cuda_kernels, nvrtc
from support.emulation.compiler import INSTANCES
from support.emulation.host_adapter import HostAdapter
from support.losses import CASES

from wordsparse.kernels import Csr, Kernels, cuda
from wordsparse.layer import loss_pass, losses
from wordsparse.layer.losses import LinearLoss, Taylor, is_regression

pytestmark = pytest.mark.nightly

# Values of d: for each, a lane of a warp handles a different number of columns; the last need more than one tile.
WIDTHS = (1, 31, 33, 65, 97, 150, 225, 300, 301, 390, 800)


@pytest.mark.skipif(nvrtc.library() is None, reason="nvidia-cuda-nvrtc-cu12 has no wheel here")
@pytest.mark.parametrize("architecture", ["sm_70", "sm_80", "sm_86", "sm_89", "sm_90"])
def test_sources_compile_for_every_architecture_without_a_warning(architecture):
    assert nvrtc.compile_for(architecture, cuda.source(), INSTANCES) == ""


def difference(kernels, d, lengths, columns):
    """Multiply a sparse matrix, whose row i has ``lengths[i]`` entries. Return the largest difference from NumPy, or
    inf if a result is NaN."""
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


# The number of entries of each row, for cases such as: one long row among short rows, a single row that is not empty,
# rows whose borders coincide with the 64 entries of a warp, and more partial sums than one block can add up.
STRUCTURES = {
    "long": [3, 0, 700, 0, 0, 1, 5],
    "lonely": [0, 0, 0, 40, 0, 0],
    "borders": [64, 64, 128, 63, 1, 65, 127, 0, 64],
    "one": [1],
    "one-row": [1000],
    "many": [1, 2] * 90,
    "several-long": [200, 3, 500, 300, 65],
}


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("d", WIDTHS)
def test_the_logic_of_the_kernels(d, name):
    """Test rows at the borders of warps, and more partial sums than blocks; test_kernels.py covers the rest."""
    for blocks in (2, cuda.CARRY_BLOCKS):
        with mock.patch.object(cuda, "CARRY_BLOCKS", blocks):
            assert difference(HostAdapter(cuda_kernels(emulated=True)), d, STRUCTURES[name], 9) < 1e-11


# Regression losses are left out: they have no terms per target, so they need no kernel.
FUSED = {name: loss for name, (loss, _) in CASES.items() if not is_regression(loss)}


def loss_difference(kernels, loss, dtype="float64"):
    """Return the largest error of a loss's kernel, relative to the largest number of each result."""
    plain, random = Kernels(), np.random.default_rng(0)
    lengths = [3, 0, 250, 0, 1, 40, 7]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries, m, total = int(indptr[-1]), len(lengths), 1.5
    csr = Csr(indptr, np.zeros(entries, np.int32), 1)
    y, o = (random.random(entries) + 0.5).astype(dtype), (3 * random.standard_normal(entries)).astype(dtype)
    o[:4] = 0, 50, -50, 1e-3
    s = random.standard_normal(m)
    q = s * s / total + random.random(m)
    q[2] = s[2] ** 2 / total  # the smallest possible q for s, with all outputs equal
    sides = []
    for side in (kernels, plain):
        all_of_it = loss_pass.per_example(loss, csr, y, o, q, s, total, side)
        sides.append([*all_of_it])
        if isinstance(loss, LinearLoss):
            sides[-1] += map(np.asarray, loss_pass.target_terms(loss, csr, y, o, None, total, side)[1:])
    with np.errstate(all="ignore"):
        errors = [np.abs(a - b) / max(np.abs(b).max(initial=0), 1e-3) for a, b in zip(*sides, strict=True)]
    return max(float(np.nan_to_num(error, nan=np.inf).max(initial=0)) for error in errors)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUSED)
def test_the_kernel_of_a_loss_is_its_definition(name, dtype):
    face = HostAdapter(cuda_kernels(emulated=True))
    assert loss_difference(face, FUSED[name], dtype) < (1e-12 if dtype == "float64" else 3e-6)


def test_a_loss_of_the_same_name_with_terms_of_its_own_has_no_kernel():
    class Mine(Taylor):
        def terms(self, o, q, s, total):
            return losses.Terms(0 * o + 7, 0 * o, 0 * o, 0 * o)

    assert loss_difference(HostAdapter(cuda_kernels(emulated=True)), Mine()) < 1e-12

"""The kernels on an NVIDIA GPU: CuPy's array operations and cuBLAS, and ``cu/*.cu`` for loops that those do badly.

The CUDA sources are compiled by NVRTC for the current GPU when a kernel is first called; CuPy keeps what was compiled
on disk. Sums are taken in an order that depends on sizes alone: the same numbers in, the same bytes out.
"""

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from wordsparse.kernels.base import Kernels
from wordsparse.kernels.structures import Csr, Windows
from wordsparse.machine import devices

# CuPy's arrays: it brings no types.
Array = Any

SOURCES = ("walk.cuh", "combine.cu", "pair_dots.cu", "add_rows.cu", "windows.cu", "losses.cu")
OPTIONS = ("--std=c++17",)
# As in the sources.
WARP = 32
ENTRIES_PER_WARP = 64
CARRY_BLOCKS = 1024
BLOCK = 256
NULL = np.uintp(0)  # a pointer, as a number
WARPS_PER_BLOCK = BLOCK // WARP
# Bags or places of a block of the windows' kernels; columns of one of its threads, and its largest number of warps.
RUN, COLUMNS, MAX_WARPS = 32, 2, 8
# Columns that a lane of `combine` holds: for each a register of sums and a load under way.
PARTS = (1, 2, 3, 4, 6, 8, 10, 12)


class CudaKernels(Kernels):
    """Kernels on the GPU that is current in this thread, by ``cupy`` or a stand-in for it; None imports it.

    A MissingDependencyError or an InputError says that there is no CuPy, or no GPU that it can use. cuBLAS rounds the
    factors of float32 products to TF32 (10 bits of mantissa) where CuPy's environment variable CUPY_TF32 is 1: faster,
    and far from exact.
    """

    device = "cuda"

    def __init__(self, cupy: Any = None) -> None:
        self.xp = devices.usable_cupy() if cupy is None else cupy
        # Of one minibatch, which asks several times.
        self._last_places: tuple[Windows, tuple[Array, Array]] | None = None

    def to_device(self, array: Array) -> Array:
        return self.xp.asarray(array)

    def to_host(self, array: Array) -> Array:
        return np.asarray(self.xp.asnumpy(array, order="A"))  # as it lies there

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        count, d = change.shape
        if change.size == 0:
            return
        scale = NULL if scale is None else self._packed(scale, matrix.dtype)
        arguments = (matrix, rows, scale, self._packed(change, matrix.dtype), np.int64(count), np.int64(d))
        self._launch("add_rows", matrix.dtype, _blocks(count), arguments)

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        values = values if csr.order is None else self.xp.take(values, csr.order)
        return self._combine(csr.indptr, values.astype(np.float64)[:, None])[:, 0]

    def loss_sums(
        self,
        loss: str,
        constants: tuple[float, ...],
        csr: Csr,
        y: Array,
        o: Array,
        q: Array | None,
        s: Array | None,
        total: float,
    ) -> tuple[Array, Array, Array, Array]:
        xp, entries = self.xp, csr.entries
        sums, gamma = xp.empty((entries, 3), np.float64), xp.empty(entries, o.dtype)
        if entries:
            a, b = (*constants, 0.0, 0.0)[:2]
            y, o = self._packed(y, o.dtype), self._packed(o, o.dtype)
            q, s = (NULL if sum_ is None else self._packed(sum_, np.float64) for sum_ in (q, s))
            numbers = (np.float64(total), np.float64(a), np.float64(b))
            sizes = (np.int64(csr.rows), np.int64(entries))
            arguments = (csr.indptr, y, o, q, s, *numbers, sums, gamma, *sizes)
            self._launch(f"loss_terms:{loss}", o.dtype, (_ceiling(entries, BLOCK),), arguments)
        losses, alpha, beta = xp.ascontiguousarray(self._combine(csr.indptr, sums).T)
        return losses, alpha, beta, gamma

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        out = self.xp.empty(csr.entries, left.dtype)
        if csr.entries:
            left, right = self._packed(left, out.dtype), self._packed(right, out.dtype)
            sizes = (np.int64(csr.rows), np.int64(csr.entries), np.int64(left.shape[1]))
            grid = _blocks(_ceiling(csr.entries, ENTRIES_PER_WARP))
            self._launch("pair_dots", out.dtype, grid, (csr.indptr, csr.indices, left, right, out, *sizes))
        return out

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        order = NULL if csr.order is None else csr.order
        combined = self._combine(csr.indptr, rows, csr.indices, order, self._packed(values, rows.dtype))
        if base is not None and scale is not None:
            combined += scale[:, None] * base
        return combined

    def window_means(self, windows: Windows, features: Array) -> Array:
        d = features.shape[1]
        out = self.xp.empty((windows.rows, d), features.dtype)
        if out.size:
            arguments = (*self._bags(windows, out.dtype), self._packed(features, out.dtype), out)
            self._over_runs("window_means", windows.rows, d, out.dtype, (*arguments, np.int64(windows.rows)))
        return out

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        d = features.shape[1]
        out = self.xp.zeros(windows.rows, features.dtype)
        if out.size and d:
            features, rows = self._packed(features, out.dtype), self._packed(rows, out.dtype)
            arguments = (*self._bags(windows, out.dtype), features, targets, rows, out)
            self._over_runs("window_dots", windows.rows, d, out.dtype, (*arguments, np.int64(windows.rows)))
        return out

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        H = self.window_means(windows, features)
        X = self.combine(self._by_target(targets, rows), gamma, H)
        share = windows.share.astype(features.dtype)
        Z = self._pulled(windows, share * zeta, H, NULL)
        return X, Z, self._pulled(windows, share * gamma, self._packed(rows, features.dtype), targets)

    def window_sums(self, windows: Windows, values: Array, squares: Array) -> tuple[Array, Array]:
        def sums(shares: Array) -> Array:
            return self._pulled(windows, shares, self.xp.ones((windows.rows, 1)), NULL)[:, 0]

        return sums(values * windows.share), sums(squares * windows.share**2)

    def _pulled(self, windows: Windows, by: Array, X: Array, index: Array) -> Array:
        """Each column's sum of ``by_j X[index_j]`` (X_j where ``index`` is null) over the bags j that it is in.

        First the sum that each place of the text receives, then the sum over a column's places, in their order.
        """
        xp, n, d = self.xp, windows.tokens.shape[0], X.shape[1]
        if windows.rows == 0 or d == 0:
            return xp.zeros((windows.columns, d), X.dtype)
        received = xp.empty((n, d), X.dtype)
        arguments = (windows.centre, windows.start, windows.stop, self._packed(by, X.dtype), X, index, received)
        sizes = (np.int64(windows.reach), np.int64(windows.rows), np.int64(n))
        self._over_runs("window_received", n, d, X.dtype, (*arguments, *sizes))
        order, indptr = self._places(windows)
        return self._combine(indptr, received, order)[: windows.columns]

    def _bags(self, windows: Windows, dtype: Any) -> tuple[Array, ...]:
        return windows.tokens, windows.centre, windows.start, windows.stop, windows.share.astype(dtype)

    def _places(self, windows: Windows) -> tuple[Array, Array]:
        """The places of the text in the order of their columns, int32, and where each column's begin; after the last
        column those without a token."""
        if self._last_places is None or self._last_places[0] is not windows:
            nowhere = np.int32(windows.columns)
            owners = self.xp.where(windows.tokens < 0, nowhere, windows.tokens)
            order, indptr = self._sorted(owners, windows.columns + 1)
            self._last_places = windows, (order.astype(np.int32), indptr)
        return self._last_places[1]

    def _combine(self, indptr: Array, rows: Array, indices: Any = NULL, order: Any = NULL, values: Any = NULL) -> Array:
        """Each row's sum of ``values[order[e]] rows[indices[e]]`` over its entries e; NULL: ones, in stored order."""
        xp, (count, d) = self.xp, rows.shape
        entries = count if indices is NULL else indices.shape[0]
        out = xp.zeros((indptr.shape[0] - 1, d), rows.dtype)
        if entries == 0 or d == 0:
            return out
        warps = _ceiling(entries, ENTRIES_PER_WARP)
        carry, owner = xp.empty((warps, d), out.dtype), xp.empty(warps, np.int64)
        parts, sizes = _parts(d), (np.int64(out.shape[0]), np.int64(entries), np.int64(d))
        self._launch(
            f"combine:{parts}",
            out.dtype,
            (*_blocks(warps), _ceiling(d, WARP * parts)),
            (indptr, indices, order, values, self._packed(rows, out.dtype), out, carry, owner, *sizes),
        )
        if warps > 1:
            grid = (min(warps, CARRY_BLOCKS), _ceiling(d, WARP))
            self._launch("combine_carry", out.dtype, grid, (indptr, carry, owner, out, np.int64(warps), np.int64(d)))
        return out

    def _packed(self, array: Array, dtype: Any) -> Array:
        """Row after row without gaps in ``dtype``, as the kernels read it."""
        return self.xp.ascontiguousarray(array, dtype=dtype)

    def _over_runs(self, kernel: str, count: int, d: int, dtype: Any, arguments: tuple[Any, ...]) -> None:
        """Launch one of the windows' kernels over ``count`` bags or places; d is its last argument."""
        warps = min(_ceiling(d, WARP * COLUMNS), MAX_WARPS)
        self._launch(kernel, dtype, (_ceiling(count, RUN),), (*arguments, np.int64(d)), WARP * warps)

    def _launch(
        self, kernel: str, dtype: Any, grid: tuple[int, ...], arguments: tuple[Any, ...], block: int = BLOCK
    ) -> None:
        name, _, parts = kernel.partition(":")
        scalar = {"f4": "float", "f8": "double"}[dtype.str[1:]]
        compiled = _compiled(self.xp, f"{name}<{scalar}{', ' + parts if parts else ''}>")
        compiled(grid, (block,), arguments)


@cache
def source() -> str:
    """All the CUDA sources, as one."""
    folder = resources.files("wordsparse.kernels") / "cu"
    return "".join((folder / name).read_text(encoding="utf-8") for name in SOURCES)


@cache
def _compiled(cupy: Any, name: str) -> Callable[..., None]:
    """A kernel with its template arguments, as CuPy gives it."""
    module = cupy.RawModule(code=source(), options=OPTIONS, name_expressions=[name])
    function: Callable[..., None] = module.get_function(name)
    return function


def _parts(d: int) -> int:
    """Columns a lane, so that few lanes of few tiles idle."""
    wanted = _ceiling(d, WARP)
    tiles = _ceiling(wanted, PARTS[-1])
    return next(parts for parts in PARTS if parts * tiles >= wanted)


def _blocks(warps: int) -> tuple[int]:
    return (_ceiling(warps, WARPS_PER_BLOCK),)


def _ceiling(a: int, b: int) -> int:
    return -(-a // b)

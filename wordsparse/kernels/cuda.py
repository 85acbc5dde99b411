"""The kernels on an NVIDIA GPU: CuPy's array operations and cuBLAS, and our own kernels in ``cu/*.cu`` where CuPy is
slow.

When a kernel is first called, NVRTC compiles the CUDA sources for the current GPU, and CuPy caches the result on disk.
The order of summation depends only on the sizes of the arrays, so the same numbers give the same bytes.
"""

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from wordsparse.kernels.base import Kernels
from wordsparse.kernels.structures import Csr, Structure, mapped
from wordsparse.machine import devices

# The type of CuPy's arrays; CuPy has no type annotations.
Array = Any

SOURCES = ("walk.cuh", "combine.cu", "pair_dots.cu", "add_rows.cu", "losses.cu")
OPTIONS = ("--std=c++17",)
# WARP and ENTRIES_PER_WARP must equal the constants in cu/walk.cuh.
WARP = 32
ENTRIES_PER_WARP = 64
CARRY_BLOCKS = 1024
BLOCK = 256
NULL = np.uintp(0)  # a null pointer
WARPS_PER_BLOCK = BLOCK // WARP
# The numbers of columns that a lane of `combine` may handle. Each column needs two registers, one for its sum and one
# for a loaded number.
PARTS = (1, 2, 3, 4, 6, 8, 10, 12)


class CudaKernels(Kernels):
    """Kernels on the current GPU of this thread. ``cupy`` is the module CuPy or a substitute; if it is None, CuPy is
    imported.

    Raise MissingDependencyError if CuPy is missing, and InputError if CuPy finds no usable GPU. If CuPy's environment
    variable CUPY_TF32 is 1, cuBLAS rounds the factors of float32 products to TF32 (10 bits of mantissa). TF32 is
    faster, but far from exact.
    """

    device = "cuda"

    def __init__(self, cupy: Any = None) -> None:
        self.xp = devices.usable_cupy() if cupy is None else cupy

    def to_device(self, array: Array) -> Array:
        return self.xp.asarray(array)

    def to_host(self, array: Array) -> Array:
        return np.asarray(self.xp.asnumpy(array, order="A"))  # keeps the memory order (C or Fortran)

    def place(self, structure: Structure) -> Structure:
        return mapped(structure, self.to_device)

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

    def _times(self, csr: Csr, values: Array, rows: Array) -> Array:
        order = NULL if csr.order is None else csr.order
        return self._combine(csr.indptr, rows, csr.indices, order, self._packed(values, rows.dtype))

    def _sums(self, owners: Array, values: Array, count: int) -> Array:
        # CuPy's bincount is not used: it adds in the order in which threads arrive, so its sums are not reproducible.
        order, indptr = self._sorted(owners, count)
        return self._combine(indptr, values.astype(np.float64)[:, None], order.astype(np.int32))[:, 0]

    def _combine(self, indptr: Array, rows: Array, indices: Any = NULL, order: Any = NULL, values: Any = NULL) -> Array:
        """Return, for each row, Σ ``values[order[e]] rows[indices[e]]`` over the entries e of the row. If ``values`` is
        NULL, all values are 1. NULL as ``order`` or ``indices`` stands for 0, 1, 2, …"""
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
        """Return the array in ``dtype`` and C order, without gaps between rows. The kernels require this layout."""
        return self.xp.ascontiguousarray(array, dtype=dtype)

    def _launch(self, kernel: str, dtype: Any, grid: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
        name, _, parts = kernel.partition(":")
        scalar = {"f4": "float", "f8": "double"}[dtype.str[1:]]
        compiled = _compiled(self.xp, f"{name}<{scalar}{', ' + parts if parts else ''}>")
        compiled(grid, (BLOCK,), arguments)


@cache
def source() -> str:
    """Return all CUDA sources as one text."""
    folder = resources.files("wordsparse.kernels") / "cu"
    return "".join((folder / name).read_text(encoding="utf-8") for name in SOURCES)


@cache
def _compiled(cupy: Any, name: str) -> Callable[..., None]:
    """Return CuPy's kernel object for a name with template arguments."""
    module = cupy.RawModule(code=source(), options=OPTIONS, name_expressions=[name])
    function: Callable[..., None] = module.get_function(name)
    return function


def _parts(d: int) -> int:
    """Return how many columns each lane processes: the smallest number in PARTS that covers d columns with the fewest
    tiles."""
    needed = _ceiling(d, WARP)
    tiles = _ceiling(needed, PARTS[-1])
    return next(parts for parts in PARTS if parts * tiles >= needed)


def _blocks(warps: int) -> tuple[int]:
    return (_ceiling(warps, WARPS_PER_BLOCK),)


def _ceiling(a: int, b: int) -> int:
    return -(-a // b)

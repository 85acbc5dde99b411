"""Number types of stored vectors: float32 exactly, half precision, or 8-bit integers with one scale a row.

float16 keeps 11 significant bits: numbers change by at most 2⁻¹¹ of themselves, or by 2⁻²⁵ below 2⁻¹⁴. int8 stores
q = round(127 v / max|v|) for each row v, and the row's scale max|v| / 127, so that v ≈ q · scale: no number changes by
more than half of its row's scale.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError

PRECISIONS = ("float32", "float16", "int8")


def packed(vectors: NDArray[np.float32], precision: str) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """The vectors (V, dim) in a precision, and the scales (V,) of int8.

    InputError if a number is too large for half precision.
    """
    if precision == "float16":
        with np.errstate(over="ignore"):
            half = vectors.astype(np.float16)
        if not np.isfinite(half).all():
            raise InputError("a number is beyond 65,504, the largest of float16: use float32 or int8")
        return half, None
    if precision == "int8":
        largest = np.abs(vectors).max(axis=1, initial=0)
        divisors = np.where(largest > 0, largest, 1).astype(np.float64)[:, None]
        return np.rint(vectors * (127 / divisors)).astype(np.int8), (largest / 127).astype(np.float32)
    return np.ascontiguousarray(vectors, np.float32), None


def arrays(vectors: NDArray[np.float32], precision: str, counts: NDArray[np.int64] | None) -> dict[str, NDArray[Any]]:
    """What a file holds of vectors, by its names there: ``vectors``, ``scales`` of int8, ``counts`` if known."""
    matrix, scales = packed(vectors, precision)
    named = {"vectors": matrix, "scales": scales, "counts": counts}
    return {name: np.ascontiguousarray(array) for name, array in named.items() if array is not None}


def unpacked(vectors: NDArray[Any], scales: NDArray[Any] | None) -> NDArray[np.float32]:
    """The inverse of :func:`packed`, as float32; InputError if these are other numbers, or 8-bit vectors have no scale
    for each row."""
    if vectors.dtype.kind != "f" and vectors.dtype != np.int8:
        raise InputError(f"vectors must be floating-point numbers or int8, not {vectors.dtype}; convert them")
    if vectors.dtype != np.int8:
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which WordVectors refuses
            return vectors.astype(np.float32, copy=False)
    if scales is None or scales.shape != vectors.shape[:1]:
        raise InputError(
            "8-bit vectors need the array scales, one number for each row; store them, or the vectors as float32"
        )
    return np.asarray(vectors * scales.astype(np.float32)[:, None], np.float32)

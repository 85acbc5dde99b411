"""Checks the user's arguments before any state changes. Each message names the argument."""

import functools
import math
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from wordsparse.errors import InputError
from wordsparse.types import Array

LARGEST = 2**63 - 1
# The largest difference between a symmetric matrix and its transpose, as a fraction of the largest entry.
SYMMETRY = 1e-5
# Up to this number of entries, a temporary array is cheaper than a call of BLAS.
SMALL = 2**16
# Advice in error messages, if a number is not finite, or if the arrays of a sparse matrix do not fit together.
REPLACE = "remove or replace it"
REBUILD = "build it with scipy.sparse.coo_array((values, (rows, columns)), shape)"


def path(value: object) -> Path:
    """Return a path. Raise InputError unless ``value`` is a str or a path object, without NUL."""
    if isinstance(value, str | os.PathLike) and "\0" not in (name := os.fspath(value)):
        return Path(name)
    raise InputError(f"{value!r:.80} is no path: give the path of a file or a directory, as a str")


def plain(value: Any) -> Any:
    """Return a NumPy number, Boolean or string as a Python object, which JSON can store. Return other values
    unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def whole(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """Return ``value`` as an int. Raise InputError unless the value is a whole number between ``least`` and ``most``,
    inclusive."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name} must be a whole number, not {value!r}") from None
    if number < least:
        raise InputError(f"{name} must be at least {least}, not {number}")
    if most is not None and number > most:
        raise InputError(f"{name} must be at most {most:,}, not {number:,}")
    return number


positive_int = functools.partial(whole, least=1, most=LARGEST)
"""Return ``value`` as an int. Raise InputError unless the value is positive and fits 64 bits."""


def finite(name: str, value: Any, least: float = -math.inf, most: float = math.inf) -> float:
    """Return ``value`` as a finite float. Raise InputError unless the value is between ``least`` and ``most``,
    inclusive."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, not {value!r}") from None
    except OverflowError:  # an integer outside the range of float
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, not {number}")
    if number < least:
        raise InputError(f"{name} must be a finite number of at least {least:g}, not {number}")
    if number > most:
        raise InputError(f"{name} must be at most {most:g}, not {number}")
    return number


non_negative = functools.partial(finite, least=0.0)
"""Return ``value`` as a finite float. Raise InputError if the value is negative."""


def one_of(*choices: str) -> Callable[[str, Any], str]:
    """Return a function that checks that a value is one of the ``choices``."""

    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise InputError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    return check


def working_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype if it is float32 or float64. Raise InputError otherwise."""
    try:
        resolved: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise InputError(f"dtype must be float32 or float64, not {dtype!r}") from None
    if resolved not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise InputError(f"dtype must be float32 or float64, not {resolved}")
    return resolved


def _real_array(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    """Return ``value`` as an array of real numbers. A None in ``shape`` allows any size along this axis."""
    is_sparse: bool = sp.issparse(value)
    if is_sparse:
        raise InputError(f"{name} must be a dense array, not a sparse {type(value).__name__}: give {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array, whose hidden numbers would count: give {name}.filled(number)")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} is not an array: {error}; give numpy.array of rows of the same length") from None
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InputError(f"{name} must have shape ({wanted}{',' if len(shape) == 1 else ''}), not {array.shape}")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    return array


def base_measure(measure: ArrayLike, n_outputs: int, dtype: np.dtype[Any]) -> Array:
    """Return the base measure π, (D,) float64. The entries of π are positive and sum to 1. ``dtype`` must be able to
    represent 1/√π."""
    pi = _real_array("base_measure", measure, (n_outputs,)).astype(np.float64)
    if not (np.isfinite(pi).all() and (pi > 0).all()):
        raise InputError("base_measure must hold positive finite numbers only")
    pi /= pi.max()  # prevents overflow in the sum
    pi /= pi.sum()
    if 1 / np.sqrt(pi.min()) > np.finfo(dtype).max:
        raise InputError(
            f"base_measure spans too wide a range for {dtype}: its smallest entry is {pi.min():.3g}; raise it, or "
            "use float64"
        )
    return pi


def counts(name: str, value: ArrayLike, size: int) -> Array:
    """Return ``value`` as an array (size,) float64 of non-negative numbers with a finite sum."""
    array = _real_array(name, value, (size,)).astype(np.float64)
    with np.errstate(over="ignore"):
        has_sum = np.isfinite(array.sum())
    if not (has_sum and (array >= 0).all()):
        raise InputError(f"{name} must hold finite numbers of at least 0 only, and their sum must be finite")
    return array


def all_finite(array: Array) -> bool:
    """Return whether every number is finite. A large array is read once if possible, without temporary arrays."""
    return bool((array.size > SMALL and np.isfinite(np.vdot(array, array))) or np.isfinite(array).all())


def matrix(name: str, value: ArrayLike, columns: int, dtype: np.dtype[Any], first_row: int = 0) -> Array:
    """Return ``value`` as a C-contiguous matrix (any, columns) of finite real numbers in ``dtype``."""
    array = _real_array(name, value, (None, columns))
    with np.errstate(over="ignore"):  # an overflow is detected below
        array = np.ascontiguousarray(array, dtype)
    if not all_finite(array):
        row = first_row + int(np.flatnonzero(~np.isfinite(array).all(1))[0])
        raise InputError(f"{name} holds a value that is not a finite {dtype} number, first in row {row}; {REPLACE}")
    return array


def device_matrix(name: str, array: Array, columns: int, dtype: np.dtype[Any]) -> Array:
    """Check an array that is already on the device, as :func:`matrix` checks other arrays."""
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"{name} must have shape (any, {columns}), not {array.shape}")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    array = array.astype(dtype, copy=False)
    if not all_finite(array):
        raise InputError(f"{name} holds a value that is not a finite {dtype} number; {REPLACE}")
    return array


def positive_definite(name: str, value: ArrayLike, size: int) -> Array:
    """Return ``value`` as a float64 matrix (size, size). The matrix must be symmetric and positive definite up to
    float32 rounding."""
    if np.shape(value) != (size, size):
        raise InputError(f"{name} must have shape ({size}, {size}), not {np.shape(value)}")
    array = matrix(name, value, size, np.dtype(np.float64))
    if np.abs(array - array.T).max() > SYMMETRY * np.abs(array).max():
        raise InputError(f"{name} must be symmetric: give ({name} + {name}.T) / 2 if it nearly is")
    try:
        np.linalg.cholesky(array + SYMMETRY * np.abs(array).max() * np.eye(size))
    except np.linalg.LinAlgError:
        raise InputError(
            f"{name} must be positive definite: it has a negative eigenvalue; add a positive number to its diagonal"
        ) from None
    return array


def output_rows(rows: ArrayLike, n_outputs: int, name: str = "rows") -> Array:
    """Return indices of outputs as int64 (n,), after checking their range. Messages call the indices ``name``."""
    array = np.atleast_1d(np.asarray(rows))
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise InputError(f"{name} must be a sequence of whole numbers, not {array.dtype} of shape {array.shape}")
    array = array.astype(np.int64)
    if array.size and not (array.min() >= 0 and array.max() < n_outputs):
        raise InputError(f"{name} must be from 0 to {n_outputs - 1}, not {array.min()} to {array.max()}")
    return array


def sparse_targets(
    Y: Any, examples: int, n_outputs: int, dtype: np.dtype[Any], *, add_up: bool
) -> tuple[Array, Array, Array]:
    """Return the arrays (indptr, columns, values) of a SciPy sparse matrix Y (examples, D), after validation.

    With ``add_up``, repeated entries are added up, as in SciPy.
    """
    is_sparse: bool = sp.issparse(Y)
    if not is_sparse:
        raise InputError(
            f"Y must be a SciPy sparse matrix of shape ({examples}, {n_outputs}), not {type(Y).__name__}: give "
            "scipy.sparse.csr_array(Y)"
        )
    if Y.shape != (examples, n_outputs):
        raise InputError(f"Y must have shape ({examples}, {n_outputs}), one row per example, not {Y.shape}")
    return _sparse_parts("Y", Y, dtype, add_up=add_up)


def csr(name: str, matrix: Any, dtype: np.dtype[Any]) -> Any:
    """Return a SciPy sparse matrix as CSR with sorted columns and without repeated entries. All numbers must be finite
    in ``dtype``.

    The result may share the arrays of ``matrix``.
    """
    is_sparse: bool = sp.issparse(matrix)
    if not is_sparse or len(matrix.shape) != 2:
        raise InputError(f"{name} must be a SciPy sparse matrix, not {type(matrix).__name__}")
    indptr, columns, values = _sparse_parts(name, matrix, dtype, add_up=True)
    size = np.int32 if max(matrix.shape[1], values.shape[0]) < 2**31 else np.int64
    return sp.csr_array((values, columns.astype(size), indptr.astype(size)), shape=matrix.shape)


def _sparse_parts(name: str, matrix: Any, dtype: np.dtype[Any], *, add_up: bool) -> tuple[Array, Array, Array]:
    if matrix.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, not {matrix.dtype}")
    if isinstance(getattr(matrix, "data", None), np.ma.MaskedArray):
        raise InputError(f"{name} has data of a masked array, whose hidden numbers would count")
    try:
        rows = _as_csr(matrix)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InputError(f"{name} is not a valid {matrix.format.upper()} matrix: {error}; {REBUILD}") from None
    if add_up and not rows.has_canonical_format:
        # Copy the arrays, because adding up in place would change the caller's arrays.
        parts = _summable(rows.data).copy(), rows.indices.copy(), rows.indptr.copy()
        rows = sp.csr_array(parts, shape=rows.shape)
        rows.sum_duplicates()
    indptr, columns = rows.indptr.astype(np.int64), rows.indices.astype(np.int64)
    with np.errstate(over="ignore"):
        values = rows.data.astype(dtype)
    if not all_finite(values):
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        where = f"row {np.searchsorted(indptr, at, side='right') - 1}, column {columns[at]}"
        raise InputError(f"{name} holds a value that is not a finite {dtype} number, first in {where}; {REPLACE}")
    return indptr, columns, values


def _as_csr(matrix: Any) -> Any:
    """Return a sparse matrix as a new CSR array that shares the arrays of the old one if possible. A new matrix is
    needed because SciPy checks arrays when a matrix is made, but not if they are replaced later. Compiled code does not
    check the arrays again."""
    if matrix.format not in ("csr", "csc"):
        entries = matrix.tocoo()
        return sp.coo_array((_summable(entries.data), (entries.row, entries.col)), shape=matrix.shape).tocsr()
    kind = sp.csr_array if matrix.format == "csr" else sp.csc_array
    new = kind((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
    new.check_format()
    return new.tocsr()


def _summable(values: Array) -> Array:
    """Return whole numbers as float64, so that their sums do not overflow. In uint8, for example, 200 + 200 is 144."""
    return values.astype(np.float64) if values.dtype.kind in "iu" else values


def texts_of(X: Any) -> Iterable[Any]:
    """Return the documents of X. If X is a table with one column, the documents are its cells.

    Raise InputError if X is a single str, is not iterable, or is a table with several columns.
    """
    if isinstance(X, str) or not isinstance(X, Iterable):
        raise InputError(f"X must be an iterable of texts, not {X!r:.80}")
    if getattr(X, "ndim", 1) != 2 and not hasattr(X, "columns"):
        return X
    table = np.asarray(X, object)
    if table.ndim != 2 or table.shape[1] != 1:
        raise InputError(f"X has the shape {table.shape}, not one column of texts: choose a column, X[NAME]")
    return list(table[:, 0])


def words_of(name: str, text: Any) -> Sequence[Any]:
    """Return the words of a text that is given as a sequence of words. Raise InputError for a text of any other type.
    ``name`` is the name of the text in the message."""
    if isinstance(text, bytes) or not isinstance(text, Iterable):
        remedy = "replace missing texts with '', for example by fillna('')"
        raise InputError(f"{name} must be a text or a sequence of words, not {text!r:.80}: {remedy}")
    return text if isinstance(text, Sequence) else list(text)

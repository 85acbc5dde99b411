"""Conversion of tensors into arrays, and of all forms of targets into three arrays: row, id and weight per target."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from wordsparse.errors import InputError
from wordsparse.types import Array

FORMS = "ids (m,), or (m, K) padded with ignore_index; (rows, ids, weights); or weights (m, D), sparse or dense"


def array(tensor: Tensor) -> Array:
    """Return a tensor as a host array, in a precision that NumPy supports."""
    tensor = tensor.detach().cpu()
    values: Array = (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()
    return values


def host(value: Any) -> Any:
    """Return a tensor as a host array, and any other value unchanged."""
    return array(value) if isinstance(value, Tensor) else value


def triple(target: Any, shape: tuple[int, int], ignore_index: int) -> tuple[tuple[Array, ...], Array | None]:
    """Return rows, ids and weights of targets of ``shape`` (m, D), and a mask of the rows with targets (None means
    all).

    Raise InputError if the target has no accepted form, or does not fit the shape.
    """
    if isinstance(target, tuple) and len(target) == 3:
        return _of_parts(*target), None
    if isinstance(target, Tensor):
        target = _of_tensor(target)
    if isinstance(target, np.ndarray) and target.dtype.kind in "iu":
        return _of_ids(target, shape, ignore_index)
    if isinstance(target, np.ndarray) or sp.issparse(target):
        return _of_weights(target, shape), None
    advice = (
        ": give torch.as_tensor(target), or for rows of different lengths torch.nn.utils.rnn.pad_sequence("
        f"[torch.as_tensor(ids) for ids in target], batch_first=True, padding_value={ignore_index})"
    )
    raise InputError(f"target must be {FORMS}, not {type(target).__name__}{advice if isinstance(target, list) else ''}")


def _of_tensor(target: Tensor) -> Any:
    """Return a tensor as an array, or as a SciPy matrix if it is sparse."""
    if target.layout is torch.strided:
        return array(target)
    entries = target.to_sparse_coo().coalesce()
    return sp.coo_array((array(entries.values()), tuple(array(entries.indices()))), target.shape)


def _of_ids(target: Array, shape: tuple[int, int], ignore_index: int) -> tuple[tuple[Array, ...], Array]:
    m = shape[0]
    if target.shape[:1] != (m,) or target.ndim > 2 or (target.ndim == 2 and target.shape == shape):
        raise InputError(
            f"target of whole numbers must have {m} ids, or {m} rows of ids, not the shape {target.shape}; "
            "for a multi-hot target, with one number per class, give target.float()"
        )
    columns = target[:, None] if target.ndim == 1 else target
    is_target = columns != ignore_index
    ids = columns[is_target].astype(np.int64)
    return (np.nonzero(is_target)[0], ids, np.ones(ids.size, np.float32)), is_target.any(1)


def _of_weights(target: Any, shape: tuple[int, int]) -> tuple[Array, ...]:
    """Convert weights (m, D), as an array or a SciPy matrix."""
    if target.shape != shape:
        raise InputError(
            f"Y of {target.dtype} must have shape {shape}, one row per example, not {target.shape}: targets are {FORMS}"
        )
    entries = sp.coo_array(target)
    return entries.row.astype(np.int64), entries.col.astype(np.int64), real(entries.data)


def _of_parts(rows: Any, ids: Any, weights: Any) -> tuple[Array, ...]:
    rows, ids = (array(torch.as_tensor(part)) for part in (rows, ids))
    weights = np.ones(ids.shape, np.float32) if weights is None else array(torch.as_tensor(weights))
    are_whole = all(part.dtype.kind in "iu" or not part.size for part in (rows, ids))
    if not (rows.ndim == 1 and rows.shape == ids.shape == weights.shape and are_whole):
        kinds = ", ".join(f"{part.dtype} of shape {part.shape}" for part in (rows, ids, weights))
        raise InputError(
            "rows, ids and weights of the targets must be vectors of the same length, the first two of whole numbers, "
            f"not {kinds}"
        )
    return rows.astype(np.int64), ids.astype(np.int64), real(weights)


def real(weights: Array) -> Array:
    """Return weights as floating-point numbers."""
    return weights if weights.dtype.kind == "f" else weights.astype(np.float32)


def is_whole(ids: Any) -> bool:
    """Return whether ``ids`` is a tensor of integers."""
    return isinstance(ids, Tensor) and not (ids.is_floating_point() or ids.is_complex() or ids.dtype is torch.bool)

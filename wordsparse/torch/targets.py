"""Conversion of all forms of targets into three tensors: the row, the id and the weight of each target."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from wordsparse import validation
from wordsparse.errors import InputError

FORMS = "ids (m,), or (m, K) padded with ignore_index; (rows, ids, weights); or weights (m, D), sparse or dense"

Triple = tuple[Tensor, Tensor, Tensor]


def triple(target: Any, shape: tuple[int, int], ignore_index: int) -> tuple[Triple, Tensor | None]:
    """Return rows, ids and weights of targets of ``shape`` (m, D), and a mask of the rows with targets (None means
    all).

    Raise InputError if the target has no accepted form, or does not fit the shape.
    """
    if isinstance(target, np.ndarray):
        target = torch.from_numpy(target)
    if isinstance(target, Tensor) and target.layout is torch.strided and is_whole(target):
        return _of_ids(target, shape, ignore_index)
    if isinstance(target, Tensor):
        return _of_weights(target, shape), None
    if sp.issparse(target):
        return _of_scipy(target, shape), None
    if isinstance(target, tuple) and len(target) == 3:
        return _of_parts(*target), None
    advice = (
        ": give torch.as_tensor(target), or for rows of different lengths torch.nn.utils.rnn.pad_sequence("
        f"[torch.as_tensor(ids) for ids in target], batch_first=True, padding_value={ignore_index})"
    )
    raise InputError(f"target must be {FORMS}, not {type(target).__name__}{advice if isinstance(target, list) else ''}")


def _of_ids(target: Tensor, shape: tuple[int, int], ignore_index: int) -> tuple[Triple, Tensor]:
    """Convert ids. Padding becomes target 0 with weight 0, so that shapes do not depend on the content."""
    m = shape[0]
    if target.shape[:1] != (m,) or target.ndim > 2 or (target.ndim == 2 and target.shape == shape):
        raise InputError(
            f"target of whole numbers must have {m} ids, or {m} rows of ids, not the shape {tuple(target.shape)}; "
            "for a multi-hot target, with one number per class, give target.float()"
        )
    target = (target[:, 0] if target.shape[1:] == (1,) else target).long()
    rows = torch.arange(m, device=target.device)
    is_target = target != ignore_index
    ids, weights = torch.where(is_target, target, 0).ravel(), is_target.ravel().float()
    if target.ndim == 1:
        return (rows, ids, weights), is_target
    return (rows.repeat_interleave(target.shape[1]), ids, weights), is_target.any(1)


def _of_weights(target: Tensor, shape: tuple[int, int]) -> Triple:
    """Convert a tensor of weights (m, D), dense or sparse in any layout."""
    if tuple(target.shape) != shape:
        raise InputError(
            f"target of {target.dtype} must have shape {shape}, one row per example, not {tuple(target.shape)}: "
            f"targets are {FORMS}"
        )
    entries = target.to_sparse_coo().coalesce()
    rows, ids = entries.indices()
    weights = entries.values()
    return rows, ids, weights.float() if weights.dtype is torch.bool else weights


def _of_parts(rows: Any, ids: Any, weights: Any) -> Triple:
    rows, ids = torch.as_tensor(rows), torch.as_tensor(ids)
    weights = torch.ones(ids.shape, device=ids.device) if weights is None else torch.as_tensor(weights)
    are_whole = all(is_whole(part) or not part.numel() for part in (rows, ids))
    if not (rows.ndim == 1 and rows.shape == ids.shape == weights.shape and are_whole):
        kinds = ", ".join(f"{part.dtype} of shape {tuple(part.shape)}" for part in (rows, ids, weights))
        raise InputError(
            "rows, ids and weights of the targets must be vectors of the same length, the first two of whole numbers, "
            f"not {kinds}"
        )
    return rows.long(), ids.long(), weights


def is_whole(part: Tensor) -> bool:
    """Return whether a tensor holds integers."""
    return not (part.is_floating_point() or part.is_complex() or part.dtype is torch.bool)


@torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
def _of_scipy(target: Any, shape: tuple[int, int]) -> Triple:
    # Floating-point values keep their precision. Repeated entries are added up later, for squared error only.
    kind = target.dtype if target.dtype.kind == "f" else np.dtype(np.float32)
    indptr, columns, values = validation.sparse_targets(target, *shape, kind, add_up=False)
    rows = np.repeat(np.arange(shape[0]), np.diff(indptr))
    return torch.from_numpy(rows), torch.from_numpy(columns), torch.from_numpy(values)

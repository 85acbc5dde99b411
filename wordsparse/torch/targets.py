"""The forms in which targets are given, as three tensors: the row, the id and the weight of each target."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from wordsparse import validation
from wordsparse.errors import InputError

FORMS = "a SciPy sparse matrix, a torch sparse CSR tensor, a (rows, ids, weights) triple, or a tensor of one id a row"


def triple(target: Any, shape: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, ids and weights of the targets of a minibatch of ``shape`` (m, D).

    Raises
    ------
    InputError
        If the target has another form, or does not fit the shape.
    """
    if isinstance(target, Tensor):
        return _of_csr(target, shape) if target.layout is torch.sparse_csr else _of_ids(target, shape)
    if sp.issparse(target):
        return _of_scipy(target, shape)
    if isinstance(target, (tuple, list)) and len(target) == 3:
        return _of_parts(*target)
    raise InputError(f"target must be {FORMS}, not {type(target).__name__}")


def _of_csr(target: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    if tuple(target.shape) != shape:
        raise InputError(f"target must have shape {shape}, one row an example, not {tuple(target.shape)}")
    starts = target.crow_indices()
    try:
        rows = torch.repeat_interleave(torch.arange(shape[0], device=starts.device), starts.diff())
    except RuntimeError as error:
        raise InputError(f"crow_indices of the target must ascend, one row an example ({error!s:.80})") from None
    return rows, target.col_indices().long(), target.values()


def _of_ids(target: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    if target.layout is not torch.strided or target.shape != shape[:1] or target.is_floating_point():
        raise InputError(
            f"target must be {FORMS}; a dense tensor must hold {shape[0]} whole numbers, not {tuple(target.shape)} "
            f"of {target.dtype}"
        )
    return torch.arange(shape[0], device=target.device), target.long(), torch.ones(shape[0], device=target.device)


def _of_parts(rows: Any, ids: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor]:
    rows, ids = torch.as_tensor(rows), torch.as_tensor(ids)
    weights = torch.ones(ids.shape, device=ids.device) if weights is None else torch.as_tensor(weights)
    for name, part in (("rows", rows), ("ids", ids), ("weights", weights)):
        if part.ndim != 1:
            raise InputError(f"{name} of the targets must be a vector, not of shape {tuple(part.shape)}")
    for name, part in (("rows", rows), ("ids", ids)):
        if part.numel() and (part.is_floating_point() or part.is_complex() or part.dtype is torch.bool):
            raise InputError(f"{name} of the targets must be whole numbers, not {part.dtype}")
    return rows.long(), ids.long(), weights


@torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
def _of_scipy(target: Any, shape: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    # Values keep their precision, and squared error adds repeated ones up later.
    kind = target.dtype if target.dtype.kind == "f" else np.dtype(np.float32)
    indptr, columns, values = validation.sparse_targets(target, *shape, kind, add_up=False)
    rows = np.repeat(np.arange(shape[0]), np.diff(indptr))
    return torch.from_numpy(rows), torch.from_numpy(columns), torch.from_numpy(values)

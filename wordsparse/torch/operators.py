"""The operators that autograd and torch.compile see: losses, and rows of W as inputs, each with its backward pass.

``layer`` is the number of a module that is alive (:func:`register`), whose ``compute_…`` methods they call. The
operators are pure to the compiler, which may neither look into them nor drop them: their outputs are used.
"""

import itertools
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from wordsparse.errors import InputError

_numbers = itertools.count()
_layers: WeakValueDictionary[int, nn.Module] = WeakValueDictionary()


def register(layer: nn.Module) -> int:
    """A number for a module, for as long as it lives."""
    number = next(_numbers)
    _layers[number] = layer
    return number


def _find(number: int) -> Any:
    layer = _layers.get(number)
    if layer is None:
        raise InputError("the FactoredOutput of this graph is gone: keep the module until the backward pass")
    return layer


@torch.library.custom_op("wordsparse::losses", mutates_args=())
def losses(
    h: Tensor, anchor: Tensor, rows: Tensor, ids: Tensor, weights: Tensor, layer: int, trains: bool
) -> tuple[Tensor, Tensor]:
    """Losses (m,) float64, and the version of the weights that they belong to."""
    found, version = _find(layer).compute_losses(h, rows, ids, weights, keep=trains)
    return found, torch.tensor(version)


@losses.register_fake
def _(h: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    return h.new_empty(h.shape[0], dtype=torch.float64), torch.empty((), dtype=torch.int64)


@torch.library.custom_op("wordsparse::gradient", mutates_args=())
def gradient(
    g: Tensor, h: Tensor, rows: Tensor, ids: Tensor, weights: Tensor, version: Tensor, layer: int, trains: bool
) -> tuple[Tensor, Tensor]:
    """The gradient by h, and that by the anchor, which is empty: it keeps the operator where h needs no gradient."""
    at = int(version)
    return _find(layer).compute_gradient(g, h, (rows, ids, weights), at, trains=trains), h.new_empty(0)


@gradient.register_fake
def _(g: Tensor, h: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    return torch.empty_like(h), h.new_empty(0)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    h, anchor, rows, ids, weights, ctx.layer, ctx.trains = inputs
    ctx.anchor_dtype = anchor.dtype
    ctx.save_for_backward(h, rows, ids, weights, output[1])


def _backward(ctx: Any, g: Tensor, _: Any) -> tuple[Any, ...]:
    by_h, by_anchor = gradient(g, *ctx.saved_tensors, ctx.layer, ctx.trains)
    return by_h, by_anchor.to(ctx.anchor_dtype), None, None, None, None, None


def _refuse(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
    raise InputError(
        "FactoredOutput has no second derivative (double backward, as after create_graph=True): leave its loss out of "
        "what is differentiated twice"
    )


@torch.library.custom_op("wordsparse::rows", mutates_args=())
def rows(anchor: Tensor, ids: Tensor, layer: int, trains: bool) -> Tensor:
    """W[ids], (n, in_features)."""
    found: Tensor = _find(layer).compute_rows(ids)
    return found


@rows.register_fake
def _(anchor: Tensor, ids: Tensor, layer: int, trains: bool) -> Tensor:
    module = _find(layer)
    return torch.empty((ids.shape[0], module.in_features), dtype=module.dtype)


@torch.library.custom_op("wordsparse::rows_gradient", mutates_args=())
def rows_gradient(g: Tensor, ids: Tensor, layer: int) -> Tensor:
    """The gradient by the anchor, which is empty; that by the rows is the layer's."""
    _find(layer).compute_rows_step(g, ids)
    return g.new_empty(0)


@rows_gradient.register_fake
def _(g: Tensor, ids: Tensor, layer: int) -> Tensor:
    return g.new_empty(0)


def _setup_rows(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    anchor, ids, ctx.layer, ctx.trains = inputs
    ctx.anchor_dtype = anchor.dtype
    ctx.save_for_backward(ids)


def _backward_rows(ctx: Any, g: Tensor) -> tuple[Any, ...]:
    by_anchor = rows_gradient(g, *ctx.saved_tensors, ctx.layer) if ctx.trains else g.new_empty(0)
    return by_anchor.to(ctx.anchor_dtype), None, None, None


rows.register_autograd(_backward_rows, setup_context=_setup_rows)
rows_gradient.register_autograd(_refuse)
losses.register_autograd(_backward, setup_context=_setup)
gradient.register_autograd(_refuse)

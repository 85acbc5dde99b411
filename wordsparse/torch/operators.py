"""The operators that autograd and torch.compile see: losses, and rows of W as inputs, each with its backward pass.

An operator calls the engine of the module whose number is ``layer`` (:func:`register`). The compiler treats operators
as pure functions and does not look into them. The compiler keeps every operator, because all outputs are used. In a
network that is not compiled, the same functions run as a ``torch.autograd.Function``, which costs less per call.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor, nn

from wordsparse.torch import passes
from wordsparse.torch.state import array

_numbers = itertools.count()
_layers: WeakValueDictionary[int, Any] = WeakValueDictionary()


def register(layer: nn.Module) -> int:
    """Return a number for a module. The number is valid as long as the module exists."""
    number = next(_numbers)
    _layers[number] = layer
    return number


def _losses(
    h: Tensor, anchor: Tensor, rows: Tensor, ids: Tensor, weights: Tensor, layer: int, trains: bool
) -> tuple[Tensor, Tensor]:
    """Return losses (m,) float64, and the stamp of this forward pass (:func:`_stamp`)."""
    engine, number = _layers[layer]._engine, next(_numbers)
    forward = engine.forward(engine.minibatch(*map(array, (h, rows, ids, weights))))
    if trains:
        engine.kept = {number: forward}
    return torch.from_numpy(forward.losses).to(h.device), _stamp(forward.version, number)


def _fake_losses(h: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    return h.new_empty(h.shape[0], dtype=torch.float64), torch.empty(3, dtype=torch.int64)


def _stamp(version: int, number: int = -1) -> Tensor:
    """Return the stamp of a forward pass: the version of W, the number of the current backward pass, or −1, and the
    number of the forward pass."""
    return torch.from_numpy(np.array([version, passes.now(), number]))


def _gradient(
    g: Tensor, h: Tensor, rows: Tensor, ids: Tensor, weights: Tensor, stamp: Tensor, layer: int, trains: bool, call: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients with respect to h and the empty anchor. The anchor makes autograd call this operator even if
    h needs no gradient.

    ``call`` is a different number in every call, so that a compiler does not merge equal calls: the gradient of each
    call must be collected.
    """
    module, (version, forward_in, number) = _layers[layer], stamp.tolist()
    by_loss = array(g).astype(np.float64)
    scale = module._scale(by_loss) if trains else 1.0
    by_loss /= scale
    if not np.isfinite(by_loss).all():
        # NaN makes a gradient scaler skip the step of the other parameters too.
        return torch.full_like(h, torch.nan), h.new_empty(0)
    onto = module._collected(forward_in) if trains else None
    engine = module._engine
    forward = engine.kept.get(number) or engine.forward(engine.minibatch(*map(array, (h, rows, ids, weights))))
    by_h = engine.gradient(forward, by_loss, version, onto)
    return torch.from_numpy(np.ascontiguousarray(by_h) * scale).to(h), h.new_empty(0)


def _fake_gradient(g: Tensor, h: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    return torch.empty_like(h), h.new_empty(0)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    h, ctx.anchor, rows, ids, weights, ctx.layer, ctx.trains = inputs
    ctx.module = _layers[ctx.layer]  # keeps the module alive as long as the graph of its loss
    ctx.save_for_backward(h, rows, ids, weights)
    ctx.stamp = output[1]  # not by save_for_backward: a checkpoint would replace it by the stamp of the recomputation


def _backward(gradient: Any, ctx: Any, g: Tensor, _: Any) -> tuple[Any, ...]:
    trains = ctx.trains and passes.reaches(ctx.anchor)
    by_h, by_anchor = gradient(g, *ctx.saved_tensors, ctx.stamp, ctx.layer, trains, next(_numbers))
    return by_h, by_anchor.to(ctx.anchor.dtype), None, None, None, None, None


def _rows(anchor: Tensor, ids: Tensor, layer: int, trains: bool) -> tuple[Tensor, Tensor]:
    """Return W[ids], (n, in_features), and the stamp of this forward pass (:func:`_stamp`)."""
    vectors, version = _layers[layer]._engine.rows(array(ids))
    return torch.from_numpy(np.ascontiguousarray(vectors)), _stamp(version)


def _fake_rows(anchor: Tensor, ids: Tensor, layer: int, trains: bool) -> tuple[Tensor, Tensor]:
    module = _layers[layer]
    vectors = torch.empty((ids.shape[0], module.in_features), dtype=module.dtype)
    return vectors, torch.empty(3, dtype=torch.int64)


def _rows_gradient(g: Tensor, ids: Tensor, stamp: Tensor, layer: int, call: int) -> Tensor:
    """Return the gradient with respect to the empty anchor. The layer collects the gradients of the rows. For ``call``,
    see :func:`_gradient`."""
    module, (version, forward_in, _) = _layers[layer], stamp.tolist()
    by_rows = array(g).astype(np.float64) / (module.grad_scaler.get_scale() if module.grad_scaler else 1.0)
    if np.isfinite(by_rows).all() and by_rows.size:  # if not finite, a gradient scaler skips the whole step
        module._engine.collect_rows(array(ids), by_rows, version, module._collected(forward_in))
    return g.new_empty(0)


def _fake_rows_gradient(g: Tensor, *others: Any) -> Tensor:
    return g.new_empty(0)


def _setup_rows(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    anchor, ids, ctx.layer, ctx.trains = inputs
    ctx.module, ctx.anchor_dtype = _layers[ctx.layer], anchor.dtype
    ctx.save_for_backward(ids)
    ctx.stamp = output[1]


def _backward_rows(gradient: Any, ctx: Any, g: Tensor, _: Any) -> tuple[Any, ...]:
    if not ctx.trains:
        return g.new_empty(0).to(ctx.anchor_dtype), None, None, None
    by_anchor = gradient(g, *ctx.saved_tensors, ctx.stamp, ctx.layer, next(_numbers))
    return by_anchor.to(ctx.anchor_dtype), None, None, None


def _operator(function: Any, fake: Any) -> Any:
    """Return a function as an operator for the compiler. ``fake`` returns empty results of the same shapes."""
    operator = torch.library.custom_op(f"wordsparse::{function.__name__[1:]}", function, mutates_args=())
    operator.register_fake(fake)
    return operator


def _differentiable(
    function: Any, fake: Any, setup: Any, backward: Any, gradient: Any, fake_gradient: Any
) -> Callable[..., Any]:
    """Return a function with a backward pass, which calls ``gradient``."""
    operator, by = _operator(function, fake), _operator(gradient, fake_gradient)
    operator.register_autograd(partial(backward, by), setup_context=setup)

    def plain_forward(ctx: Any, *inputs: Any) -> Any:
        output = function(*inputs)
        setup(ctx, inputs, output)
        return output

    def plain_backward(ctx: Any, *g: Any) -> Any:
        # The operator also serves compiled autograd, and with create_graph=True refuses double backward.
        return backward(by if torch.is_grad_enabled() or torch.compiler.is_compiling() else gradient, ctx, *g)

    methods = {"forward": staticmethod(plain_forward), "backward": staticmethod(plain_backward)}
    plain: Any = type("Plain", (torch.autograd.Function,), methods)
    return lambda *inputs: (operator if torch.compiler.is_compiling() else plain.apply)(*inputs)


losses = _differentiable(_losses, _fake_losses, _setup, _backward, _gradient, _fake_gradient)
rows = _differentiable(_rows, _fake_rows, _setup_rows, _backward_rows, _rows_gradient, _fake_rows_gradient)

"""The two functions of a layer that autograd sees, and the collection of all gradients in a backward pass.

The functions are losses, and rows of W as inputs. They call the engine of the layer, in NumPy. One step applies all
gradients of a backward pass together, so W does not change until the pass has ended. Activation checkpoints, which
recompute activations during the pass, thus see the weights of the forward pass, and the order of calls in a network
does not matter.
"""

import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wordsparse.errors import InputError
from wordsparse.torch.engine import Gradients
from wordsparse.torch.targets import array
from wordsparse.types import Array

# A map from pairs (number of a layer, PyTorch's number of a backward pass) to gradients. Only the callback of a pass
# refers to its gradients. PyTorch deletes the callback when the pass ends or fails, so a failed pass leaves nothing
# behind.
_passes: weakref.WeakValueDictionary[tuple[int, int], Gradients] = weakref.WeakValueDictionary()
outside_graphs: Any = torch.compiler.disable
"""Makes a function run outside of the graphs of torch.compile, which cannot look into NumPy code."""


def now() -> int:
    """Return the number of the backward pass that this thread is in, or −1 outside of any pass."""
    return int(torch._C._current_graph_task_id())


def reaches(leaf: Tensor) -> bool:
    """Return whether this backward pass accumulates into a leaf. ``Tensor.backward`` accumulates;
    ``torch.autograd.grad`` with respect to other inputs does not."""
    return bool(torch._C._will_engine_execute_node(torch.autograd.graph.get_gradient_edge(leaf).node))


class Losses(torch.autograd.Function):
    """The losses (m,) float64 of a layer for inputs h and targets, given as the arrays of an engine's minibatch.

    Autograd calls ``backward`` for the gradient of the empty ``anchor`` even if h needs no gradient.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, anchor: Tensor, head: Any, targets: tuple[Array, ...], trains: bool) -> Tensor:
        engine = head._engine
        forward = engine.forward(engine.minibatch(array(h), *targets))
        ctx.save_for_backward(h)
        ctx.anchor, ctx.head, ctx.targets, ctx.trains = anchor, head, targets, trains
        ctx.version, ctx.began, ctx.forward = forward.version, now(), weakref.ref(forward)
        if trains:
            engine.kept = forward
        return torch.from_numpy(forward.losses).to(h.device)

    @staticmethod
    @outside_graphs
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise InputError("the layer has no second derivatives: leave out create_graph=True")
        (h,), head, engine = ctx.saved_tensors, ctx.head, ctx.head._engine
        trains = ctx.trains and reaches(ctx.anchor)
        by_loss = array(g).astype(np.float64)
        scale = head._scale(by_loss) if trains else 1.0
        by_loss /= scale
        onto = collected(head, ctx.began) if trains else None
        if not np.isfinite(by_loss).all():
            if onto is not None:
                onto.is_finite = False
            # NaN makes a gradient scaler skip the step of the other parameters too.
            return torch.full_like(h, torch.nan), torch.empty(0), None, None, None
        forward = ctx.forward() or engine.forward(engine.minibatch(array(h), *ctx.targets))
        by_h = engine.gradient(forward, by_loss, ctx.version, onto)
        return torch.from_numpy(np.ascontiguousarray(by_h) * scale).to(h), torch.empty(0), None, None, None


class Rows(torch.autograd.Function):
    """The rows W[ids] (n, in_features) of a layer."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, head: Any, ids: Array, trains: bool) -> Tensor:
        vectors, ctx.version = head._engine.rows(ids)
        ctx.head, ctx.ids, ctx.trains, ctx.began = head, ids, trains, now()
        return torch.from_numpy(np.ascontiguousarray(vectors))

    @staticmethod
    @outside_graphs
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        head = ctx.head
        by_rows = array(g).astype(np.float64) / (head.grad_scaler.get_scale() if head.grad_scaler else 1.0)
        if ctx.trains and by_rows.size:
            onto = collected(head, ctx.began)
            if np.isfinite(by_rows).all():
                head._engine.collect_rows(ctx.ids, by_rows, ctx.version, onto)
            else:
                onto.is_finite = False
        return torch.empty(0), None, None, None


def collected(head: Any, began: int) -> Gradients:
    """Return the gradients to which this backward pass adds its own. With ``fused``, the pass ends with a step.

    ``began`` is the number of the backward pass in which the forward pass ran, or −1. Raise InputError if this pass is
    inside another pass, which would go on after the step, or if PyTorch would not call the step.
    """
    if not head.fused:
        pending: Gradients = head._engine.pending
        return pending
    if began not in (-1, now()):
        raise InputError(
            "a backward pass of the layer inside another one, as in a reentrant checkpoint, would move its "
            "weights too early: use torch.utils.checkpoint.checkpoint(..., use_reentrant=False), or fused=False "
            "with layer.apply_() after the backward pass"
        )
    compiled = sys.modules.get("torch._dynamo.compiled_autograd")
    if getattr(compiled, "in_compiled_autograd_region", False):
        raise InputError(
            "compiled autograd skips the step at the end of a backward pass: use fused=False, with layer.apply_() "
            "after the pass"
        )
    gradients = _passes.get((id(head), now()))
    if gradients is None:
        head.fused_optimizer.check_pass()
        gradients = _passes[id(head), now()] = Gradients()
        end: Callable[[], None] = partial(head._end_pass, gradients)
        engine: Any = torch.autograd.Variable._execution_engine
        engine.queue_callback(end)
    return gradients

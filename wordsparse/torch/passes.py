"""The collection of all gradients in a backward pass, so that one step applies them together.

W does not change until the pass has ended. Activation checkpoints, which recompute activations during the pass, thus
see the weights of the forward pass, and the order of calls in a network does not matter.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from wordsparse.errors import InputError
from wordsparse.torch.engine import Gradients

# A map from pairs (number of a layer, PyTorch's number of a backward pass) to gradients. Only the callback of a pass
# refers to its gradients. PyTorch deletes the callback when the pass ends or fails, so a failed pass leaves nothing
# behind.
_passes: WeakValueDictionary[tuple[int, int], Gradients] = WeakValueDictionary()


def now() -> int:
    """Return the number of the backward pass that this thread is in, or −1 outside of any pass."""
    return int(torch._C._current_graph_task_id())


def reaches(leaf: Tensor) -> bool:
    """Return whether this backward pass accumulates into a leaf. ``Tensor.backward`` accumulates;
    ``torch.autograd.grad`` with respect to other inputs does not."""
    try:
        return bool(torch._C._will_engine_execute_node(torch.autograd.graph.get_gradient_edge(leaf).node))
    except RuntimeError:  # the leaf is an input of autograd.grad, for example if a compiler traces
        return True


def collected(layer: int, forward_in: int, begin: Callable[[], None], take: Callable[[Gradients], None]) -> Gradients:
    """Return the gradients that this backward pass collects for a layer. ``forward_in`` is the number of the backward
    pass in which the forward pass ran, or −1.

    If the pass is new, ``begin`` is called now, and ``take`` is called at the end of the pass. Raise InputError if this
    pass is inside another pass, which would go on after the step, or if PyTorch would not call ``take``.
    """
    if forward_in not in (-1, now()):
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
    gradients = _passes.get((layer, now()))
    if gradients is None:
        begin()
        gradients = _passes[layer, now()] = Gradients()
        engine: Any = torch.autograd.Variable._execution_engine
        engine.queue_callback(partial(take, gradients))
    return gradients

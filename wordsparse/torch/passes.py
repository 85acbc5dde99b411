"""What a backward pass collects, for the one step that is taken on all of it.

W stays as it is until the pass has ended: what activation checkpoints compute again in the middle of it is what the
forward pass saw, and the order of the calls in a network does not matter.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from wordsparse.errors import InputError
from wordsparse.torch.gradients import Gradients

# By the numbers of the layer and of PyTorch's pass. PyTorch holds what it calls at the end of a pass and lets go of it
# with the pass, so that one that fails leaves nothing.
_passes: WeakValueDictionary[tuple[int, int], Gradients] = WeakValueDictionary()


def now() -> int:
    """The number of the backward pass that this thread is in the middle of, −1 for none."""
    return int(torch._C._current_graph_task_id())


def reaches(leaf: Tensor) -> bool:
    """Whether the present backward pass accumulates into a leaf, as ``backward`` does and ``torch.autograd.grad`` with
    other inputs does not."""
    try:
        return bool(torch._C._will_engine_execute_node(torch.autograd.graph.get_gradient_edge(leaf).node))
    except RuntimeError:  # the leaf is itself an input of autograd.grad, as where a compiler traces
        return True


def collected(layer: int, forward_in: int, begin: Callable[[], None], take: Callable[[Gradients], None]) -> Gradients:
    """The gradients of the present backward pass of a layer, by its number, whose forward pass ran in ``forward_in``.

    ``begin`` is called first where it is new, and ``take`` at its end.

    Raises
    ------
    InputError
        If this pass is inside another one, which would not be over when this one ends; or PyTorch would not say when
        it ends.
    """
    if forward_in not in (-1, now()):
        raise InputError(
            "a backward pass of FactoredOutput in the middle of another one, as of a reentrant checkpoint, would move "
            "its weights too early: use torch.utils.checkpoint.checkpoint(..., use_reentrant=False), or fused=False "
            "with layer.apply_() after the backward pass"
        )
    compiled = sys.modules.get("torch._dynamo.compiled_autograd")
    if getattr(compiled, "in_compiled_autograd_region", False):
        raise InputError(
            "compiled autograd leaves out what is to be done at the end of a backward pass: use fused=False, with "
            "layer.apply_() after it"
        )
    gradients = _passes.get((layer, now()))
    if gradients is None:
        begin()
        gradients = _passes[layer, now()] = Gradients()
        engine: Any = torch.autograd.Variable._execution_engine
        engine.queue_callback(partial(take, gradients))
    return gradients

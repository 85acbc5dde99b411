"""The settings of the fused update in the form of an optimizer, so that PyTorch's schedulers can change them."""

from collections.abc import Callable
from typing import Any

import torch

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.torch.engine import StepOptions


class FusedOptimizer(torch.optim.Optimizer):
    """The ``lr`` and ``weight_decay`` of a layer that updates its weights in its backward pass.

    The method ``step`` changes no weights, but marks the end of a training step, so that a second backward pass before
    the next ``step`` can be refused. An ``lr`` of None selects second-order steps; their size is multiplied by the
    group's lr, initially 1. ``anchor`` is the empty tensor through which autograd reaches the layer.
    """

    # Whether a backward pass has updated the weights since the last call of ``step``, and whether the training loop
    # calls ``step`` at all. These two flags are class attributes, because a copy of an optimizer keeps only its groups.
    # PyTorch's schedulers warn unless ``_opt_called``, but here the backward pass takes the steps.
    _opt_called = True
    passed = False
    watches = False

    def __init__(self, anchor: torch.Tensor, lr: float | None, weight_decay: float) -> None:
        rate = {"lr": 1.0 if lr is None else lr, "second_order": lr is None}
        super().__init__([anchor], {**rate, "weight_decay": weight_decay})
        self.settings()

    def settings(self) -> StepOptions:
        """Return the current settings, checked."""
        group = self.param_groups[0]
        lr = validation.non_negative("lr", group["lr"])
        weight_decay = validation.non_negative("weight_decay", group["weight_decay"])
        return StepOptions(lr, weight_decay, group["second_order"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Return the result of the closure, if there is one. Weights do not change."""
        with torch.enable_grad():
            result = closure() if closure else None
        self.passed, self.watches = False, True
        return result

    def check_pass(self) -> None:
        """Raise InputError on a second backward pass without a :meth:`step` between the two passes. Training loops that
        never call ``step`` are exempt."""
        if self.passed and self.watches:
            raise InputError(
                "two backward passes without a step between them: the layer has updated its weights after the "
                "first pass, so gradients do not accumulate; use fused=False, and layer.apply_() after the last pass"
            )

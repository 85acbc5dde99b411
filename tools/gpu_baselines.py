"""The baselines of the exact layer on a GPU: the naive dense update, and exact softmax in PyTorch.

Both hold all of W (D, d) in float32 on the device and take full gradient steps; targets are one output an example.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

# Outputs (m × rows) formed at a time by the naive step: 1 GiB of float32.
BLOCK_OUTPUTS = 2**28


class GpuNaiveDense:
    """o = W h, squared error against one target of value 1 an example, by cuBLAS (or by NumPy on the CPU).

    Blocks of outputs: O = H Wᵀ, ∂L/∂O = 2 (O − Y), ∇H += ∂L/∂O W and W ← W − lr (∂L/∂O)ᵀ H, 2 m D d operations each.
    """

    def __init__(self, xp: Any, n_outputs: int, n_features: int) -> None:
        self._xp = xp
        self.W = xp.zeros((n_outputs, n_features), np.float32)

    def step(self, H: Any, targets: Any, lr: float) -> Any:
        """One gradient step; ∇H (m, d) from before it. H (m, d) float32 and targets (m,) int64 on the device."""
        m, D = H.shape[0], self.W.shape[0]
        grad_h = self._xp.zeros_like(H)
        rows = max(1, BLOCK_OUTPUTS // max(m, 1))
        for start in range(0, D, rows):
            W = self.W[start : start + rows]
            grad_o = H @ W.T
            here = self._xp.flatnonzero((targets >= start) & (targets < start + rows))
            grad_o[here, targets[here] - start] -= 1
            grad_h += grad_o @ W
            W -= (2 * lr) * (grad_o.T @ H)
        return 2 * grad_h


def softmax_step(device: str, n_outputs: int, n_features: int, *, tf32: bool, compiled: bool) -> Callable[..., Any]:
    """A step ``(H, targets, lr) -> ∇H`` of the exact softmax in PyTorch, H (m, d) and targets (m,) NumPy arrays.

    The logits (m, D) are formed once and turned into their gradient in place of three passes where torch.compile works.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """
    import torch

    W, columns = torch.zeros((n_outputs, n_features), device=device), torch.arange(n_outputs, device=device)

    def gradient_by_logits(logits: Any, targets: Any) -> Any:
        return torch.softmax(logits, dim=1) - (columns == targets[:, None]).to(logits.dtype)

    def in_place(logits: Any, targets: Any) -> Any:
        gradient = torch.softmax(logits, dim=1)
        gradient[torch.arange(targets.shape[0], device=device), targets] -= 1
        return gradient

    by_logits = torch.compile(gradient_by_logits) if compiled else in_place

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(H: Any, targets: Any, lr: float) -> Any:
        torch.backends.cuda.matmul.allow_tf32 = tf32  # of the process: the sides alternate
        H, targets = torch.from_numpy(H).to(device), torch.from_numpy(targets).to(device)
        gradient = by_logits(H @ W.T, targets)
        grad_h = gradient @ W
        W.addmm_(gradient.T, H, alpha=-lr)
        if device != "cpu":
            torch.cuda.synchronize()
        return grad_h

    step.W = W  # type: ignore[attr-defined]
    return step


def softmax_bytes(m: int, D: int, d: int) -> int:
    """The device memory that a softmax step needs: W, its logits twice and the gradients."""
    return 4 * (D * d + 2 * m * D + 2 * m * d)

"""The state of a layer as buffers of a module. The tensors share the memory of the layer's arrays."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wordsparse.errors import InputError
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.losses import Loss
from wordsparse.torch.engine import Engine

FACTORS = ("U", "U_inverse", "omega", "Q", "w_bar")
# The largest accepted error of Q = WᵀW and w̄ = Wᵀp, relative to the largest entry. Rounding errors are far smaller
# than this limit.
AGREEMENT = 1e-3


def link(module: nn.Module, engine: Engine) -> None:
    """Make the buffers refer to the current arrays of the layer."""
    core = engine.output.core
    buffers: dict[str, Any] = {"V": torch.from_numpy(core.V)}
    buffers |= {name: torch.from_numpy(getattr(core.factors, name)) for name in FACTORS}
    buffers |= {"folds": torch.tensor(core.folds), "stable_norm": torch.tensor(core.stable_norm, dtype=torch.float64)}
    buffers |= {"curvature": torch.from_numpy(engine.curvature), "steps": torch.tensor(engine.steps)}
    buffers["row_squares"] = torch.from_numpy(engine.row_squares)
    if core.p is not None:
        buffers["measure_roots"] = torch.from_numpy(core.p)
    for name, tensor in buffers.items():
        module.register_buffer(name, tensor)


def text_of(loss: Loss) -> Tensor:
    """Return the name and the constants of a loss as UTF-8 bytes, such as ``zloss(a=1.0, b=7.0)``."""
    plain = {name: value for name, value in vars(loss).items() if isinstance(value, (int, float, str, np.number))}
    constants = (f"{name}={value if isinstance(value, str) else float(value)}" for name, value in plain.items())
    return torch.tensor(list(f"{loss.name}({', '.join(constants)})".encode()), dtype=torch.uint8)


def check_loss(module: nn.Module, loaded: MutableMapping[str, Any], prefix: str) -> None:
    """Raise InputError if a state dictionary was saved with another loss. A state dictionary without a loss, from a
    version that did not store it, gets the loss of the module."""
    own = module.get_buffer("loss_text")
    stored = loaded.setdefault(prefix + "loss_text", own)
    if not torch.equal(stored.cpu(), own):
        names = (bytes(array(text)).decode(errors="replace") for text in (stored, own))
        raise InputError(
            "{}loss_text: the state has the loss {}, but this layer has {}: make the layer with the loss of the state; "
            "to train its weights with another loss, give weights=old.weights()".format(prefix, *names)
        )


def check(module: nn.Module, core: ExactLayer, loaded: Mapping[str, Any], prefix: str) -> None:
    """Raise InputError if a state dictionary has numbers that are not finite, or Q and w̄ that do not match its W.

    The message names the wrong entry. PyTorch itself reports wrong names and shapes.
    """
    entries = {name: loaded.get(prefix + name) for name in module._buffers}
    if any(part is None or part.shape != module.get_buffer(name).shape for name, part in entries.items()):
        return
    arrays = {name: array(part) for name, part in entries.items()}
    for name, part in arrays.items():
        if not np.isfinite(part).all():
            raise InputError(f"{prefix}{name} holds a number that is not finite: load another state")
    U, omega = arrays["U"].astype(np.float64), arrays["omega"].astype(np.float64)
    V, p = arrays["V"], arrays.get("measure_roots", np.ones(core.n_outputs))
    Q, w_bar, total = np.zeros_like(U), np.zeros_like(omega), float(np.square(p, dtype=np.float64).sum())
    for block in core.blocks():  # W' = V U + p ωᵀ needs float64, because its terms may cancel
        W = V[block].astype(np.float64) @ U + np.outer(p[block], omega)
        Q += W.T @ W
        w_bar += p[block] @ W
    largest, rounding = float(np.abs(omega).max(initial=0)), 100 * np.finfo(np.float32).eps
    for name, expected, terms in (("Q", Q, largest**2), ("w_bar", w_bar, largest)):
        # If the terms V U and p ωᵀ cancel, their rounding errors remain, and are tolerated.
        tolerance = AGREEMENT * np.abs(expected).max(initial=0) + rounding * total * terms + 1e-33
        if np.abs(arrays[name] - expected).max(initial=0) > tolerance:
            raise InputError(f"{prefix}{name} does not belong to the weights in the same state: load a complete state")


def restore(module: nn.Module, engine: Engine) -> None:
    """Set the state of the layer from the loaded buffers."""
    core = engine.output.core
    state: dict[str, Any] = {name: array(module.get_buffer(name)) for name in ("V", *FACTORS)}
    state["folds"], state["stable_norm"] = int(module.get_buffer("folds")), float(module.get_buffer("stable_norm"))
    if core.p is not None:
        core.p[...] = array(module.get_buffer("measure_roots"))
    core.restore({**state, **{name: state[name].copy() for name in FACTORS}})
    engine.steps = int(module.get_buffer("steps"))
    engine.curvature = array(module.get_buffer("curvature")).copy()
    engine.row_squares = array(module.get_buffer("row_squares")).copy()
    link(module, engine)


def array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as a host array, in a precision that NumPy supports."""
    tensor = tensor.detach().cpu()
    values: NDArray[Any] = (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()
    return values

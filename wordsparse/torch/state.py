"""The state of a layer as the buffers of a module: tensors on the same memory, so that none of it is held twice."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wordsparse.layer.core import ExactLayer

FACTORS = ("U", "U_inverse", "omega", "Q", "w_bar")


def link(module: nn.Module, core: ExactLayer) -> None:
    """Point the buffers at the arrays that the layer has now."""
    buffers: dict[str, Any] = {"V": torch.from_numpy(core.V)}
    buffers |= {name: torch.from_numpy(getattr(core.factors, name)) for name in FACTORS}
    buffers |= {"folds": torch.tensor(core.folds), "stable_norm": torch.tensor(core.stable_norm, dtype=torch.float64)}
    if core.p is not None:
        buffers["measure_roots"] = torch.from_numpy(core.p)
    for name, tensor in buffers.items():
        if name in module._buffers:
            module._buffers[name] = tensor
        else:
            module.register_buffer(name, tensor)


def restore(module: nn.Module, core: ExactLayer) -> None:
    """Take over the loaded contents of the buffers."""
    state: dict[str, Any] = {name: _array(module.get_buffer(name)) for name in ("V", *FACTORS)}
    state["folds"], state["calm_norm"] = int(module.get_buffer("folds")), float(module.get_buffer("stable_norm"))
    if core.p is not None:
        core.p[...] = _array(module.get_buffer("measure_roots"))
    core.restore({**state, **{name: state[name].copy() for name in FACTORS}})
    link(module, core)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array

"""The state of a layer as buffers of a module. The tensors share the memory of the layer's arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wordsparse.errors import InputError
from wordsparse.torch.engine import Engine


def link(module: nn.Module, engine: Engine) -> None:
    """Make the buffers refer to the current arrays of the layer."""
    for name, value in engine.state().items():
        is_array = isinstance(value, np.ndarray)
        kind = torch.float64 if isinstance(value, float) else None
        module._buffers[name] = torch.from_numpy(value) if is_array else torch.tensor(value, dtype=kind)


def check(module: nn.Module, engine: Engine, loaded: Mapping[str, Any], prefix: str) -> None:
    """Raise InputError if a state dictionary has numbers that are not finite, or parts that do not match.

    The message names the wrong entry. PyTorch itself reports wrong names and shapes.
    """
    entries = {name: loaded.get(prefix + name) for name in module._buffers}
    if any(part is None or part.shape != module.get_buffer(name).shape for name, part in entries.items()):
        return
    arrays = {name: array(part) for name, part in entries.items()}
    for name, part in arrays.items():
        if not np.isfinite(part).all():
            raise InputError(f"{prefix}{name} holds a number that is not finite: load another state")
    engine.check_state(arrays, prefix)


def restore(module: nn.Module, engine: Engine) -> None:
    """Set the state of the layer from the loaded buffers."""
    engine.restore({name: array(module.get_buffer(name)) for name in module._buffers})
    link(module, engine)


def array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as a host array, in a precision that NumPy supports."""
    tensor = tensor.detach().cpu()
    values: NDArray[Any] = (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()
    return values

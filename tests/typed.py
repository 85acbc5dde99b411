"""A user's program that mypy checks and nobody runs. If mypy misses one of the errors, a `type: ignore` is unused, and
mypy fails."""

from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray

import wordsparse as ws
from wordsparse.torch import FactoredOutput, SampledOutput

model = ws.train("text", dim=3, model="skipgram", loss=ws.losses.Taylor())
assert_type(model, ws.Model)
assert_type(model["king"], NDArray[np.float32])
assert_type(ws.FactoredOutput(10, 2).weights(), NDArray[Any])
ws.load("model").train("text", epochs=2)
ws.train("text", dimm=3)  # type: ignore[call-arg]
ws.train("text", model="skipgrm")  # type: ignore[arg-type]
ws.train("text", dim="3")  # type: ignore[arg-type]
head = SampledOutput(2, 10, counts=np.ones(10), lr=0.1)
assert_type(head.to_linear(), torch.nn.Linear)
assert_type(FactoredOutput(2, 10, loss="zloss").weights(), torch.Tensor)
SampledOutput(2, 10, weight_decay=0.1)  # type: ignore[call-arg]
SampledOutput(2, "10")  # type: ignore[arg-type]

"""
A loss of your own
==================

To define your own loss, write its value and its derivatives with respect to three numbers: a target's output o, and the
sums q = Σ oᵢ² and s = Σ oᵢ over all outputs. A loss that is linear in q and s needs only the two methods ``target`` and
``slopes``.
"""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse

import wordsparse as ws

# %%
# The loss of this example is a squared margin: each target should have an output of at least ``margin``, and all
# outputs should be small. ``slopes`` returns the constant term of the loss, and its factors of q and s. ``total`` is
# the sum of the base measure's weights πᵢ, or the number of outputs if there is no base measure.


@dataclass(frozen=True)
class SquaredMargin(ws.losses.LinearLoss):
    """ℓ = max(0, margin − o)² + weight · the mean of all oᵢ²."""

    margin: float = 1.0
    weight: float = 1.0
    name: ClassVar[str] = "squared-margin"
    sees_sum: ClassVar[bool] = False  # s is not used

    def target(self, o):
        short = np.maximum(self.margin - o, 0)
        return short * short, -2 * short

    def slopes(self, total):
        return 0.0, self.weight / total, 0.0


# %%
# ``check_loss`` compares the derivatives with finite differences, and names the wrong derivative if there is one.
ws.check_loss(SquaredMargin())

# %%
# Train the layer with this loss. The gradient is exact over all 20,000 outputs.
random = np.random.default_rng(0)
D, d, m = 20_000, 16, 2000
group = random.integers(0, 50, m)
H = (random.standard_normal((50, d))[group] + 0.2 * random.standard_normal((m, d))).astype(np.float32)
label = random.integers(0, D, 50)[group]
Y = scipy.sparse.csr_matrix((np.ones(m, np.float32), (np.arange(m), label)), shape=(m, D))
plt.figure(figsize=(4.4, 3.1), layout="constrained")
for weight in (0.1, 1000.0):
    layer = ws.FactoredOutput(n_outputs=D, n_features=d, loss=SquaredMargin(weight=weight))
    losses = []
    for start in [*range(0, m, 50)] * 8:
        rows = slice(start, start + 50)
        losses.append(layer.step(H[rows], Y[rows], lr=2e-4)[0].mean())
    found = layer.top(H, k=1)[0][:, 0]
    plt.plot(losses, label=f"weight {weight:g}: {np.mean(found == label):.0%} of the labels are first")
plt.xlabel("minibatch")
plt.ylabel("loss per example")
plt.legend()

"""Detects runs that diverge because the inputs H grow: the loss stays far above its usual scale while W stays bounded.

If the network below the layer takes steps that are too large, H grows from minibatch to minibatch. A preconditioner may
still keep W bounded. While W stays bounded, every single step looks stable, and only the loss grows.
"""

from wordsparse.errors import TrainingError
from wordsparse.layer.interface import Forward
from wordsparse.layer.losses import Loss, is_regression

# The loss of a minibatch is too large if it exceeds LIMIT times the scale of the loss. A run stops if the losses of
# IN_A_ROW minibatches in a row are too large.
LIMIT = 1000.0
IN_A_ROW = 10


class LossWatch:
    """A comparison of the mean loss of each minibatch with the scale of the loss.

    ``scale`` is the scale of the loss per example: the first mean loss, or the largest Σ |y| per example of any
    minibatch so far (in regression, Σ y²), whichever is larger. ``above`` is the number of minibatches in a row,
    counted back from the last, whose loss was above ``LIMIT`` times the scale.
    """

    def __init__(self) -> None:
        self.scale, self.above = 0.0, 0

    def check(self, forward: Forward, loss: Loss) -> None:
        """Check a forward pass before its step. Raise TrainingError if the losses of the last ``IN_A_ROW`` minibatches,
        including this one, are all above the limit."""
        m = forward.inputs.shape[0]
        if m == 0:
            return
        mean = float(forward.losses.sum()) / m
        y = forward.targets.y
        targets = float(y @ y) if is_regression(loss) else float(abs(y).sum())
        self.scale = max(self.scale, targets / m, abs(mean) if self.scale == 0 else 0.0)
        if mean <= LIMIT * self.scale:
            self.above = 0
            return
        self.above += 1
        if self.above >= IN_A_ROW:
            raise TrainingError(
                f"training diverges: the mean loss of the last {self.above} minibatches is more than {LIMIT:.0f} times "
                f"its usual scale ({mean:.4g} compared with {self.scale:.4g}); lower the learning rates, also in the "
                "network below the layer"
            )

"""Detection of runs that diverge through their inputs: the loss stays far above its scale while W stays bounded.

If the network below the layer takes steps that are too large, H grows from minibatch to minibatch. A preconditioner may
still keep W bounded, so that every single step looks stable and only the loss grows.
"""

from wordsparse.errors import TrainingError
from wordsparse.layer.interface import Forward
from wordsparse.layer.losses import Loss, is_regression

# A minibatch has diverged if its loss is above LIMIT times the scale. IN_A_ROW of them in a row stop the run.
LIMIT = 1000.0
IN_A_ROW = 10


class LossWatch:
    """A comparison of the mean loss of each minibatch with the scale of the loss.

    ``scale``, per example, is the largest so far of: the first mean loss, and 1 per target (in regression, Σ y²).
    ``above`` counts the minibatches in a row, up to the last, whose loss was above ``LIMIT`` times the scale.
    """

    def __init__(self) -> None:
        self.scale, self.above = 0.0, 0

    def check(self, forward: Forward, loss: Loss) -> None:
        """Check a forward pass before its step. Raise TrainingError if it is the last of ``IN_A_ROW`` minibatches in a
        row whose losses are above the limit."""
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
                f"its scale ({mean:.4g} compared with {self.scale:.4g}); lower the learning rates, also in the network "
                "below the layer"
            )

"""A loss that stays far above its scale: a run that diverges through its inputs, which the norm of W does not show.

Where the network below the layer takes steps that are too large, H grows from minibatch to minibatch. A preconditioner
may still hold W in bounds, so that every single step looks stable; only the loss grows.
"""

from wordsparse.errors import TrainingError
from wordsparse.layer.interface import Forward
from wordsparse.layer.losses import Loss, is_regression

# A minibatch's loss above this multiple of its scale counts as diverged; this number of them in a row stop the run.
LIMIT = 1000.0
IN_A_ROW = 10


class LossWatch:
    """Compares the mean loss of each minibatch with its scale: the first mean loss, or 1 a target (Σ y² in regression).

    ``scale`` is the largest of these so far, in losses per example; ``above`` of the last minibatches in a row had a
    loss above ``LIMIT`` times the scale.
    """

    def __init__(self) -> None:
        self.scale, self.above = 0.0, 0

    def check(self, forward: Forward, loss: Loss) -> None:
        """Look at the forward pass of a step, before the step. TrainingError if the losses of ``IN_A_ROW`` minibatches
        in a row are above the limit, this one's included."""
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
                f"its scale ({mean:.4g}, and {self.scale:.4g} at first); lower the learning rates, that of the network "
                "below the layer too"
            )

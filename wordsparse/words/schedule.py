"""The growth of minibatches and the decay of the learning rate. The size of a minibatch and the learning rate depend
only on the number of tokens trained on so far."""

import math
from dataclasses import dataclass

from wordsparse.words.recipe import Recipe

# A run has at least MIN_STEPS minibatches, or MIN_LONG_STEPS minibatches if the run has more than ``long_run`` tokens.
# Minibatches shrink if needed.
MIN_STEPS, MIN_LONG_STEPS = 150, 100
# The maximum fraction of a run's tokens in the warm-up, in which E does not move.
MAX_WARMUP = 0.05
# The minimum number of tokens in the warm-up, but at most half of a run's tokens: W must see pairs before E moves.
MIN_WARMUP = 8


@dataclass(frozen=True)
class Schedule:
    """The schedule of a run over ``total_tokens`` corpus tokens, summed over all epochs.

    ``asked`` is the requested size of the largest minibatch. By default, the recipe and the text's length determine the
    size.
    """

    recipe: Recipe
    total_tokens: int
    asked: int | None = None

    @property
    def warmup_tokens(self) -> float:
        """The number of tokens in the warm-up, in which W is trained but E is not."""
        longest = min(self.recipe.warmup_tokens, self.total_tokens * MAX_WARMUP)
        return max(longest, min(MIN_WARMUP, self.total_tokens / 2))

    @property
    def fewest_steps(self) -> int:
        """The minimum number of steps of a run if the user does not choose the size of minibatches."""
        return MIN_LONG_STEPS if self.total_tokens > self.recipe.long_run else MIN_STEPS

    def largest_batch(self) -> int:
        """Return the number of tokens in the largest minibatch: the value in the recipe, or less if the text is
        short."""
        if self.asked is not None:
            return self.asked
        fewest = self.fewest_steps
        enough = max(1, self.total_tokens // fewest)
        most = min(self.wanted(self.total_tokens), self.recipe.batch_tokens)
        if enough >= most or self.steps(most) >= fewest:
            return most
        while most - enough > 1:
            middle = (enough + most) // 2
            enough, most = (middle, most) if self.steps(middle) >= fewest else (enough, middle)
        return enough

    def wanted(self, passed: float) -> int:
        """Return the number of tokens in a minibatch after ``passed`` tokens, g T (T/T₀)^a, without an upper limit."""
        warmup = max(self.warmup_tokens, 1.0)
        passed = max(passed, warmup)
        faster: float = (passed / warmup) ** self.recipe.acceleration
        return max(1, int(self.recipe.growth * passed * faster))

    def steps(self, largest: int) -> float:
        """Estimate the number of steps of the run with minibatches of at most ``largest`` tokens."""
        warmup, growth, power = self.warmup_tokens, self.recipe.growth, self.recipe.acceleration
        # From the end of the warm-up (T₀ tokens), minibatches hold g T (T/T₀)^a tokens until they reach the largest
        # size. The number of steps until then is ∫ dT / (g T (T/T₀)^a).
        first = min(self.wanted(0), largest)
        grown: float = (largest / first) ** (1 / (1 + power))
        while_growing = (1 - grown**-power) / power if power else math.log(grown)
        return warmup / first + while_growing / growth + (self.total_tokens - grown * warmup) / largest

    def remaining(self, tokens: int) -> float:
        """Return the fraction of the run that remains after ``tokens`` tokens."""
        return 1 - tokens / self.total_tokens

    def learning_rate(self, tokens: int, warmup_tokens: float) -> float:
        """Return the learning rate of E after ``tokens`` tokens. The rate is 0 during the warm-up. After the warm-up,
        the rate falls linearly to 0 at the end of the run."""
        return self.recipe.steps.lr * self.remaining(tokens) if tokens >= warmup_tokens else 0.0

"""The growth of a run's minibatches and the decay of its learning rate: functions of only the tokens passed over."""

import math
from dataclasses import dataclass

from wordsparse.words.recipe import Recipe

# Minimum number of minibatches of a run, and of a run that the recipe calls long: minibatches shrink to reach it.
MIN_STEPS, MIN_LONG_STEPS = 150, 100
# Maximum share of a run's tokens before E moves.
MAX_WARMUP = 0.05
# Minimum warm-up in tokens, or half of a shorter text: W must have seen more than one pair before E moves.
MIN_WARMUP = 8


@dataclass(frozen=True)
class Schedule:
    """The schedule of a run over ``total_tokens`` corpus tokens, all epochs together.

    ``asked`` is the requested size of the largest minibatch; None: it depends on the recipe, or on a short text.
    """

    recipe: Recipe
    total_tokens: int
    asked: int | None = None

    @property
    def warmup_tokens(self) -> float:
        """The number of tokens before E moves."""
        longest = min(self.recipe.warmup_tokens, self.total_tokens * MAX_WARMUP)
        return max(longest, min(MIN_WARMUP, self.total_tokens / 2))

    @property
    def fewest_steps(self) -> int:
        """The least number of steps of a run, if the size of minibatches is not requested."""
        return MIN_LONG_STEPS if self.total_tokens > self.recipe.long_run else MIN_STEPS

    def largest_batch(self) -> int:
        """Return the tokens of the largest minibatches: the recipe's, or fewer if a short text needs more steps."""
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
        """Return the tokens of a minibatch after ``passed`` tokens, without a limit: g T (T/T₀)^a, T₀ the warm-up."""
        warmup = max(self.warmup_tokens, 1.0)
        passed = max(passed, warmup)
        faster: float = (passed / warmup) ** self.recipe.acceleration
        return max(1, int(self.recipe.growth * passed * faster))

    def steps(self, largest: int) -> float:
        """Estimate the number of steps of the run with minibatches of at most ``largest`` tokens."""
        warmup, growth, power = self.warmup_tokens, self.recipe.growth, self.recipe.acceleration
        # From the end of the warm-up until minibatches reach the largest size, dn = dT / (g T (T/T₀)^a).
        first = min(self.wanted(0), largest)
        grown: float = (largest / first) ** (1 / (1 + power))
        while_growing = (1 - grown**-power) / power if power else math.log(grown)
        return warmup / first + while_growing / growth + (self.total_tokens - grown * warmup) / largest

    def remaining(self, tokens: int) -> float:
        """Return the share of the run that is left after ``tokens``."""
        return 1 - tokens / self.total_tokens

    def learning_rate(self, tokens: int, warmup_tokens: float) -> float:
        """Return the lr of the input step after ``tokens``: linear to 0; 0 in the warm-up, when only W is fitted."""
        return self.recipe.steps.lr * self.remaining(tokens) if tokens >= warmup_tokens else 0.0

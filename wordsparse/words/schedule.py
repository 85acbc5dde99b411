"""How the minibatches of a run grow and its learning rate falls: functions of the tokens passed over alone."""

import math
from dataclasses import dataclass

from wordsparse.words.recipe import Recipe

# Minimum number of minibatches of a run, and of one that is long by the recipe: smaller ones are cut for it.
MIN_STEPS, MIN_LONG_STEPS = 150, 100
# Maximum share of a run's tokens before E moves.
MAX_WARMUP = 0.05
# Minimum warm-up in tokens, half of a shorter text: W must have seen more than one pair before E moves.
MIN_WARMUP = 8


@dataclass(frozen=True)
class Schedule:
    """The schedule of a run over ``total_tokens`` corpus tokens, all epochs together.

    ``asked`` is the largest minibatch that was requested; None leaves it to the recipe, or to a short text.
    """

    recipe: Recipe
    total_tokens: int
    asked: int | None = None

    @property
    def warmup_tokens(self) -> float:
        """Tokens that pass before E moves."""
        longest = min(self.recipe.warmup_tokens, self.total_tokens * MAX_WARMUP)
        return max(longest, min(MIN_WARMUP, self.total_tokens / 2))

    @property
    def fewest_steps(self) -> int:
        """The least number of steps of a run whose size of minibatches is not given."""
        return MIN_LONG_STEPS if self.total_tokens > self.recipe.long_run else MIN_STEPS

    def largest_batch(self) -> int:
        """Tokens of the largest minibatches: the recipe's, or fewer for a short text, so that it takes enough steps."""
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
        """Tokens of a minibatch after ``passed`` ones, were there no largest: g T (T/T₀)^a, T₀ the warm-up."""
        warmup = max(self.warmup_tokens, 1.0)
        passed = max(passed, warmup)
        faster: float = (passed / warmup) ** self.recipe.acceleration
        return max(1, int(self.recipe.growth * passed * faster))

    def steps(self, largest: int) -> float:
        """About how many steps the run takes with minibatches of at most ``largest`` tokens."""
        warmup, growth, power = self.warmup_tokens, self.recipe.growth, self.recipe.acceleration
        # dn = dT / (g T (T/T₀)^a) from the end of the warm-up until a minibatch is the largest.
        first = min(self.wanted(0), largest)
        grown: float = (largest / first) ** (1 / (1 + power))
        while_growing = (1 - grown**-power) / power if power else math.log(grown)
        return warmup / first + while_growing / growth + (self.total_tokens - grown * warmup) / largest

    def remaining(self, tokens: int) -> float:
        """The share of the run that is left after ``tokens``."""
        return 1 - tokens / self.total_tokens

    def learning_rate(self, tokens: int, warmup_tokens: float) -> float:
        """lr of the input step after ``tokens``: linear to 0; 0 in the warm-up, while W alone is fitted."""
        return self.recipe.steps.lr * self.remaining(tokens) if tokens >= warmup_tokens else 0.0

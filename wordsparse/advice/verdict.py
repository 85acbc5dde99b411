"""The verdict: the method or what to use instead, with its reasons and limits as sentences."""

from wordsparse.advice.sizes import RARE, Sizes
from wordsparse.advice.timing import DENSE_OUTPUTS, Timing

# Below this speed-up the exact layer is not worth another dependency.
MIN_SPEEDUP = 2.0
# The share of rare outputs from which trees often rank the first label better, and the outputs of a long tail at least.
LONG_TAIL, MIN_TAIL_OUTPUTS = 0.5, 2000

ADVICE = {
    "factored": "Use wordsparse.",
    "dense": "Use a dense output layer.",
    "trees": "Use label trees (omikuji).",
}
LIMITS = (
    "The predicted speed-up is a ratio of floating-point operations; the measured one is a ratio of CPU times on one "
    "thread, which include the fixed costs of a step and the reading of memory.",
    f"The dense update was timed on at most {DENSE_OUTPUTS:,} outputs and its time multiplied; its loss is the "
    "cheapest, squared error.",
    "No other method was tried: wordsparse compare does so for a text.",
)


def decide(sizes: Sizes, timing: Timing) -> tuple[str, list[str]]:
    """A key of ``ADVICE``, and the reasons."""
    speed = (
        f"With {sizes.n_outputs:,} outputs and {sizes.n_features:,} features a training step of the exact layer is "
        f"{timing.speedup:,.3g} times as fast as a dense one"
    )
    if timing.speedup < MIN_SPEEDUP:
        return "dense", [f"{speed}, less than {MIN_SPEEDUP:g} times: a dense layer is simpler and has every loss."]
    if sizes.kind == "labels" and sizes.n_outputs >= MIN_TAIL_OUTPUTS and sizes.rare_share >= LONG_TAIL:
        seen = int((sizes.counts > 0).sum())
        tail = (
            f"{sizes.rare_share:.0%} of the {seen:,} labels that occur were seen at most {RARE} times: on such a tail "
            "trees often rank the first label better. Try both."
        )
        return "trees", [f"{speed}.", tail]
    return "factored", [f"{speed}."]

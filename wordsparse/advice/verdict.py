"""The verdict: the method or what to use instead, with its reasons and limits as sentences."""

import math

from wordsparse.advice.sizes import RARE, Sizes
from wordsparse.advice.timing import DENSE_OUTPUTS, Timing
from wordsparse.advice.trial import Trial

# Below this speed-up the exact layer is not worth another dependency.
MIN_SPEEDUP = 2.0
# The share of rare outputs from which trees often rank the first label better, and the outputs of a long tail at least.
LONG_TAIL, MIN_TAIL_OUTPUTS = 0.5, 2000

ADVICE = {
    "factored": "Use wordsparse.",
    "dense": "Use a dense output layer.",
    "trees": "Use label trees (omikuji).",
    "sampling": "Use negative sampling (gensim).",
    "undecided": "This trial cannot tell.",
}
# A budget holds all stages and what follows of them, as a multiple of the time of the last one.
ALL_STAGES = 1.5
LIMITS = (
    "The predicted speed-up is a ratio of floating-point operations; the measured one is a ratio of CPU times on one "
    "thread, which include the fixed costs of a step and the reading of memory.",
    f"The dense update was timed on at most {DENSE_OUTPUTS:,} outputs and its time multiplied; its loss is the "
    "cheapest, squared error.",
    "Of a text, wordsparse compare tries more methods, epochs and seeds; of labels, no other method was tried.",
)


def decide(sizes: Sizes, timing: Timing, trial: Trial | None = None) -> tuple[str, list[str]]:
    """A key of ``ADVICE``, and the reasons: of labels by speed and tail, of a text by the trial."""
    if sizes.kind == "text":
        return _of_text(sizes, trial)
    speed = (
        f"With {sizes.n_outputs:,} outputs and {sizes.n_features:,} features a training step of the exact layer is "
        f"{timing.speedup:,.3g} times as fast as a dense one"
    )
    if timing.speedup < MIN_SPEEDUP:
        return "dense", [f"{speed}, less than {MIN_SPEEDUP:g} times: a dense layer is simpler and has every loss."]
    reasons = [f"{speed}."]
    if sizes.targets == "one-hot":
        reasons.append(
            "Each row has one label: in a network full cross-entropy ranks it better than the best exact loss "
            "(docs/torch.md), where a dense layer's time and memory can be paid for."
        )
    if sizes.n_outputs >= MIN_TAIL_OUTPUTS and sizes.rare_share >= LONG_TAIL:
        seen = int((sizes.counts > 0).sum())
        tail = (
            f"{sizes.rare_share:.0%} of the {seen:,} labels that occur were seen at most {RARE} times: on such a tail "
            "trees often rank the first label better. Try both."
        )
        return "trees", [*reasons, tail]
    return "factored", reasons


def _of_text(sizes: Sizes, trial: Trial | None) -> tuple[str, list[str]]:
    """What a text is trained with instead is negative sampling, whatever a dense layer would cost."""
    if trial is None or not trial.stages:
        return "undecided", ["Without a trial nothing can be said of a text; give --budget 120."]
    ours, *others = trial.stages[-1]
    part = f"On {'all' if trial.complete else 'the first'} {ours.amount:,} tokens"
    if trial.complete:
        more = "The text is too short for a trial to tell; from some 3 million tokens on it can."
    else:
        seconds = ALL_STAGES * trial.seconds * sizes.n_examples / ours.amount
        more = f"Give --budget {math.ceil(seconds):,}, which is about what all {sizes.n_examples:,} tokens take."
    if ours.quality is None or ours.low is None or ours.low <= 0:
        score = "nothing is judged" if ours.quality is None else f"{ours} is not above chance"
        return "undecided", [f"{part} {score}.", more]
    if not others:
        missing = "Negative sampling was not tried beside it: pip install 'wordsparse[gensim]'."
        return "undecided", [f"{part}: {ours}.", missing]
    other = others[0]
    both = (
        f"{part}: {ours}, and {other} by negative sampling, which took {other.cpu_seconds / ours.cpu_seconds:.2g} times"
    )
    if other.low is None or other.high is None or ours.low > other.high:
        return "factored", [f"{both} the CPU time."]
    if ours.high is not None and other.low > ours.high:
        return "sampling", [f"{both} the CPU time."]
    return "undecided", [f"{both} the CPU time: no difference of the scores is certain.", more]

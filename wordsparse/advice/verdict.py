"""The verdict: the method, or what to use instead, and the reasons, each by a number."""

from dataclasses import dataclass, field
from typing import Any

from wordsparse.advice.label_trial import DENSE, ONE_VS_REST, TREES
from wordsparse.advice.real_trial import RIDGE
from wordsparse.advice.sizes import Sizes
from wordsparse.advice.text_trial import NEGATIVE_SAMPLING
from wordsparse.advice.timing import Timing
from wordsparse.advice.trial import Result, Trial

# Below this the exact layer is not worth another dependency.
MIN_SPEEDUP = 2.0
# From this share of rare outputs on trees often rank the first label better.
LONG_TAIL = 0.5
# With fewer outputs a tail is not long.
MIN_TAIL_OUTPUTS = 2000
VERDICT_OF = {
    TREES: "trees",
    ONE_VS_REST: "one-vs-rest",
    DENSE: "dense",
    RIDGE: "ridge",
    NEGATIVE_SAMPLING: "negative-sampling",
}


@dataclass(frozen=True)
class Verdict:
    """``advice`` is factored, dense or a value of ``VERDICT_OF``; ``reasons`` are (sentence, values)."""

    advice: str
    reasons: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def decide(sizes: Sizes, timing: Timing, trial: Trial | None) -> Verdict:
    """The verdict by sizes and timing alone where there was no trial."""
    speed: tuple[str, dict[str, Any]] = (
        "speed",
        {"times": timing.speedup, "outputs": sizes.n_outputs, "features": sizes.n_features},
    )
    pairs = trial.peers() if trial else []
    compared = [_comparison(ours, peer) for ours, peer in pairs]
    if timing.speedup < MIN_SPEEDUP:
        dense = [_clearly_better(ours, peer) for ours, peer in pairs if peer.method == DENSE]
        leads = dense == [True] and not any(_clearly_better(peer, ours) for ours, peer in pairs)
        small = ("small-ahead" if leads else "small", {"least": MIN_SPEEDUP, **speed[1]})
        return Verdict("factored" if leads else "dense", [small, *compared])
    reasons = [speed, *compared]
    ahead = [peer for ours, peer in pairs if _clearly_better(peer, ours)]
    if ahead:
        best = max(ahead, key=lambda peer: peer.quality)
        return Verdict(VERDICT_OF[best.method], reasons)
    if _has_long_tail(sizes):
        # A trial that shows no difference may be too small: trees may gain with more examples.
        judged = [_clearly_better(ours, peer) for ours, peer in pairs if peer.method == TREES]
        tail = {"share": sizes.rare_share, "outputs": int((sizes.counts > 0).sum())}
        reasons.append(("tail-measured" if judged else "tail", tail))
        if not any(judged):
            return Verdict("trees", reasons)
    if trial is None or not pairs:
        reasons.append(("unmeasured", {}))
    return Verdict("factored", reasons)


def _has_long_tail(sizes: Sizes) -> bool:
    return sizes.kind == "labels" and sizes.n_outputs >= MIN_TAIL_OUTPUTS and sizes.rare_share >= LONG_TAIL


def _clearly_better(one: Result, other: Result) -> bool:
    """Whether one's quality lies above the other's interval and below its own the other's."""
    return one.quality > other.high and other.quality < one.low


def _comparison(ours: Result, peer: Result) -> tuple[str, dict[str, Any]]:
    how = "better" if _clearly_better(ours, peer) else "worse" if _clearly_better(peer, ours) else "alike"
    values = {"peer": peer.method, "measure": ours.measure, "ours": ours.quality, "theirs": peer.quality}
    faster = peer.cpu_seconds / max(ours.cpu_seconds, 1e-9)
    return how, {**values, "amount": ours.amount, "times": faster}

"""The choice of the words of a model, by the rules of gensim's ``prepare_vocab``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wordsparse.gensim.texts import TrimRule, keeps
from wordsparse.vectors.lookup import Key


@dataclass(frozen=True)
class Kept:
    """The words that are kept, by count, and statistics of the others."""

    counts: dict[Key, int]
    drop_unique: int
    min_count: int


def kept(counts: Mapping[Key, int], min_count: int, max_final_vocab: int | None, trim_rule: TrimRule | None) -> Kept:
    """The words that occur often enough; the minimum is raised until about ``max_final_vocab`` words are left."""
    if max_final_vocab is not None and max_final_vocab < len(counts):
        first_left_out = sorted(counts.values(), reverse=True)[max_final_vocab]
        min_count = max(min_count, first_left_out + 1)
    chosen = {word: int(count) for word, count in counts.items() if keeps(word, int(count), min_count, trim_rule)}
    return Kept(chosen, len(counts) - len(chosen), min_count)


def by_frequency(counts: Mapping[Key, int]) -> list[Key]:
    """The words in gensim's order: the most frequent first, of equally frequent ones the last."""
    last_first = list(counts)[::-1]
    return sorted(last_first, key=lambda word: -counts[word])


def threshold(sample: float, total: int) -> float:
    """The relative frequency for ``sample``, which is a count if it is 1 or more; words above it are subsampled."""
    return sample if sample < 1 else int(sample * (3 + math.sqrt(5)) / 2) / max(total, 1)


def report(chosen: Kept, sample: float) -> dict[str, Any]:
    """The result of gensim's ``prepare_vocab``: words dropped and kept, and the number of tokens after subsampling."""
    total, sampled, left = sum(chosen.counts.values()), 0, 0.0
    rate = threshold(sample, total)
    for count in chosen.counts.values():
        ratio = rate * total / count if rate and count else 1.0
        probability = min(math.sqrt(ratio) + ratio, 1.0)
        sampled += probability < 1
        left += probability * count
    return {
        "drop_unique": chosen.drop_unique,
        "retain_total": total,
        "downsample_unique": sampled,
        "downsample_total": int(left),
        "num_retained_words": len(chosen.counts),
    }

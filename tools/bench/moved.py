"""Which planted changes ``moved`` finds by few resamples, and what it names where nothing has changed."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import wordsparse as ws
from tools.bench.runner import Benchmark, Row
from wordsparse.stability.model import ResampledModel
from wordsparse.stability.resampling import BLOCK

LEVEL = 0.05


@dataclass
class Moved(Benchmark):
    """Swapped words with q < .05, of those that occur 50 to 199 and 200 times or more in each half of a text.

    The halves are pages in turn; in the second, ``pairs`` pairs of words that are as frequent have changed places. The
    same without the changes says how many words are named by chance.
    """

    text: Path = Path("text.txt")
    tokens: int = 2_000_000
    resamples: tuple[int, ...] = (4, 8)
    pairs: int = 20
    dim: int = 50
    epochs: int = 3
    seed: int = 1
    cases: ClassVar[tuple[str, ...]] = ()

    def setup(self) -> None:
        self.halves: tuple[list[list[str]], ...] = ([], [])
        tokens = 0
        with open(self.text, encoding="utf-8") as lines:
            for line in lines:
                self.halves[tokens // BLOCK % 2].append(line.split())
                tokens += len(line.split())
                if tokens >= self.tokens:
                    break

    def track_moved(self) -> list[Row]:
        first, second = (self._resampled(half) for half in self.halves)
        counts = {word: int(count) for word, count in zip(first.vocabulary.words, first.vocabulary.counts, strict=True)}
        other = {
            word: int(count) for word, count in zip(second.vocabulary.words, second.vocabulary.counts, strict=True)
        }
        common = [word for word in counts if min(counts[word], other.get(word, 0)) >= 60]
        places = np.random.default_rng(self.seed).choice(len(common) // 2, self.pairs, replace=False) * 2
        swaps = {common[i]: common[i + 1] for i in places} | {common[i + 1]: common[i] for i in places}
        changed = self._resampled([[swaps.get(word, word) for word in line] for line in self.halves[1]])
        rows = []
        for n in self.resamples:
            same, moved = (ws.moved(cut(first, n), cut(model, n)) for model in (second, changed))
            found = {word.word for word in moved if word.q < LEVEL}
            often = {word for word in swaps if min(counts[word], other[word]) >= 200}
            rare = swaps.keys() - often
            rows.append(
                {
                    "resamples": n,
                    "words": len(moved),
                    "frequent": f"{len(found & often)}/{len(often)}",
                    "rarer": f"{len(found & rare)}/{len(rare)}",
                    "others": len(found - swaps.keys()),
                    "unchanged": sum(word.q < LEVEL for word in same),
                }
            )
        return rows

    def _resampled(self, text: list[list[str]]) -> ResampledModel:
        options: dict[str, Any] = {"dim": self.dim, "epochs": self.epochs, "seed": self.seed, "threads": self.threads}
        return ws.resample(ws.train(text, progress=False, **options), text, max(self.resamples))


def cut(model: ResampledModel, n: int) -> ResampledModel:
    """The model with its first n resamples."""
    return ResampledModel.of(model, replace(model.resamples, parts=model.resamples.parts[:n]))

"""Vectors of fewer dimensions and fewer bits: their bytes, their scores, and the neighbours that they keep."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import mean

import wordsparse as ws
from tools.bench.runner import OnText, Row
from wordsparse.vectors.compact import DTYPES
from wordsparse.vectors.formats.base import arrays_of
from wordsparse.vectors.neighbours import kept
from wordsparse.vectors.word_vectors import WordVectors


@dataclass
class Sizes(OnText):
    """A model's vectors cut to fewer dimensions and rounded to fewer bits, next to models trained at that size.

    ``bytes`` are per word. ``kept`` is the share of the ten nearest neighbours of 1,000 frequent words that are also
    their neighbours in the whole vectors. ``pairs`` is the mean score of the sets of pairs, which are gensim's unless
    files are named. All numbers are means over the ``seeds``.
    """

    dim: int = 300
    min_count: int = 5
    cut: tuple[int, ...] = (300, 150, 100, 64, 32)
    dtype: tuple[str, ...] = DTYPES
    trained: tuple[int, ...] = (100, 64)
    seeds: tuple[int, ...] = (1, 2)
    pairs: tuple[str, ...] = ("",)
    analogies: tuple[str, ...] = ("",)

    def track_sizes(self) -> list[Row]:
        found = defaultdict[tuple[str, int, str], list[Row]](list)
        for seed in self.seeds:
            whole = self._trained(self.dim, seed)
            for dim in self.cut:
                for dtype in self.dtype:
                    found["cut", dim, dtype].append(self._measures(whole.truncated(dim).rounded(dtype), whole))
            for dim in self.trained:
                found["trained", dim, "float32"].append(self._measures(self._trained(dim, seed), whole))
        return [
            {"vectors": how, "dim": dim, "type": dtype, **{name: mean(row[name] for row in rows) for name in rows[0]}}
            for (how, dim, dtype), rows in found.items()
        ]

    def _trained(self, dim: int, seed: int) -> WordVectors:
        options: Row = {**self.sizes("min_count"), "dim": dim, "seed": seed}
        return ws.train(self.text, progress=False, **options).wv

    def _measures(self, vectors: WordVectors, whole: WordVectors) -> Row:
        files = ([path for path in paths if path] or None for paths in (self.pairs, self.analogies))
        sets = ws.evaluate(vectors, *files)
        pairs = {name: result["spearman"] for name, result in sets["pairs"].items()}
        analogies = {name: result["accuracy"] for name, result in sets["analogies"].items()}
        size = sum(array.nbytes for array in arrays_of(vectors.vectors).values()) / len(vectors)
        return {"bytes": size, "kept": kept(whole, vectors), "pairs": mean(pairs.values()), **pairs, **analogies}

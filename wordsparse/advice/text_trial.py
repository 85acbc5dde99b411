"""The trial on a text: CBOW beside gensim's negative sampling on the first tokens, judged by pairs of words."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wordsparse import optional
from wordsparse.advice.trial import Result
from wordsparse.comparison import compare
from wordsparse.corpus import EncodedCorpus

OURS, NEGATIVE_SAMPLING = "wordsparse-cbow", "gensim-cbow-ns"
FIRST = 200_000
# Scores on fewer known pairs are noise.
MIN_PAIRS = 30
NEEDED = ("matplotlib", "jinja2", "gensim")


def is_possible() -> bool:
    """Whether the packages that :func:`wordsparse.comparison.compare` needs are installed."""
    return all(map(optional.installed, NEEDED))


@dataclass(frozen=True)
class TextTrial:
    """Stages on the first tokens of an encoded text."""

    corpus: EncodedCorpus
    dim: int
    threads: int
    seed: int

    def stage(self, amount: int) -> Iterator[Result]:
        """Both programs on the first ``amount`` tokens, one epoch."""
        with tempfile.TemporaryDirectory() as folder:
            content = compare(
                self.corpus.path,
                Path(folder) / "report",
                methods=(OURS, NEGATIVE_SAMPLING),
                max_tokens=amount,
                dim=self.dim,
                epochs=(1,),
                threads=self.threads,
                seed=self.seed,
            )
        for run in content["runs"]:
            judged = [pairs for pairs in run.get("pairs", {}).values() if pairs["n"] >= MIN_PAIRS]
            if "error" in run or not judged:
                continue
            mean, low, high = (float(np.mean([pairs[key] for pairs in judged])) for key in ("spearman", "low", "high"))
            yield Result(run["name"], amount, run["cpu_seconds"], mean, low, high, "Spearman")

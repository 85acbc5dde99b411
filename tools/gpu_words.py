"""The measurements of word vectors in tools/gpu.py: tokens/s, quality, and memory leaks."""

import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
from complexity import batches, zipf_law
from gpu_parts import Bench, exact_step

import wordsparse as ws
from wordsparse.corpus import END_OF_SENTENCE, Vocabulary
from wordsparse.layer.output import FactoredOutput
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.examples import ExampleBuilder

# Trained on beforehand where kernels are compiled on first use.
WARM_TOKENS = 1_000_000


def training(bench: Bench) -> dict[str, Any]:
    """One epoch of each model on the text: tokens/s, and the scores of the vectors, beside those of the CPU."""
    if not bench.text:
        raise ValueError("no text was given to train on")
    runs: list[dict[str, Any]] = []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ws.encode([str(path) for path in bench.text], Path(folder, "encoded"), min_count=bench.min_count)
        encoded, given = Path(folder, "encoded"), {"dim": bench.features, "epochs": 1}
        for model in ("cbow", "skipgram"):
            for device in dict.fromkeys((bench.device, "cpu")):
                if device == "cuda":  # kernels are compiled on first use
                    ws.train(encoded, model=model, device=device, max_tokens=WARM_TOKENS, **given)
                trained = ws.train(encoded, model=model, device=device, **given)
                report, scores = trained.report, _scores(trained)
                runs.append({**report, "model": model, "scores": scores})
                numbers = [report[name] for name in ("threads", "vocab_size", "tokens_per_second")]
                rows.append([model, device, *numbers, report["loss"][-1], *scores.values()])
    headers = ["model", "device", "threads", "V", "tokens/s", "loss", *runs[0]["scores"]]
    return {"dim": bench.features, "runs": runs, "table": machine.table(headers, rows)}


def _scores(model: ws.Model) -> dict[str, float | None]:
    found = ws.evaluate(model)
    return {name: pair["spearman"] for name, pair in found["pairs"].items()} | {
        name: analogies["accuracy"] for name, analogies in found["analogies"].items()
    }


def leaks(bench: Bench) -> dict[str, Any]:
    """Memory in use after a tenth of the steps, when pools and caches have filled, and after all of them.

    Steps of the layer, of CBOW and of skip-gram take turns, at sizes that change from one to the next: a pool has to
    cope.
    """
    D, d = min(bench.outputs, 50_000), min(bench.features, 100)
    layer = FactoredOutput(D, d, "bounded-ns", kernels=bench.kernels)
    random = np.random.default_rng(0)
    words = _Words(bench, min(D, 5000), d)
    device, host = [], []
    for i in range(bench.steps):
        m = int(random.integers(1, 200))
        if i % 3 == 0:
            exact_step(bench, layer, batches(m, d, D, seed=i)[0])()
        else:
            words.step("cbow" if i % 3 == 1 else "skipgram", 10 * m)
        if (i + 1) % (bench.steps // 10) == 0:
            bench.wait()
            device.append(bench.memory_bytes())
            host.append(machine.memory_bytes("VmRSS"))
    return {
        "steps": bench.steps,
        "bytes": device,
        "host_bytes": host,
        "grown_bytes": device[-1] - device[0],
        "grown_host_bytes": host[-1] - host[0],
    }


class _Words:
    """Word vectors of both models on a text of random words, frequent ones first."""

    def __init__(self, bench: Bench, vocab_size: int, dim: int) -> None:
        random = np.random.default_rng(1)
        law = zipf_law(vocab_size)
        self._ids = np.minimum(np.searchsorted(np.cumsum(law), random.random(100_000)), vocab_size - 1).astype(np.int32)
        self._ids[::30] = END_OF_SENTENCE
        counts = 1 + (self._ids.size * law).astype(np.int64)
        vocabulary = Vocabulary([f"w{i}" for i in range(vocab_size)], counts)
        builder = ExampleBuilder(vocabulary, window=5, sample=0.0, seed=1)
        self._build = {"cbow": builder.cbow, "skipgram": builder.skipgram}
        self._models = {
            model: WordEmbedding(
                FactoredOutput(vocab_size, dim + 1, "bounded-ns", counts**0.5, kernels=bench.kernels).core,
                StepSizes(m0=100.0),
                seed=1,
            )
            for model in self._build
        }
        self._at = 0

    def step(self, model: str, tokens: int) -> None:
        """One minibatch of the next so many tokens, read in a ring."""
        self._at = self._at if self._at + tokens < self._ids.size else 0
        examples = self._build[model](self._ids, self._at, self._at + tokens, offset=0, epoch=0)
        self._models[model].step(examples, 0.1)
        self._at += tokens

"""A benchmark of finding the largest outputs of one example: exactly, and approximately with an index of faiss."""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.bench.heads import Heads, Training
from tools.bench.runner import Row, cpu_seconds
from tools.bench.tasks import task_of

K = 10
# The numbers of parts of the index that are read, to try in turn.
PROBES = (16, 32, 64, 128, 256, 512, 1024)


@dataclass
class NearestOutputs(Heads):
    """CPU µs to find the ten largest outputs of one example, after training as in ``Heads``.

    An inverted file (faiss, ``parts`` parts) is built over the rows of W. It reads the smallest number of parts with
    which the recall is at least ``least`` on half of the judged examples; ``recall`` is measured on the other half.
    ``exact_flat`` is faiss's exact index. ``moving`` is the time to change the rows of one minibatch in the inverted
    file, which an index that is kept through training would need after every step.
    """

    task: Any = ("labels-1000000",)
    head: Any = ("bounded-ns:negatives=100",)
    seconds: float = 30.0
    examples: int = 100_000
    judged: int = 400
    parts: int = 1024
    least: float = 0.99

    def track_heads(self) -> list[Row]:
        """Train the first head, and compare the ways to find its largest outputs."""
        import faiss
        import torch

        torch.set_num_threads(self.threads)
        faiss.omp_set_num_threads(self.threads)
        task = task_of(self)
        training = Training(self.head[0], self, task)
        while training.used < self.seconds:
            training.step()
        with torch.no_grad():
            h = training.body(task.inputs[-self.judged :])
            W, bias = training.head.weights()
        if training.head.layer.bias:
            W, h = torch.column_stack([W, bias]), torch.column_stack([h, torch.ones(len(h))])
        W, queries = W.numpy(), h.numpy()

        exact = faiss.IndexFlatIP(W.shape[1])
        exact.add(W)
        best, flat = timed(lambda one: exact.search(one, K)[1], queries)
        top = training.head.layer.top
        inputs = h[:, : training.head.layer.in_features]
        found, ours = timed(lambda one: top(torch.from_numpy(one), K).indices.numpy(), inputs.numpy())
        rows = [
            {"way": "top", "us": ours, "recall": recall(found, best)},
            {"way": "exact_flat", "us": flat, "recall": 1.0},
        ]

        start = cpu_seconds()
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(W.shape[1]), W.shape[1], self.parts, faiss.METRIC_INNER_PRODUCT)
        index.train(W)
        index.add(W)
        built, half = cpu_seconds() - start, self.judged // 2
        for index.nprobe in PROBES:
            found, us = timed(lambda one: index.search(one, K)[1], queries)
            print(index.nprobe, us, recall(found, best), file=sys.stderr)
            if recall(found[:half], best[:half]) >= self.least:
                break
        tested = recall(found[half:], best[half:])
        rows.append(
            {"way": "index", "us": us, "recall": tested, "probes": index.nprobe, "building_seconds": round(built, 1)}
        )

        index.set_direct_map_type(faiss.DirectMap.Array)
        random = np.random.default_rng(0)
        minibatches = [random.choice(len(W), self.batch, replace=False) for _ in range(100)]
        _, us = timed(lambda ids: index.update_vectors(ids[0], W[ids[0]] * np.float32(1.01)), minibatches)
        return [*rows, {"way": "moving", "us": us}]


def timed(search: Any, queries: Any) -> tuple[Any, float]:
    """Return the results of searches for one query at a time, and the CPU time per query in µs."""
    search(queries[0][None])
    start = cpu_seconds()
    found = [search(query[None]) for query in queries]
    us = (cpu_seconds() - start) / len(queries) * 1e6
    return (None if found[0] is None else np.concatenate(found)), round(us, 1)


def recall(found: Any, best: Any) -> float:
    """Return the fraction of the best K outputs that were found."""
    hits = (found[:, :, None] == best[:, None]).any(1).sum()
    return round(float(hits / best.size), 4)

"""Output heads of a small network on several kinds of targets: exact losses against dense and sampled rivals."""

import ctypes
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tools.bench.rivals import OF_TARGETS, OF_VALUES, Rival, best_settings, is_rival, kind_of, score, stages
from tools.bench.runner import Benchmark, Row
from tools.bench.tasks import FEATURES, Task, task_of
from wordsparse.layer.losses import LOSSES, Loss
from wordsparse.machine.description import memory_bytes

# Units of the inner layer, units of the recurrent body, and the maximum number of outputs in memory for evaluation.
INNER, STATE, HELD = 256, 128, 30_000_000
RIVALS = ("dense", "in-batch", "sampled-100", "sampled-1000", "binary-100", "stored")
# The memory that each head adds, for each pair of a task and its heads.
MEMORY: dict[tuple[str, tuple[str, ...]], dict[str, int]] = {}


@dataclass
class Heads(Benchmark):
    """Scores of heads, and the memory that each head adds. All heads get the same CPU time, and are scored after a
    quarter of this time and at the end. The head that has used the least CPU time takes the next step, so that other
    programs slow all heads equally.

    ``task`` is KIND-D, with D outputs. ``class``: points in D / 10 clusters; a point's target is its cluster.
    ``labels``: 20 labels per row, ten from each of two topics; popular labels are more frequent. ``values``: 20 real
    values per row, ten from each of two topics; topics follow Zipf's law. ``word``: the next word of ``text``; ``bag``:
    the next ten words. A GRU over embeddings predicts words from the ten words before; other tasks use networks with
    one inner layer.

    ``head`` is a loss of ``FactoredOutput``, ``SampledOutput``, or a rival. Constants of a loss follow its name:
    ``bounded-ns:negatives=100``. The prefix ``counts:`` adds biases, and makes the square root of the counts the base
    measure; ``SampledOutput`` then knows the counts from the beginning. The rivals: ``dense`` is full cross-entropy;
    ``in-batch`` is cross-entropy among the targets of the minibatch, corrected for each target's probability (log Q);
    ``sampled-K`` is cross-entropy among K uniform negatives; ``binary-K`` is a logistic loss of targets and K uniform
    negatives. Rivals with a softmax start from biases equal to the log of the counts. For real values: squared error,
    with ``dense`` over all outputs, ``stored`` over targets, ``sampled-K`` with K others. A rival's settings follow its
    name (:class:`tools.bench.rivals.Rival`): ``in-batch:rows=adagrad:rate=0.1``. With ``tuned``, a report of
    ``HeadsTuning``, rivals have the best settings of that report.

    The scores on held-out rows are ``ndcg@10`` over all outputs, and ``perplexity`` if outputs are logits or the loss
    defines probabilities. For real values, the score is ``r2``, the explained fraction of the sum of squares.
    """

    task: Any = ("class-20000", "class-500000", "labels-100000", "values-200000", "word-20000")
    head: Any = (*LOSSES, "counts:bounded-ns", "counts:zloss", *RIVALS)
    seconds: float = 10.0
    rate: float = 0.003
    text: Path = Path("text.txt")
    batch: int = 256
    dim: int = 64
    examples: int = 200_000
    judged: int = 2000
    seed: Any = (0,)
    tuned: Path = Path()
    cases: ClassVar[tuple[str, ...]] = ("task", "seed")
    held_back: ClassVar[int] = 0

    def track_heads(self) -> list[Row]:
        """First measure the memory of each head that fits the task, then the scores; steps of the heads take turns."""
        best = best_settings(self.tuned, self.task)
        heads = tuple(name + best.get(name, "") for name in self.head if not self._leaves_out(name))
        case = self.task, heads
        if case not in MEMORY:  # the seed makes no difference
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                MEMORY[case] = process.submit(Heads.memory, replace(self, head=heads)).result()
        return [{**row, "bytes": MEMORY[case][row["head"]]} for row in self._apart(heads)]

    def _apart(self, heads: tuple[str, ...]) -> list[Row]:
        """Return the scores of heads that a process of its own trains."""
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(Heads.trained, replace(self, head=heads)).result()

    def _leaves_out(self, head: str) -> bool:
        """Return whether a head's loss does not fit the task's targets."""
        kind = self.task.partition("-")[0]
        if is_rival(head):
            return kind_of(head) not in (OF_VALUES if kind == "values" else OF_TARGETS)
        if head.endswith("SampledOutput"):
            return kind == "values"
        targets = {"values": "real-valued", "labels": "several", "bag": "several"}.get(kind, "one-hot")
        return targets not in loss_of(head).fits

    def memory(self) -> dict[str, int]:
        """Return the memory of each head in bytes."""
        short = replace(self, seconds=0.5, judged=1, examples=min(self.examples, 20_000))
        return {name: replace(short, head=(name,)).trained()[0]["bytes"] for name in self.head}

    def trained(self) -> list[Row]:
        """Train all heads, whose steps take turns, and return the scores of the heads."""
        import torch

        if self.seconds > 0:  # lets libraries allocate memory before heads are measured
            small = {"task": f"{self.task.partition('-')[0]}-1000", "examples": 3000, "judged": 10, "seconds": 0.0}
            replace(self, **small).trained()
        torch.set_num_threads(self.threads)
        task = task_of(self)
        rows = list[Row]()
        running = {Training(name, self, task): [self.seconds / 4, self.seconds] for name in self.head}
        while running:
            one = min(running, key=lambda training: training.used)
            one.step()
            if one.used < running[one][0]:
                continue
            row = {"head": one.name, "cpu_seconds": round(one.used, 1), "examples": one.examples, "bytes": one.grown()}
            rows.append({**row, **self._scores(one.body, one.head, task)})
            if self.judged > 10:
                print(self.task, self.seed, rows[-1], file=sys.stderr, flush=True)
            running[one].pop(0)
            if not running[one]:
                del running[one]
        return rows

    def _scores(self, body: Any, head: Any, task: Any) -> Row:
        import torch

        judged, sums, size = np.arange(len(task.ids) - self.judged, len(task.ids)), [], max(1, HELD // task.outputs)
        with torch.no_grad():
            W, bias = head.weights()
            for chosen in np.split(judged, range(size, len(judged), size)):
                h, ids = body(task.inputs[chosen]), torch.from_numpy(task.ids[chosen])
                o = h @ W.T + bias
                if task.values is not None:
                    own, y = o.gather(1, ids), task.values_of(chosen)
                    sums.append([(o * o).sum() + (y * y - 2 * own * y).sum(), (y * y).sum()])
                    continue
                gains = 1 / torch.log2(torch.arange(2.0, 12))
                hits = (o.topk(10).indices[:, :, None] == ids[:, None]).any(2)
                ideal = gains[: min(10, ids.shape[1])].sum()
                sums.append([(hits * gains).sum() / ideal, head.log_prob(h, o, ids).sum()])
        totals = np.array(sums, np.float64).sum(0)
        if task.values is not None:
            return {"r2": round(float(1 - totals[0] / totals[1]), 4)}
        means = totals / len(judged)
        has_perplexity = task.ids.shape[1] == 1 and np.isfinite(means[1])
        perplexity = {"perplexity": round(float(np.exp(min(50, -means[1]))), 1)} if has_perplexity else {}
        return {"ndcg@10": round(float(means[0]), 4), **perplexity}


@dataclass
class HeadsTuning(Heads):
    """Scores of rivals with several settings, on rows that ``Heads`` neither trains on nor judges.

    Every rival has as many runs, all with the same CPU time: first with each optimiser and rate of its rows of W, then,
    with the best of them, with other temperatures and numbers of negatives (:func:`tools.bench.rivals.stages`).
    """

    head: Any = ("in-batch", "sampled-1000", "binary-100", "dense")
    seed: Any = (100,)

    @property
    def held_back(self) -> int:  # type: ignore[override]
        """The number of rows that Heads judges."""
        return self.judged

    def track_heads(self) -> list[Row]:
        """Try the settings of each rival that fits the task."""
        rows = list[Row]()
        for name in self.head:
            best = ""
            for settings in () if self._leaves_out(name) else stages(name, real_valued=self.task.startswith("values")):
                tried = self._apart(tuple(name + best + setting for setting in settings))[-len(settings) :]
                for row in (row for row in tried if np.isfinite(score(row))):
                    del row["bytes"]  # heads that share a process share its peak
                    rows.append({**row, "head": name, "settings": row["head"].removeprefix(name)})
                best = max((row for row in rows if row["head"] == name), key=score)["settings"]
        return rows


class Training:
    """A network body with a head, and the CPU time ``used`` by their steps."""

    def __init__(self, name: str, settings: Heads, task: Task) -> None:
        import torch

        torch.manual_seed(settings.seed)
        self.name, self.task, self.batch, self.judged = name, task, settings.batch, settings.judged
        self.body = body_of(task, settings.dim)
        tables = [p for n, p in self.body.named_parameters() if n == "0.weight" and task.of_ids]
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        self.before = memory_bytes("VmRSS")
        self.head = head_of(name, settings.dim, task)
        dense = [p for p in self.body.parameters() if p not in set(tables)] + self.head.dense
        self.optimizers = [torch.optim.Adam(dense, lr=settings.rate), *self.head.optimizers]
        if tables + self.head.sparse:
            self.optimizers.append(torch.optim.SparseAdam(tables + self.head.sparse, lr=settings.rate))
        self.random, self.used, self.examples = np.random.default_rng(settings.seed), 0.0, 0

    def step(self) -> None:
        """Take the step of one minibatch."""
        import torch

        task, chosen = self.task, self.random.integers(0, len(self.task.ids) - self.judged, self.batch)
        start = time.process_time()
        loss = self.head.loss(
            self.body(task.inputs[chosen]), torch.from_numpy(task.ids[chosen]), task.values_of(chosen)
        )
        for each in self.optimizers:
            each.zero_grad()
        loss.backward()
        for each in self.optimizers:
            each.step()
        self.used += time.process_time() - start
        self.examples += self.batch

    def grown(self) -> int:
        """Return the growth of the process's peak memory, in bytes, since the body was made."""
        return memory_bytes("VmHWM") - self.before


class Ours:
    """A layer of wordsparse as the head; it takes its own steps."""

    def __init__(self, name: str, dim: int, task: Task) -> None:
        from wordsparse.torch import FactoredOutput, SampledOutput

        counted, self.layer = name.startswith("counts:"), Any
        if name.endswith("SampledOutput"):
            self.layer = SampledOutput(dim, task.outputs, ignore_index=-1, counts=task.counts if counted else None)
        else:
            options = {"bias": True, "base_measure": np.sqrt(task.counts + 1)} if counted else {}
            self.layer = FactoredOutput(dim, task.outputs, loss=loss_of(name), ignore_index=-1, **options)
        self.sparse, self.dense, self.optimizers = list[Any](), list[Any](), [self.layer.fused_optimizer]
        self.embed, self.state, self.restore = self.layer.embed, self.layer.state_dict, self.layer.load_state_dict

    def loss(self, h: Any, ids: Any, values: Any) -> Any:
        """Return the mean loss over the minibatch."""
        import torch

        if values is None:
            return self.layer(h, ids)
        rows = torch.arange(len(ids)).repeat_interleave(ids.shape[1])
        return self.layer(h, (rows, ids.ravel(), values.ravel()))

    def backward(self, h: Any, ids: Any) -> None:
        """Compute the gradient of the mean loss, and take the layer's step."""
        self.loss(h, ids[:, None], None).backward()

    def weights(self) -> tuple[Any, Any]:
        """Return W (outputs, dim), and the biases."""
        W, biased = self.layer.weights(), self.layer.bias
        return (W[:, :-1], W[:, -1]) if biased else (W, 0.0)

    def log_prob(self, h: Any, o: Any, ids: Any) -> Any:
        """Return the log probability (m,) of each example's first target, or NaN if the loss defines none."""
        return self.layer.log_prob(h, ids[:, 0]) if hasattr(self.layer, "log_prob") else o[:, 0] * np.nan


def loss_of(head: str) -> Loss:
    """Return the loss of an exact head, with the constants that follow its name."""
    name, *settings = head.removeprefix("counts:").split(":")
    pairs = (setting.split("=") for setting in settings)
    return LOSSES[name](**{constant: float(value) for constant, value in pairs})


def head_of(name: str, dim: int, task: Task) -> Any:
    """Make the head that ``name`` describes."""
    return (Rival if is_rival(name) else Ours)(name, dim, task)


def body_of(task: Task, dim: int) -> Any:
    """Make the network body: a GRU over embeddings if inputs are ids of words, otherwise one inner layer."""
    from torch.nn import GRU, Embedding, Linear, Module, ReLU, Sequential

    class Last(Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = GRU(FEATURES, STATE, batch_first=True)

        def forward(self, rows: Any) -> Any:
            return self.gru(rows)[1][0]

    if task.of_ids:
        return Sequential(Embedding(task.outputs, FEATURES, sparse=True), Last(), Linear(STATE, dim))
    return Sequential(Linear(FEATURES, INNER), ReLU(), Linear(INNER, dim))

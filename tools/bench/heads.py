"""Heads of one small network on four kinds of targets: the exact losses beside dense and sampled rivals."""

import ctypes
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tools.bench.runner import Benchmark, Row
from tools.bench.tasks import BEFORE, FEATURES, Task, task_of
from wordsparse.layer.losses import LOSSES
from wordsparse.machine.description import memory_bytes

# Inner units, and outputs that are held when judging.
INNER, HELD = 256, 30_000_000
RIVALS = ("dense", "in-batch", "sampled-100", "sampled-1000", "binary-100", "stored")


@dataclass
class Heads(Benchmark):
    """Scores of heads at a quarter and all of the same CPU seconds, with the growth of the memory while they train.

    ``task`` is KIND-D. ``class``: one of D / 10 clusters of points, each an output; ``item``: the next one of
    ``planted`` sequences; ``labels``: 20 a row, ten of each of two topics, the popular ones more often; ``values``: 20
    real ones a row, those of two topics, topics by Zipf's law; ``word``: the next one of ``text``. Items and words are
    read from the last five, by rows of their own; the body has one inner layer.

    The heads: losses of ``FactoredOutput`` with nothing set, or after ``counts:`` with biases and the root of counts as
    base measure; ``dense``, full cross-entropy; ``in-batch``, that among the targets of the minibatch, each weighed by
    one over its chance to be there (log Q); ``sampled-K``, among K uniform negatives; ``binary-K``, a logistic loss of
    targets and K uniform negatives. All rivals that normalise start from the log of the counts, and Adam, of the rows
    that occur, takes their steps. Of real values: ``dense``, the squared error; ``stored``, without the zeros;
    ``sampled-K``, with K uniform zeros weighed as all.

    ``ndcg@10`` of rows that were held out, over all outputs; ``perplexity`` where outputs are logits or the loss has
    probabilities; ``r2``, the share of the squares of all values that is explained.
    """

    task: Any = ("class-20000", "class-500000", "item-20000", "labels-100000", "values-200000", "word-20000")
    head: Any = (*LOSSES, "counts:bounded-ns", "counts:zloss", *RIVALS)
    seconds: float = 10.0
    rate: float = 0.003
    text: Path = Path("text.txt")
    batch: int = 256
    dim: int = 64
    examples: int = 200_000
    judged: int = 2000
    seed: Any = (0,)
    cases: ClassVar[tuple[str, ...]] = ("task", "head", "seed")

    def leaves_out(self, name: str) -> bool:
        """A head whose loss does not fit the task's targets."""
        kind = self.task.partition("-")[0]
        if self.head in RIVALS:
            rivals = {"values": ("dense", "stored", "sampled-100", "sampled-1000")}
            return self.head not in rivals.get(kind, RIVALS[:5])
        targets = {"values": "real-valued", "labels": "several"}.get(kind, "one-hot")
        return targets not in LOSSES[self.head.removeprefix("counts:")].fits

    def track_heads(self) -> list[Row]:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(Heads.trained, self).result()

    def trained(self) -> list[Row]:
        """Train in a process of its own, whose memory and time are this head's."""
        import torch

        if self.seconds > 0:  # a small one first, after which all that libraries take is there
            small = {"task": f"{self.task.partition('-')[0]}-1000", "examples": 3000, "judged": 10, "seconds": 0.0}
            replace(self, **small).trained()
        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        task = task_of(self)
        body = body_of(task, self.dim)
        tables = [p for n, p in body.named_parameters() if n == "0.weight" and task.of_ids]
        optimizer = torch.optim.Adam([p for p in body.parameters() if p not in set(tables)], lr=self.rate)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = memory_bytes("VmRSS")
        head = head_of(self.head, self.dim, task)
        if head.dense:
            optimizer.add_param_group({"params": head.dense})
        rows = [torch.optim.SparseAdam(tables + head.sparse, lr=self.rate)] if tables + head.sparse else []
        random = np.random.default_rng(self.seed)
        found, used, marks, examples = list[Row](), 0.0, [self.seconds / 4, self.seconds], 0
        while marks:
            chosen = random.integers(0, len(task.ids) - self.judged, self.batch)
            start = time.process_time()
            h = body(task.inputs[chosen])
            loss = head.loss(h, torch.from_numpy(task.ids[chosen]), task.values_of(chosen))
            for each in (optimizer, *rows):
                each.zero_grad()
            loss.backward()
            for each in (optimizer, *rows):
                each.step()
            used += time.process_time() - start
            examples += self.batch
            if used >= marks[0]:
                row = {"cpu_seconds": round(used, 1), "examples": examples}
                grown = found[0]["bytes"] if found else memory_bytes("VmHWM") - before
                found.append({**row, "bytes": grown, **self._scores(body, head, task)})
                if self.seconds > 0:
                    print(self.task, self.head, self.seed, found[-1], file=sys.stderr, flush=True)
                marks = marks[1:]
        return found

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
        known = task.ids.shape[1] == 1 and np.isfinite(means[1])
        perplexity = {"perplexity": round(float(np.exp(min(50, -means[1]))), 1)} if known else {}
        return {"ndcg@10": round(float(means[0]), 4), **perplexity}


class Exact:
    """``FactoredOutput``, which takes its own steps."""

    def __init__(self, name: str, dim: int, task: Task) -> None:
        from wordsparse.torch import FactoredOutput

        loss, counted = name.removeprefix("counts:"), name.startswith("counts:")
        given = {"bias": True, "base_measure": np.sqrt(task.counts + 1)} if counted else {}
        self.layer = FactoredOutput(dim, task.outputs, loss=loss, **given)
        self.sparse, self.dense = list[Any](), list[Any]()

    def loss(self, h: Any, ids: Any, values: Any) -> Any:
        """Its mean over the minibatch."""
        import torch

        rows = torch.arange(len(ids)).repeat_interleave(ids.shape[1])
        return self.layer(h, ids if values is None else (rows, ids.ravel(), values.ravel()))

    def weights(self) -> tuple[Any, Any]:
        """W (outputs, dim), and the biases."""
        W, biased = self.layer.weights(), self.layer.bias
        return (W[:, :-1], W[:, -1]) if biased else (W, 0.0)

    def log_prob(self, h: Any, o: Any, ids: Any) -> Any:
        """Log probabilities of the first target (m,), or NaN where the loss has none."""
        if not self.layer.loss.normalised or ids.shape[1] > 1:
            return o[:, 0] * np.nan
        return self.layer.log_prob(h, ids[:, 0]).diagonal()


class Rival:
    """Rows of PyTorch's, under one of its losses over all outputs, those of the minibatch, or ``number`` samples."""

    def __init__(self, name: str, dim: int, task: Task) -> None:
        import torch

        self.kind, _, number = name.partition("-")
        self.number, self.outputs = int(number) if number.isdigit() else 0, task.outputs
        self.rows = torch.nn.Parameter(0.02 * torch.randn(task.outputs, dim))
        self.Q = torch.from_numpy((task.counts + 0.1) / (task.counts + 0.1).sum()).float()
        normalised = task.values is None and self.kind != "binary"
        self.bias = self.Q.log() if normalised else torch.zeros(task.outputs)
        self.sparse, self.dense = ([], [self.rows]) if name == "dense" else ([self.rows], [])

    def _outputs(self, h: Any, ids: Any) -> Any:
        """o of some outputs, of all rows of h (n,) or of its own each (m, n)."""
        from torch.nn.functional import embedding

        W, bias = embedding(ids, self.rows, sparse=True), self.bias[ids]
        return h @ W.T + bias if ids.ndim == 1 else (W @ h[:, :, None])[:, :, 0] + bias

    def loss(self, h: Any, ids: Any, values: Any) -> Any:
        """Its mean over the minibatch."""
        if values is not None:
            return self._squared(h, ids, values)
        return {"dense": self._full, "in": self._in_batch, "sampled": self._sampled, "binary": self._binary}[self.kind](
            h, ids
        )

    def _squared(self, h: Any, ids: Any, values: Any) -> Any:
        import torch

        if self.kind == "dense":
            o = h @ self.rows.T
            own = o.gather(1, ids)
            return ((o * o).sum() + (values * values - 2 * own * values).sum()) / len(h)
        own = self._outputs(h, ids)
        if self.kind == "stored":
            return ((own - values) ** 2).sum() / len(h)
        zeros = self._outputs(h, torch.randint(self.outputs, (self.number,)))
        whole = (zeros * zeros).sum() * (self.outputs / self.number)
        return (whole + (values * values - 2 * own * values).sum()) / len(h)

    def _full(self, h: Any, ids: Any) -> Any:
        import torch

        o = h @ self.rows.T + self.bias
        return (torch.logsumexp(o, 1) - o.gather(1, ids).mean(1)).mean()

    def _in_batch(self, h: Any, ids: Any) -> Any:
        import torch

        there, places = torch.unique(ids, return_inverse=True)
        o = self._outputs(h, there) - torch.log(-torch.expm1(ids.numel() * torch.log1p(-self.Q[there])))
        return (torch.logsumexp(o, 1) - o.gather(1, places).mean(1)).mean()

    def _sampled(self, h: Any, ids: Any) -> Any:
        import torch

        own, others = self._own_and_others(h, ids)
        others = (others + np.log(self.outputs / self.number)).logsumexp(1, keepdim=True).expand_as(own)
        return (torch.logaddexp(own.logsumexp(1, keepdim=True), others) - own).mean()

    def _binary(self, h: Any, ids: Any) -> Any:
        from torch.nn.functional import logsigmoid

        own, others = self._own_and_others(h, ids)
        return -(logsigmoid(own).sum() + logsigmoid(-others).sum()) / len(h)

    def _own_and_others(self, h: Any, ids: Any) -> tuple[Any, Any]:
        """Outputs of the targets, and of negatives that the minibatch shares, without those that are targets."""
        import torch

        negatives = torch.randint(self.outputs, (self.number,))
        same = (negatives[None, :, None] == ids[:, None]).any(2)
        return self._outputs(h, ids), self._outputs(h, negatives).masked_fill(same, -torch.inf)

    def weights(self) -> tuple[Any, Any]:
        """W (outputs, dim), and the biases."""
        return self.rows.detach(), self.bias

    def log_prob(self, h: Any, o: Any, ids: Any) -> Any:
        """Log probabilities of the first target (m,), outputs as logits of a softmax."""
        return o.gather(1, ids[:, :1])[:, 0] - o.logsumexp(1) if self.kind != "binary" else o[:, 0] * np.nan


def head_of(name: str, dim: int, task: Task) -> Any:
    """The head of a name."""
    return (Rival if name in RIVALS or name.startswith("sampled") else Exact)(name, dim, task)


def body_of(task: Task, dim: int) -> Any:
    """One inner layer, behind rows of its own where the inputs are ids."""
    from torch.nn import Embedding, Flatten, Linear, ReLU, Sequential

    first = [Embedding(task.outputs, FEATURES, sparse=True), Flatten()] if task.of_ids else []
    return Sequential(*first, Linear(FEATURES * (BEFORE if first else 1), INNER), ReLU(), Linear(INNER, dim))

"""A network for the next item of a sequence, under full cross-entropy, samples of it, and the exact layer."""

import copy
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from tools.bench import heads
from tools.bench.runner import Benchmark, Row, cpu_seconds
from tools.bench.sequences import BLOCK, K, sequences_of
from wordsparse.machine.description import memory_bytes

# Users whose validation chooses the epoch, and rows of logits that full cross-entropy holds at a time.
JUDGED, CHUNK = 4000, 256


@dataclass
class NextItemNetwork(Benchmark):
    """The same by a small causal transformer in PyTorch under several heads: quality, CPU s of each epoch, peak memory.

    The body is SASRec's: rows of the last ``length`` items, which the head has (one table for inputs and outputs), a
    norm, embeddings of their places, two blocks; each place predicts the next item. Adam trains it, and all learning
    rates fall in a line to ``last_rate`` of what they were, Adam's from 1e-3. The heads are those of ``Heads``. The
    validation's NDCG@10 chooses the epoch, and the test is looked at once. ``data`` are files as NextItem takes them.
    """

    data: Any = ("",)
    head: Any = ("dense", "in-batch", "sampled-1000", "zloss", "counts:zloss")
    epochs: int = 10
    last_rate: float = 0.02
    batch: int = 128
    dim: int = 64
    length: int = 30
    seed: Any = (0,)
    cases: ClassVar[tuple[str, ...]] = ("data", "head", "seed")

    def setup(self) -> None:
        sequences = sequences_of(Path(self.data))
        self.items = 1 + max(int(sequence.max()) for sequence in sequences)
        self.sequences = [sequence for sequence in sequences if len(sequence) > 2]

    def track_network(self) -> list[Row]:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(NextItemNetwork.trained, self).result()

    def trained(self) -> list[Row]:
        """The scores of each epoch; the memory is that of this process."""
        import torch

        torch.manual_seed(self.seed)
        torch.set_num_threads(self.threads)
        known = [sequence[:-2] for sequence in self.sequences if len(sequence) > 3]
        counts = np.bincount(np.concatenate(known), minlength=self.items)
        task = SimpleNamespace(outputs=self.items, counts=counts, values=None)
        head = (Rival if heads.is_rival(self.head) else Exact)(self.head, self.dim, task)
        self.body = causal_transformer(head.embed, self.dim, self.length)
        optimizers: list[Any] = [torch.optim.Adam([*self.body.parameters(), *head.dense], lr=1e-3)]
        optimizers += [torch.optim.SparseAdam(head.sparse, lr=1e-3)] if head.sparse else []
        optimizers += head.optimizers
        minibatches = max(1, len(known) // self.batch)
        steps = self.epochs * minibatches
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(o, lambda t: max(self.last_rate, 1 - t / steps)) for o in optimizers
        ]
        random, rows, best, chosen = np.random.default_rng(self.seed), list[Row](), -1.0, None
        cpu = 0.0
        for epoch in range(1, self.epochs + 1):
            before = cpu_seconds()
            self.body.train()
            for batch in np.array_split(random.permutation(len(known)), minibatches):
                places, following = padded([known[user] for user in batch], self.length)
                h = self.body(torch.from_numpy(places[:, :-1]))[torch.from_numpy(following >= 0)]
                for optimizer in optimizers:
                    optimizer.zero_grad()
                head.backward(h, torch.from_numpy(following[following >= 0]))
                for each in (*optimizers, *schedules):
                    each.step()
            cpu += cpu_seconds() - before
            if epoch == 1:
                peak = memory_bytes("VmHWM")  # of training alone: a validation holds more
            row = {"epoch": epoch, "cpu_seconds": cpu, **self._scores(head, "validation", JUDGED), "peak_bytes": peak}
            rows.append(row)
            print(self.data, self.head, row, file=sys.stderr, flush=True)
            if row["ndcg@10"] > best:
                best, chosen = row["ndcg@10"], copy.deepcopy((self.body.state_dict(), head.state()))
        assert chosen is not None
        self.body.load_state_dict(chosen[0])
        head.restore(chosen[1])
        rows.append({"epoch": "best", **self._scores(head, "test", len(self.sequences))})
        return rows

    def _scores(self, head: Any, part: str, users: int) -> Row:
        """HR@10 and NDCG@10 of the first ``users`` users, whose own earlier items are left out."""
        import torch

        end = -1 if part == "test" else -2
        asked, places, (W, bias) = self.sequences[:users], list[Any](), head.weights()
        self.body.eval()
        with torch.no_grad():
            for start in range(0, len(asked), BLOCK):
                block = asked[start : start + BLOCK]
                known = [sequence[:end] for sequence in block]
                h = self.body(torch.from_numpy(padded(known, self.length - 1)[0]))[:, -1]
                o, wanted = (h @ W.T + bias).numpy(), np.array([sequence[end] for sequence in block])
                of_wanted = o[np.arange(len(block)), wanted].copy()
                users_of = np.repeat(np.arange(len(block)), [len(own) for own in known])
                o[users_of, np.concatenate(known)] = -np.inf
                places.append(1 + (o > of_wanted[:, None]).sum(1))
        found = np.concatenate(places)
        gain = float(np.where(found <= K, 1 / np.log2(found + 1), 0).mean())
        return {"hr@10": round(float((found <= K).mean()), 4), "ndcg@10": round(gain, 4)}


class Exact(heads.Exact):
    """``FactoredOutput``, one table for inputs and outputs."""

    def __init__(self, name: str, dim: int, task: Any) -> None:
        super().__init__(name, dim, task)
        self.embed, self.optimizers = self.layer.embed, [self.layer.fused_optimizer]
        self.state, self.restore = self.layer.state_dict, self.layer.load_state_dict

    def backward(self, h: Any, ids: Any) -> None:
        """The gradient of the mean loss, and the layer's step."""
        self.loss(h, ids[:, None], None).backward()


class Rival(heads.Rival):
    """Rows of PyTorch's, inputs and outputs at once."""

    optimizers: ClassVar[list[Any]] = []

    def embed(self, ids: Any) -> Any:
        """The rows of items; of −1, zeros."""
        from torch.nn.functional import embedding

        return embedding(ids.clamp(min=0), self.rows, sparse=not self.dense) * (ids >= 0)[..., None]

    def backward(self, h: Any, ids: Any) -> None:
        """The gradient of the mean loss; under full cross-entropy, whose outputs are many, some rows of h at a time."""
        leaf, size = h.detach().requires_grad_(), CHUNK if self.dense else len(h)
        for part, own in zip(leaf.split(size), ids.split(size), strict=True):
            (self.loss(part, own[:, None], None) * (len(part) / len(h))).backward()
        h.backward(leaf.grad)  # autograd adds what comes through the inputs

    def state(self) -> Any:
        """A copy of the rows, for ``restore``."""
        return self.rows.detach().clone()

    def restore(self, rows: Any) -> None:
        """Gives the rows of ``state`` back."""
        self.rows.data.copy_(rows)


def causal_transformer(embed: Any, dim: int, length: int) -> Any:
    """A norm of the items' rows (−1 is padding), embeddings of places, two causal blocks of two heads, a norm."""
    import torch

    class Body(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.dropout = torch.nn.LayerNorm(dim), torch.nn.Dropout(0.2)
            self.places = torch.nn.Parameter(torch.randn(length, dim) * 0.1)
            given = {"dropout": 0.2, "batch_first": True, "norm_first": True}
            block = torch.nn.TransformerEncoderLayer(dim, 2, dim, **given)
            self.blocks = torch.nn.TransformerEncoder(block, 2, torch.nn.LayerNorm(dim), enable_nested_tensor=False)

        def forward(self, ids: Any) -> Any:
            x = self.norm(embed(ids)) * (ids >= 0)[..., None] + self.places[-ids.shape[1] :]
            later = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
            return self.blocks(self.dropout(x), mask=later)

    return Body()


def padded(sequences: list[Any], length: int) -> tuple[Any, Any]:
    """The last ``length`` + 1 items of each, −1 before them (n, length + 1); and the items that follow (n, length)."""
    rows = np.full((len(sequences), length + 1), -1, np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        last = sequence[-length - 1 :]
        row[length + 1 - len(last) :] = last
    return rows, np.where(rows[:, :-1] >= 0, rows[:, 1:], -1)

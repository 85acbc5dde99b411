"""A network for the next item of a sequence, under full cross-entropy, samples of it, and the exact layer."""

import copy
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tools.bench.runner import Benchmark, Row, cpu_seconds
from tools.bench.sequences import BLOCK, K, sequences_of
from wordsparse.layer.losses import LOSSES
from wordsparse.machine.description import memory_bytes

# Users whose validation chooses the epoch, and rows of logits that full cross-entropy holds at a time.
JUDGED, CHUNK = 4000, 256


@dataclass
class NextItemNetwork(Benchmark):
    """The same by a small causal transformer in PyTorch under several heads: quality, CPU s of each epoch, peak memory.

    The body is SASRec's: rows of the last ``length`` items, which the head has (one table for inputs and outputs), a
    norm, embeddings of their places, two blocks; each place predicts the next item. Adam trains it, and all learning
    rates fall in a line to ``last_rate`` of what they were, Adam's from 1e-3. The heads: ``softmax``, full
    cross-entropy in chunks; ``sampled-K``, cross-entropy against K uniform negatives of the minibatch, corrected for
    their number; ``gbce-K``, gSASRec's loss; and the losses of ``FactoredOutput``, with the words' constants, biases,
    and the root of items' counts as base measure. The validation's NDCG@10 chooses the epoch, and the test is looked at
    once. ``data`` are files as NextItem takes them, or ``planted:N``, a made-up catalogue, whose last epoch is chosen,
    judged by 4,000 users. An epoch is a ``share`` of the users.
    """

    data: Any = ("",)
    head: Any = ("softmax", "sampled-100", "sampled-3000", "gbce-256", *LOSSES)
    epochs: Any = (10,)
    share: float = 1.0
    last_rate: float = 0.02
    batch: int = 128
    dim: int = 64
    length: int = 30
    seed: Any = (0,)
    cases: ClassVar[tuple[str, ...]] = ("data", "head", "epochs", "seed")

    def setup(self) -> None:
        self.planted = self.data.startswith("planted:")
        sequences = planted(int(self.data[8:])) if self.planted else sequences_of(Path(self.data))
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
        head = head_of(self.head, self.dim, counts, self.threads)
        self.body = causal_transformer(head.embed, self.dim, self.length)
        optimizers: list[Any] = [torch.optim.Adam([*self.body.parameters(), *head.dense], lr=1e-3)]
        optimizers += [torch.optim.SparseAdam(head.sparse, lr=1e-3)] if head.sparse else []
        optimizers += head.optimizers
        users = max(1, int(self.share * len(known)))
        steps = self.epochs * max(1, users // self.batch)
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(o, lambda t: max(self.last_rate, 1 - t / steps)) for o in optimizers
        ]
        random, rows, best, chosen = np.random.default_rng(self.seed), list[Row](), -1.0, None
        cpu, examples = 0.0, 0
        for epoch in range(1, self.epochs + 1):
            before = cpu_seconds()
            self.body.train()
            order = random.permutation(len(known))[:users]
            for batch in np.array_split(order, max(1, order.size // self.batch)):
                places, following = padded([known[user] for user in batch], self.length)
                h = self.body(torch.from_numpy(places[:, :-1]))[torch.from_numpy(following >= 0)]
                for optimizer in optimizers:
                    optimizer.zero_grad()
                head.backward(h, torch.from_numpy(following[following >= 0]))
                for each in (*optimizers, *schedules):
                    each.step()
                examples += len(h)
            cpu += cpu_seconds() - before
            if epoch == 1:
                peak = memory_bytes("VmHWM")  # of training alone: a validation holds more
            used = {"us_per_example": 1e6 * cpu / examples, "peak_bytes": peak}
            if self.planted and epoch < self.epochs:
                continue  # a validation of a million items takes longer than an epoch
            row = {"epoch": epoch, "cpu_seconds": cpu, **self._scores(head, "validation", JUDGED), **used}
            rows.append(row)
            print(self.data, self.head, row, file=sys.stderr, flush=True)
            if row["ndcg@10"] > best:
                best, chosen = row["ndcg@10"], copy.deepcopy((self.body.state_dict(), head.state()))
        assert chosen is not None
        self.body.load_state_dict(chosen[0])
        head.restore(chosen[1])
        rows.append({"epoch": "best", **self._scores(head, "test", JUDGED if self.planted else len(self.sequences))})
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


class Head:
    """A table of the items' rows, inputs and outputs at once, whose ``backward`` sends a gradient to it and to h."""

    def __init__(self, dim: int, items: int, sampled: int) -> None:
        import torch

        self.rows = torch.nn.Embedding(items, dim, sparse=sampled > 0)
        torch.nn.init.normal_(self.rows.weight, std=0.02)
        self.sparse, self.dense = ([self.rows.weight], []) if sampled else ([], [self.rows.weight])
        self.sampled, self.items, self.optimizers = sampled, items, list[Any]()
        self.state, self.restore = self.rows.state_dict, self.rows.load_state_dict

    def embed(self, ids: Any) -> Any:
        """The rows of items; of −1, zeros."""
        return self.rows(ids.clamp(min=0)) * (ids >= 0)[..., None]

    def weights(self) -> tuple[Any, Any]:
        """W (items, dim), and the biases."""
        return self.rows.weight.detach(), 0.0

    def backward(self, h: Any, targets: Any) -> None:
        """Full cross-entropy, its logits some rows at a time."""
        import torch

        leaf = h.detach().requires_grad_()
        for part, ids in zip(leaf.split(CHUNK), targets.split(CHUNK), strict=True):
            logits = part @ self.rows.weight.T
            (torch.nn.functional.cross_entropy(logits, ids, reduction="sum") / len(h)).backward()
        h.backward(leaf.grad)  # autograd adds what comes through the inputs


class Sampled(Head):
    """Cross-entropy of the target among uniform negatives, which the minibatch shares, as if they were all items."""

    def backward(self, h: Any, targets: Any) -> None:
        import torch

        own, others = self._logits(h, targets)
        others = others + np.log((self.items - 1) / self.sampled)
        (torch.logsumexp(torch.cat([own[:, None], others], 1), 1) - own).mean().backward()

    def _logits(self, h: Any, targets: Any) -> tuple[Any, Any]:
        """Those of the targets, and of the negatives; a negative that is the target counts as none."""
        import torch

        negatives = torch.randint(self.items, (self.sampled,))
        others = (h @ self.rows(negatives).T).masked_fill(negatives[None] == targets[:, None], -torch.inf)
        return (h * self.rows(targets)).sum(1), others


class Gbce(Sampled):
    """Petrov & Macdonald's generalised binary cross-entropy (gSASRec, RecSys 2023), t = .75."""

    def backward(self, h: Any, targets: Any) -> None:
        from torch.nn.functional import logsigmoid

        share = self.sampled / (self.items - 1)
        beta = share * (0.75 * (1 - 1 / share) + 1 / share)
        own, others = self._logits(h, targets)
        (-(beta * logsigmoid(own) + logsigmoid(-others).sum(1)).mean() / (self.sampled + 1)).backward()


class Exact:
    """``FactoredOutput``, which takes its own steps."""

    def __init__(self, loss: str, dim: int, counts: Any, threads: int | None) -> None:
        from wordsparse.torch import FactoredOutput

        chosen = LOSSES[loss](**LOSSES[loss].recipe.get("loss", {}))
        given = {"base_measure": np.sqrt(counts + 1), "bias": True, "ignore_index": -1, "threads": threads}
        self.layer = FactoredOutput(dim, counts.size, loss=chosen, **given)
        self.embed, self.sparse, self.dense = self.layer.embed, list[Any](), list[Any]()
        self.optimizers = [self.layer.fused_optimizer]
        self.state, self.restore = self.layer.state_dict, self.layer.load_state_dict

    def weights(self) -> tuple[Any, Any]:
        W = self.layer.weights()
        return W[:, :-1], W[:, -1]

    def backward(self, h: Any, targets: Any) -> None:
        self.layer(h, targets).backward()


def head_of(name: str, dim: int, counts: Any, threads: int | None) -> Any:
    """The head of a name such as ``softmax``, ``sampled-100``, ``gbce-256`` or that of a loss of the exact layer."""
    kind, _, number = name.partition("-")
    if kind in ("softmax", "sampled", "gbce"):
        return {"softmax": Head, "sampled": Sampled, "gbce": Gbce}[kind](dim, counts.size, int(number or 0))
    return Exact(name, dim, counts, threads)


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


def planted(items: int, users: int = 30_000, groups: int = 500) -> list[Any]:
    """Sequences of 5 to 14 items: two steps in three to one of three groups that follow the last item's, others to any.

    The items of a group, ``items`` / ``groups``, are drawn by Zipf's law.
    """
    random = np.random.default_rng(items)
    size = items // groups
    popular = np.cumsum(1 / np.arange(1, size + 1))
    following = random.integers(0, groups, (groups, 3))
    found = []
    for length in random.integers(5, 15, users):
        group = np.empty(length, np.int64)
        group[0] = random.integers(groups)
        for t in range(1, length):
            follows = random.random() < 2 / 3
            group[t] = following[group[t - 1], random.integers(3)] if follows else random.integers(groups)
        found.append(group * size + np.searchsorted(popular, random.random(length) * popular[-1]))
    return found

"""The next item of a sequence out of a whole catalogue: the classifier, decayed counts of pairs, popularity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds

K = 10
# Items looked at for the first K that a user has not had.
DEPTH = 200
BLOCK = 512
# Users that a network is judged by.
JUDGED = 4000


@dataclass
class NextItem(Benchmark):
    """HR@10 and NDCG@10 of users' last items, all items that the user has not had ranked, and CPU s of the training.

    ``data`` are files of lines ``user item``, users together, items in time's order. Each user's last item is the test
    and the one before it the validation, on which the decay is chosen. Trained without both, as tables of this field
    are, and again without the test alone; the test's history has the validation's item.
    """

    data: Any = ("",)
    decays: tuple[float, ...] = (0.4, 0.6, 0.8)
    seed: int = 0
    cases: ClassVar[tuple[str, ...]] = ("data",)

    def setup(self) -> None:
        users, items = np.loadtxt(Path(self.data), np.int64).T
        starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
        self.sequences = np.split(np.unique(items, return_inverse=True)[1], starts[1:])
        self.items = int(items.max())

    def track_popularity(self) -> list[Row]:
        counts = np.bincount(np.concatenate([sequence[:-2] for sequence in self.sequences]), minlength=self.items)
        order = np.argsort(-counts, kind="stable")[: DEPTH + max(map(len, self.sequences))]
        return [self._judged(lambda X: np.broadcast_to(order, (X.shape[0], order.size)), 1.0, "test")]

    def track_pair_counts(self) -> list[Row]:
        def fit(X: Any, Y: Any) -> Any:
            counts = sp.csr_array(X.T @ Y)
            return lambda rows: best(sp.csr_array(rows @ counts), DEPTH)

        return self._chosen(fit)

    def track_classifier(self) -> list[Row]:
        def fit(X: Any, Y: Any) -> Any:
            classifier = ws.SparseTargetClassifier(threads=self.threads, random_state=self.seed).fit(X, Y)
            return lambda rows: classifier.predict_topk(rows, DEPTH)[0]

        return self._chosen(fit)

    def _chosen(self, fit: Any) -> list[Row]:
        """The test's scores with the decay whose NDCG@10 on the validation is highest, by both trainings."""
        found = [(decay, *self._trained(fit, decay, 2)) for decay in self.decays]
        decay, rank, row = max(found, key=lambda each: float(self._judged(each[1], each[0], "validation")["ndcg@10"]))
        again, row_again = self._trained(fit, decay, 1)
        return [{**row, **self._judged(rank, decay, "test")}, {**row_again, **self._judged(again, decay, "test")}]

    def _trained(self, fit: Any, decay: float, without: int) -> tuple[Any, Row]:
        before = cpu_seconds()
        X, items = histories([sequence[:-without] for sequence in self.sequences], self.items, decay)
        starts = np.arange(items.size + 1)
        rank = fit(X, sp.csr_array((np.ones(items.size, np.float32), items, starts), (items.size, self.items)))
        cpu = cpu_seconds() - before
        return rank, {"decay": decay, "without": without, "rows": items.size, "cpu_seconds": cpu}

    def _judged(self, rank: Any, decay: float, part: str) -> Row:
        known = [sequence[: -1 if part == "test" else -2] for sequence in self.sequences]
        target = np.array([sequence[len(own)] for sequence, own in zip(self.sequences, known, strict=True)])
        before, hits = cpu_seconds(), []
        for start in range(0, len(known), BLOCK):
            X, _ = histories(known[start : start + BLOCK], self.items, decay, last=True)
            top = rank(X)
            for row, own, item in zip(top, known[start : start + BLOCK], target[start : start + BLOCK], strict=True):
                new = row[(row >= 0) & ~np.isin(row, own)][:K]
                hits.append(np.flatnonzero(new == item))
        places = np.array([hit[0] + 1 if hit.size else np.inf for hit in hits])
        gain = float((1 / np.log2(places + 1)).mean())
        seconds = cpu_seconds() - before
        return {
            "hr@10": round(float((places <= K).mean()), 4),
            "ndcg@10": round(gain, 4),
            "predict_cpu_seconds": seconds,
        }


@dataclass
class NextItemNetwork(Benchmark):
    """The same as NextItem by a small network in PyTorch, under several output layers: quality and CPU s of each epoch.

    h is the decayed mean of the history's embeddings, through two linear layers and a norm. Adam at 1e-3 trains it, and
    ``nn.Linear`` under full cross-entropy (``softmax``); ``FactoredOutput`` has its own rate. It is judged by the items
    of the validation of some users, and trained on ``share`` of the examples.
    """

    data: Any = ("",)
    loss: Any = ("softmax", "taylor", "spherical", "bounded-ns", "squared")
    share: float = 0.3
    epochs: int = 3
    batch: int = 256
    dim: int = 64
    decay: float = 0.6
    seed: int = 0
    cases: ClassVar[tuple[str, ...]] = ("data", "loss")

    def setup(self) -> None:
        users, items = np.loadtxt(Path(self.data), np.int64).T
        starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
        sequences = np.split(np.unique(items, return_inverse=True)[1], starts[1:])
        self.items = int(items.max())
        X, self.following = histories([sequence[:-2] for sequence in sequences], self.items, self.decay)
        self.X = normalize(X, "l1")
        some = [sequence for sequence in sequences if len(sequence) > 3][:JUDGED]
        new, _ = histories([sequence[:-2] for sequence in some], self.items, self.decay, last=True)
        self.new, self.wanted = normalize(new, "l1"), np.array([sequence[-2] for sequence in some])

    def track_network(self) -> list[Row]:
        import torch

        from wordsparse.torch import FactoredOutput

        torch.manual_seed(self.seed)
        torch.set_num_threads(self.threads)
        embedding = torch.nn.EmbeddingBag(self.items, self.dim, mode="sum")
        torch.nn.init.normal_(embedding.weight, std=0.1)
        first, second = torch.nn.Linear(self.dim, self.dim), torch.nn.Linear(self.dim, self.dim)
        norm = torch.nn.LayerNorm(self.dim)

        def body(X: Any) -> Any:
            bags = (torch.from_numpy(part.astype(np.int64)) for part in (X.indices, X.indptr[:-1]))
            h = embedding(*bags, per_sample_weights=torch.from_numpy(X.data.astype(np.float32)))
            return norm(h + second(torch.relu(first(h))))

        layers = torch.nn.ModuleList([embedding, first, second, norm])
        if self.loss == "softmax":
            head: Any = torch.nn.Linear(self.dim, self.items, bias=False)
            torch.nn.init.normal_(head.weight, std=0.02)
            layers.append(head)
        else:
            head = FactoredOutput(self.dim, self.items, loss=self.loss, threads=self.threads)
        optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3)
        random, rows = np.random.default_rng(self.seed), []
        chosen = random.permutation(self.following.size)[: int(self.share * self.following.size)]
        cpu = 0.0
        for epoch in range(1, self.epochs + 1):
            before = cpu_seconds()
            for batch in np.array_split(random.permutation(chosen), chosen.size // self.batch):
                h, targets = body(self.X[batch]), torch.from_numpy(self.following[batch])
                optimizer.zero_grad()
                loss = (
                    torch.nn.functional.cross_entropy(head(h), targets) if self.loss == "softmax" else head(h, targets)
                )
                loss.backward()
                optimizer.step()
            cpu += cpu_seconds() - before
            with torch.no_grad():
                W = head.weight if self.loss == "softmax" else head.weights()
                places = np.concatenate([self._places(body(self.new[part]) @ W.T, part) for part in self._blocks()])
            gain = float(np.where(places <= K, 1 / np.log2(places + 1), 0).mean())
            hits = round(float((places <= K).mean()), 4)
            rows.append({"epoch": epoch, "cpu_seconds": cpu, "hr@10": hits, "ndcg@10": round(gain, 4)})
        return rows

    def _blocks(self) -> list[slice]:
        return [slice(start, start + BLOCK) for start in range(0, self.wanted.size, BLOCK)]

    def _places(self, outputs: Any, part: slice) -> Any:
        """The place of each wanted item among those that the user has not had."""
        o, rows = outputs.numpy(), self.new[part]
        of_wanted = o[np.arange(o.shape[0]), self.wanted[part]].copy()
        o[np.repeat(np.arange(o.shape[0]), np.diff(rows.indptr)), rows.indices] = -np.inf
        return 1 + (o > of_wanted[:, None]).sum(1)


def histories(sequences: Any, items: int, decay: float, *, last: bool = False) -> tuple[Any, Any]:
    """For each item of a sequence but the first: a row of the items before it, each ``decay`` times the next; the item.

    With ``last`` one row a sequence, of all its items.
    """
    before = list(sequences) if last else [part[:t] for part in sequences for t in range(1, len(part))]
    following = np.concatenate([part[1:] for part in sequences])
    lengths = np.array([len(part) for part in before])
    ends = np.cumsum(lengths)
    ages = np.repeat(ends, lengths) - 1 - np.arange(ends[-1])
    values = (decay**ages).astype(np.float32)
    X = sp.csr_array((values, np.concatenate(before), np.concatenate([[0], ends])), shape=(len(before), items))
    X.sum_duplicates()
    return X, following


def best(scores: Any, k: int) -> Any:
    """The columns of the k largest entries of each row, −1 where there are fewer."""
    top = np.full((scores.shape[0], k), -1)
    for i in range(scores.shape[0]):
        part = slice(scores.indptr[i], scores.indptr[i + 1])
        columns = scores.indices[part][np.argsort(-scores.data[part], kind="stable")[:k]]
        top[i, : columns.size] = columns
    return top

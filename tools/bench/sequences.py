"""The next item of a sequence out of a whole catalogue: the classifier, decayed counts of pairs, popularity."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds

K = 10
# Items looked at for the first K that a user has not had.
DEPTH = 200
BLOCK = 512


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
        self.sequences = sequences_of(Path(self.data))
        self.items = 1 + max(int(sequence.max()) for sequence in self.sequences)

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


def sequences_of(path: Path) -> list[Any]:
    """The items of each user of a file, numbered from 0."""
    users, items = np.loadtxt(path, np.int64, ndmin=2).T
    starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
    each, places = np.unique(users[starts], return_counts=True)
    if places.max() > 1:
        again = each[places.argmax()]
        raise click.UsageError(f"{path}: user {again} stands in several places: sort the lines by user, then by time")
    return np.split(np.unique(items, return_inverse=True)[1], starts[1:])


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

"""Benchmarks of predicting the next item of a sequence among all items.

The methods are popularity, decayed counts of pairs, wordsparse's classifier, vectors and factors of items (wordsparse,
gensim and implicit), and a small causal transformer with full cross-entropy, sampled cross-entropy or the exact layer.
"""

import copy
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import click
import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from tools.bench.heads import head_of
from tools.bench.runner import Benchmark, Row, cpu_seconds
from wordsparse.corpus import Vocabulary
from wordsparse.items.fusion import Fusion
from wordsparse.labels.ranking import best_entries
from wordsparse.machine.description import memory_bytes
from wordsparse.words.item_memory import ItemMemory

K = 10
# The number of items to rank per user, enough to contain K items that are new to the user.
DEPTH = 200
BLOCK = 512
# The number of users whose validation items are used to select the best epoch.
JUDGED = 4000
# The decays to try: first for methods that use the decay in training, then for other methods.
DECAYED = [{"decay": decay} for decay in (0.4, 0.6, 0.8)]
DECAYS = (1.0, 0.4, 0.6, 0.8)


@dataclass
class NextItem(Benchmark):
    """HR@10 and NDCG@10 of each user's last item among all items that are new to the user, and training CPU seconds.

    ``data`` are files with lines ``user item``, sorted by user, then by time. A user's last item is the test item, and
    the second-last item is the validation item. Each method uses the settings and ``decay`` with the best validation
    NDCG@10: an item of a history weighs ``decay`` times as much as the next item. Models are trained without test and
    validation items, as usual, and again without test items only; test histories then include validation items. ALS and
    BPR are implicit's; item2vec is gensim's skip-gram, which ranks by the cosine with a history's mean vector.
    """

    data: Any = ("",)
    dim: int = 100
    seed: int = 0
    cases: ClassVar[tuple[str, ...]] = ("data",)

    def setup(self) -> None:
        self.sequences = sequences_of(Path(self.data))
        self.items = 1 + max(int(sequence.max()) for sequence in self.sequences)

    def track_popularity(self) -> list[Row]:
        counts = np.bincount(np.concatenate([sequence[:-2] for sequence in self.sequences]), minlength=self.items)
        order = np.argsort(-counts, kind="stable")[: DEPTH + max(map(len, self.sequences))]
        return [self._judged(lambda X, users: np.broadcast_to(order, (X.shape[0], order.size)), 1.0, "test")]

    def track_pair_counts(self) -> list[Row]:
        def fit(known: Any, decay: float) -> Any:
            X, Y = self._examples(known, decay)
            counts = sp.csr_array(X.T @ Y)
            return lambda rows, users: best(sp.csr_array(rows @ counts), DEPTH)

        return self._chosen(fit, DECAYED)

    def track_classifier(self) -> list[Row]:
        def fit(known: Any, decay: float) -> Any:
            classifier = ws.SparseTargetClassifier(threads=self.threads, random_state=self.seed)
            classifier.fit(*self._examples(known, decay))
            return lambda rows, users: classifier.predict_topk(rows, DEPTH)[0]

        return self._chosen(fit, DECAYED)

    def track_item2vec(self) -> list[Row]:
        def fit(known: Any, ns_exponent: float) -> Any:
            from gensim.models import Word2Vec

            options = {"sg": 1, "window": 10, "min_count": 1, "sample": 0, "negative": 10, "epochs": 20}
            sizes = {"vector_size": self.dim, "workers": self.threads, "seed": self.seed}
            keyed = Word2Vec(_texts(known), ns_exponent=ns_exponent, **options, **sizes).wv
            unit = np.zeros((self.items, self.dim), np.float32)
            unit[[int(word) for word in keyed.index_to_key]] = keyed.get_normed_vectors()

            def rank(X: Any, users: Any) -> Any:
                scores = (X @ unit) @ unit.T
                scores[X.nonzero()] = -np.inf
                first = np.argpartition(-scores, K, axis=1)[:, :K]
                return np.take_along_axis(first, np.argsort(-np.take_along_axis(scores, first, 1), 1), 1)

            return rank

        return self._chosen(fit, [{"ns_exponent": 0.75}, {"ns_exponent": -0.5}])

    def track_als(self) -> list[Row]:
        def fit(known: Any, alpha: float, regularization: float) -> Any:
            from implicit.als import AlternatingLeastSquares

            settings = {"alpha": alpha, "regularization": regularization, "random_state": self.seed}
            model = AlternatingLeastSquares(self.dim, num_threads=self.threads, **settings)
            model.fit(self._users_items(known), show_progress=False)
            return lambda X, users: model.recommend(users, sp.csr_matrix(X), K, recalculate_user=True)[0]

        grid = [{"alpha": alpha, "regularization": rate} for alpha in (1.0, 10.0, 40.0) for rate in (0.01, 1.0)]
        return self._chosen(fit, grid)

    def track_bpr(self) -> list[Row]:
        def fit(known: Any, iterations: int) -> Any:
            from implicit.bpr import BayesianPersonalizedRanking

            settings = {"iterations": iterations, "num_threads": self.threads, "random_state": self.seed}
            model = BayesianPersonalizedRanking(self.dim, learning_rate=0.05, **settings)
            model.fit(self._users_items(known), show_progress=False)
            return lambda X, users: model.recommend(users, sp.csr_matrix(X), K)[0]

        return self._chosen(fit, [{"iterations": 100}, {"iterations": 300}], (1.0,))

    def _examples(self, known: Any, decay: float) -> tuple[Any, Any]:
        """Return the examples: for each item but a user's first, a row of all earlier items, and the item as label."""
        X, items = histories(known, self.items, decay)
        starts = np.arange(items.size + 1)
        return X, sp.csr_array((np.ones(items.size, np.float32), items, starts), (items.size, self.items))

    def _users_items(self, known: Any) -> Any:
        return sp.csr_matrix(histories(known, self.items, 1.0, last=True)[0])

    def _chosen(self, fit: Any, grid: list[Row], decays: tuple[float, ...] = DECAYS) -> list[Row]:
        """Return the test scores of both training runs, with the options of ``grid`` and the decay whose NDCG@10 on
        validation items is highest."""
        runs = []
        for options in grid:
            trained = self._trained(fit, options, 2)
            for decay in [options["decay"]] if "decay" in options else decays:
                score = self._judged(trained[0], decay, "validation")["ndcg@10"]
                print({**trained[1], "decay": decay, "validation": score}, file=sys.stderr, flush=True)
                runs.append((score, options, decay, trained))
        _, options, decay, trained = max(runs, key=lambda run: run[0])
        both = trained, self._trained(fit, options, 1)
        return [{**row, "decay": decay, **self._judged(rank, decay, "test")} for rank, row in both]

    def _trained(self, fit: Any, options: Row, without: int) -> tuple[Any, Row]:
        before = cpu_seconds()
        rank = fit([sequence[:-without] for sequence in self.sequences], **options)
        return rank, {**options, "without": without, "cpu_seconds": cpu_seconds() - before}

    def _judged(self, rank: Any, decay: float, part: str) -> Row:
        seen = [sequence[: -1 if part == "test" else -2] for sequence in self.sequences]
        target = np.array([sequence[len(own)] for sequence, own in zip(self.sequences, seen, strict=True)])
        before, hits = cpu_seconds(), []
        for start in range(0, len(seen), BLOCK):
            block = seen[start : start + BLOCK]
            X, _ = histories(block, self.items, decay, last=True)
            top = rank(X, np.arange(start, start + len(block)))
            for row, own, item in zip(top, block, target[start : start + BLOCK], strict=True):
                new = row[(row >= 0) & ~np.isin(row, own)][:K]
                hits.append(np.flatnonzero(new == item))
        seconds = cpu_seconds() - before
        places = np.array([hit[0] + 1 if hit.size else np.inf for hit in hits])
        return {**gains(places), "predict_cpu_seconds": seconds}


@dataclass
class Recommend(Benchmark):
    """HR@10 and NDCG@10 of each user's last item by ``train --for`` a kind and ``predict``, and how true its p is.

    ``data`` is as in NextItem, but users with fewer than four items are left out. The models are trained without each
    user's last ``without`` items. A test history has all items before the last. ``p1`` is the mean probability of the
    first item, ``hit1`` its hit rate, and ``ece`` the expected calibration error of the first ten items.
    """

    data: Any = ("",)
    preset: Any = ("sessions", "items")
    without: Any = (2, 1)
    order: Any = ("log",)
    seed: Any = (1,)
    dim: int = 100
    cases: ClassVar[tuple[str, ...]] = ("data", "preset", "without", "order", "seed")

    def setup(self) -> None:
        self.sequences = [each for each in sequences_of(Path(self.data)) if len(each) >= 4]
        if self.order == "random":
            random = np.random.default_rng(1234)
            self.sequences = [random.permutation(each) for each in self.sequences]

    def track_next(self) -> list[Row]:
        before, how = cpu_seconds(), {"kind": self.preset, "dim": self.dim, "seed": self.seed}
        texts = _texts([sequence[: -self.without] for sequence in self.sequences])
        model = ws.train(texts, **how, threads=self.threads, progress=False)
        trained, places, first, listed = cpu_seconds() - before, list[Any](), list[Any](), list[Any]()
        for start in range(0, len(self.sequences), 4096):
            block = self.sequences[start : start + 4096]
            answers = model.predict(_texts([sequence[:-1] for sequence in block]), K)
            for answer, sequence in zip(answers, block, strict=True):
                is_last = [item == str(sequence[-1]) for item, _ in answer]
                places.append(is_last.index(True) + 1 if True in is_last else np.inf)
                first.append((answer[0][1], is_last[0]))
                listed += [(p, hit) for (_, p), hit in zip(answer, is_last, strict=True)]
        row = {"cpu_seconds": trained, "predict_cpu_seconds": cpu_seconds() - before - trained}
        p, hits = np.array(listed).T
        gaps = np.bincount(np.minimum((10 * p).astype(int), 9), p - hits)
        p1, hit1 = np.mean(first, axis=0).tolist()
        constants = {f"constant_{name}": value for name, value in model.report.get("next", {}).items()}
        return [
            {**row, **gains(np.array(places)), "p1": p1, "hit1": hit1, "ece": abs(gaps).sum() / p.size, **constants}
        ]


@dataclass
class Chains(Benchmark):
    """The probabilities of ``train --for sessions`` next to the true ones, on sessions of a Markov chain.

    After each of 200 items come five items, with the probabilities ``shares``, / between them. The model is trained on
    3,000 sessions of ten items, and asked for the last item of 1,000 other sessions. ``p1`` is the mean probability
    that it gives to the first item, ``true1`` the mean of the true one, among items that are not in the session.
    """

    shares: Any = (".9/.05/.03/.01/.01", ".5/.2/.15/.1/.05", ".2/.2/.2/.2/.2")
    seed: Any = (1, 2, 3)
    cases: ClassVar[tuple[str, ...]] = ("shares", "seed")

    def track_truth(self) -> list[Row]:
        random, shares = np.random.default_rng(self.seed), np.array([float(share) for share in self.shares.split("/")])
        after = np.array([random.choice(200, len(shares), replace=False) for _ in range(200)])
        sessions = random.integers(200, size=(4000, 10))
        for place in range(1, 10):
            sessions[:, place] = after[sessions[:, place - 1], random.choice(len(shares), 4000, p=shares)]
        how = {"kind": "sessions", "dim": 32, "seed": self.seed, "threads": self.threads, "progress": False}
        asked = sessions[3000:, :-1]
        answers = ws.train(_texts(sessions[:3000]), **how).predict(_texts(asked), 1)
        first = np.array([(int(item), p) for ((item, p),) in answers])
        is_open = (after[asked[:, -1]][:, :, None] != asked[:, None, :]).all(axis=2)
        of_first = (after[asked[:, -1]] == first[:, :1]) @ shares
        can = is_open.any(axis=1)
        return [{"p1": first[can, 1].mean(), "true1": (of_first[can] / (is_open[can] @ shares)).mean()}]


@dataclass
class Baskets(Benchmark):
    """Microseconds per basket of ``model.predict`` for a list of baskets, with a model of random numbers.

    A basket has ``length`` items, drawn from ``items`` items in proportion to their frequency. The model is a model
    of sessions, and remembers ``pairs`` pairs for each item.
    """

    threads: int = 2
    items: int = 50_000
    dim: int = 100
    baskets: int = 20_000
    length: int = 10
    pairs: int = 100
    rounds: ClassVar[int] = 3

    def setup(self) -> None:
        random = np.random.default_rng(0)
        shares = 1 / np.arange(1, self.items + 1)
        E, W = (random.standard_normal((self.items, self.dim + i), np.float32) / 300**i for i in range(2))
        words = Vocabulary([f"item {i}" for i in range(self.items)], np.ceil(1e6 * shares).astype(np.int64))
        pairs = random.choice(self.items, self.items * self.pairs, p=shares / shares.sum()).astype(np.int32)
        indptr, data = np.arange(self.items + 1) * self.pairs, np.ones(pairs.size, np.float32)
        memory = ItemMemory(sp.csr_array((data, pairs, indptr), (self.items, self.items)), Fusion(users=1))
        options = {"kind": "sessions", "threads": self.threads}
        self.model = ws.Model(words, E, W, options, {}, memory=memory)
        drawn = random.choice(self.items, (self.baskets, self.length), p=shares / shares.sum())
        self.lists = [[words.words[i] for i in row] for row in drawn.tolist()]
        self.per = self.baskets  # type: ignore[misc]

    def time_predict(self) -> None:
        self.model.predict(self.lists)


@dataclass
class NextItemNetwork(Benchmark):
    """A small causal transformer in PyTorch that predicts next items with several heads: scores, CPU time and memory.

    The body is SASRec's: embeddings of the last ``length`` items, stored in the head (one table for inputs and
    outputs), layer normalisation, position embeddings and two blocks. Each position predicts the next item. Adam trains
    the body. All learning rates (Adam's starts at 1e-3) fall linearly to ``last_rate`` times their start. ``Heads``
    describes the heads. Only the epoch with the best validation NDCG@10 is tested. ``data`` is as in
    NextItem.
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
        """Return the scores of each epoch, with the peak memory of this process."""
        import torch

        torch.manual_seed(self.seed)
        torch.set_num_threads(self.threads)
        seen = [sequence[:-2] for sequence in self.sequences if len(sequence) > 3]
        counts = np.bincount(np.concatenate(seen), minlength=self.items)
        task = SimpleNamespace(outputs=self.items, counts=counts, values=None)
        head = head_of(self.head, self.dim, task)
        self.body = causal_transformer(head.embed, self.dim, self.length)
        optimizers: list[Any] = [torch.optim.Adam([*self.body.parameters(), *head.dense], lr=1e-3)]
        optimizers += [torch.optim.SparseAdam(head.sparse, lr=1e-3)] if head.sparse else []
        optimizers += head.optimizers
        minibatches = max(1, len(seen) // self.batch)
        steps = self.epochs * minibatches
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(o, lambda t: max(self.last_rate, 1 - t / steps)) for o in optimizers
        ]
        random, rows, best, chosen = np.random.default_rng(self.seed), list[Row](), -1.0, None
        cpu = 0.0
        for epoch in range(1, self.epochs + 1):
            before = cpu_seconds()
            self.body.train()
            for batch in np.array_split(random.permutation(len(seen)), minibatches):
                places, following = padded([seen[user] for user in batch], self.length)
                h = self.body(torch.from_numpy(places[:, :-1]))[torch.from_numpy(following >= 0)]
                for optimizer in optimizers:
                    optimizer.zero_grad()
                head.backward(h, torch.from_numpy(following[following >= 0]))
                for each in (*optimizers, *schedules):
                    each.step()
            cpu += cpu_seconds() - before
            if epoch == 1:
                peak = memory_bytes("VmHWM")  # measured before validation, which needs more memory
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
        """Return HR@10 and NDCG@10 of the first ``users`` users, excluding each user's own earlier items."""
        import torch

        end = -1 if part == "test" else -2
        chosen, places, (W, bias) = self.sequences[:users], list[Any](), head.weights()
        self.body.eval()
        with torch.no_grad():
            for start in range(0, len(chosen), BLOCK):
                block = chosen[start : start + BLOCK]
                seen = [sequence[:end] for sequence in block]
                h = self.body(torch.from_numpy(padded(seen, self.length - 1)[0]))[:, -1]
                o, next_items = (h @ W.T + bias).numpy(), np.array([sequence[end] for sequence in block])
                of_wanted = o[np.arange(len(block)), next_items].copy()
                users_of = np.repeat(np.arange(len(block)), [len(own) for own in seen])
                o[users_of, np.concatenate(seen)] = -np.inf
                places.append(1 + (o > of_wanted[:, None]).sum(1))
        return gains(np.concatenate(places))


def gains(places: Any) -> Row:
    """Return HR@10 and NDCG@10 from the ranks of users' next items; the best rank is 1."""
    is_hit = places <= K
    ndcg = np.where(is_hit, 1 / np.log2(places + 1), 0)
    return {"hr@10": round(float(is_hit.mean()), 4), "ndcg@10": round(float(ndcg.mean()), 4)}


def sequences_of(path: Path) -> list[Any]:
    """Return one array of items for each user of a file. Items are numbered from 0."""
    users, items = np.loadtxt(path, np.int64, ndmin=2).T
    starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
    each, places = np.unique(users[starts], return_counts=True)
    if places.max() > 1:
        again = each[places.argmax()]
        raise click.UsageError(f"{path}: the lines of user {again} are not adjacent: sort by user, then by time")
    return np.split(np.unique(items, return_inverse=True)[1], starts[1:])


def histories(sequences: Any, items: int, decay: float, *, last: bool = False) -> tuple[Any, Any]:
    """Return the examples of all sequences: for each item but the first, a row of all earlier items, and the item.

    An item weighs ``decay`` times as much as the next item. With ``last``, return one row of all items per sequence.
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


def _texts(sequences: Any) -> list[list[str]]:
    return [[str(item) for item in sequence.tolist()] for sequence in sequences if len(sequence)]


def best(scores: Any, k: int) -> Any:
    """Return the columns of the k largest entries of each row, padded with −1 if the row has fewer entries."""
    top = np.full((scores.shape[0], k), -1)
    row, place, entry = best_entries(scores.indptr, scores.data, k)
    top[row, place] = scores.indices[entry]
    return top


def causal_transformer(embed: Any, dim: int, length: int) -> Any:
    """Make the body: normalised item embeddings (−1 is padding), position embeddings, two causal two-head blocks."""
    import torch

    class Body(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.dropout = torch.nn.LayerNorm(dim), torch.nn.Dropout(0.2)
            self.places = torch.nn.Parameter(torch.randn(length, dim) * 0.1)
            options = {"dropout": 0.2, "batch_first": True, "norm_first": True}
            block = torch.nn.TransformerEncoderLayer(dim, 2, dim, **options)
            self.blocks = torch.nn.TransformerEncoder(block, 2, torch.nn.LayerNorm(dim), enable_nested_tensor=False)

        def forward(self, ids: Any) -> Any:
            x = self.norm(embed(ids)) * (ids >= 0)[..., None] + self.places[-ids.shape[1] :]
            later = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
            return self.blocks(self.dropout(x), mask=later)

    return Body()


def padded(sequences: list[Any], length: int) -> tuple[Any, Any]:
    """Return each sequence's last ``length`` + 1 items, padded with −1, and the next item at ``length`` positions."""
    rows = np.full((len(sequences), length + 1), -1, np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        last = sequence[-length - 1 :]
        row[length + 1 - len(last) :] = last
    return rows, np.where(rows[:, :-1] >= 0, rows[:, 1:], -1)

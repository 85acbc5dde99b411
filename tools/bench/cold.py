"""A benchmark of new items: items that no user had in training are ranked by their features."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds
from tools.bench.sequences import K
from wordsparse.evaluation.ndcg import ndcg
from wordsparse.items.features import popularity, read

PARTS = 10


@dataclass
class NewItems(Benchmark):
    """HR@10 and nDCG@10 of items that were held out from training, ranked among all held-out items by their features.

    ``data`` are files as in NextItem, and ``features`` is a table of the features of their items. The items of the
    table are divided into ten random parts, and a ``part`` is held out: it is removed from the sequences, and the rest
    of a user's sequence is the history. The settings of lightfm (items and their features, loss WARP) and of irspack
    (ALS with features) are chosen by the nDCG@10 on ``chosen_on``, another part that is then removed as well.
    """

    data: Any = ("",)
    features: str = ""
    part: Any = (0,)
    chosen_on: int = 1
    dim: int = 100
    seed: int = 1
    cases: ClassVar[tuple[str, ...]] = ("data", "part")

    def setup(self) -> None:
        self.items, matrix = read(Path(self.features))
        rows = {item: row for row, item in enumerate(self.items)}
        users, names = np.loadtxt(Path(self.data), str, ndmin=2).T
        starts = np.flatnonzero(users[1:] != users[:-1]) + 1
        self.sequences = np.split(np.array([rows[name] for name in names.tolist()]), starts)
        order = np.random.default_rng(1234).permutation(len(self.items))
        size = len(order) // PARTS
        self.test, self.other = (order[part * size :][:size] for part in (self.part, self.chosen_on))
        self.matrix = sp.csr_matrix(matrix)

    def track_random(self) -> list[Row]:
        random = np.random.default_rng(self.seed)
        return [self._judged(lambda users, cold: random.random((len(users), len(cold))))]

    def track_popularity_by_features(self) -> list[Row]:
        counts = self._trained([self.test])[1]

        def scores(users: Any, cold: Any) -> Any:
            known = np.flatnonzero(counts)
            both = self.matrix[np.append(known, cold)]
            return np.tile(popularity(both, counts[known]), (len(users), 1))

        return [self._judged(scores)]

    def track_features_of_history(self) -> list[Row]:
        """Rank by the cosine between the features of an item and the mean features of the history, in which a feature
        weighs the log of its inverse frequency."""
        trained = self._trained([self.test])[0]
        frequency = np.maximum(np.bincount(self.matrix.indices, minlength=self.matrix.shape[1]), 1)
        weighed = self.matrix @ sp.diags_array(np.log(len(self.items) / frequency))
        unit = sp.csr_array(weighed / np.maximum(sp.linalg.norm(weighed, axis=1), 1e-9)[:, None])
        return [self._judged(lambda users, cold: ((trained[users] @ unit) @ unit[cold].T).toarray())]

    def track_sessions(self) -> list[Row]:
        return self._ours("sessions")

    def track_items(self) -> list[Row]:
        return self._ours("items")

    def track_lightfm(self) -> list[Row]:
        def fit(X: Any, components: int, epochs: int, item_alpha: float) -> Any:
            from lightfm import LightFM

            alone, nothing = sp.identity(len(self.items)), sp.csr_matrix((len(self.items),) * 2)
            both, of_cold = (_with_int32(sp.hstack([own, self.matrix], "csr")) for own in (alone, nothing))
            model = LightFM(components, loss="warp", item_alpha=item_alpha, random_state=self.seed)
            model.fit(
                _with_int32(sp.csr_matrix(X)).tocoo(), item_features=both, epochs=epochs, num_threads=self.threads
            )
            bias, vectors = model.get_item_representations(of_cold)
            return lambda users, cold: model.user_embeddings[users] @ vectors[cold].T + bias[cold]

        grid = [
            (components, epochs, alpha) for components in (16, 64) for epochs in (10, 40) for alpha in (0, 1e-4, 1e-3)
        ]
        return self._best(fit, [dict(zip(("components", "epochs", "item_alpha"), each, strict=True)) for each in grid])

    def track_irspack_als(self) -> list[Row]:
        def fit(X: Any, n_components: int, alpha0: float, reg: float, lambda_item_feature: float) -> Any:
            from irspack import IALSRecommender

            known = np.flatnonzero(np.asarray(X.sum(axis=0)).ravel())
            settings = {"n_components": n_components, "alpha0": alpha0, "reg": reg, "random_seed": self.seed}
            features = {"item_features": self.matrix[known], "lambda_item_feature": lambda_item_feature}
            model = IALSRecommender(sp.csr_matrix(X[:, known]), **settings, **features, n_threads=self.threads)
            model.learn()
            return lambda users, cold: model.get_score_from_item_features(users, self.matrix[cold])

        values = {
            "n_components": (16, 64),
            "alpha0": (0.1, 0.3),
            "reg": (0.01, 0.1),
            "lambda_item_feature": (100.0, 1000.0),
        }
        grid = [
            dict(zip(values, each, strict=True)) for each in np.stack(np.meshgrid(*values.values()), -1).reshape(-1, 4)
        ]
        return self._best(fit, [{**each, "n_components": int(each["n_components"])} for each in grid])

    def _ours(self, preset: str) -> list[Row]:
        before, is_out = cpu_seconds(), np.isin(np.arange(len(self.items)), self.test)
        histories = [[self.items[row] for row in each[~is_out[each]]] for each in self.sequences]
        how = {"kind": preset, "dim": self.dim, "seed": self.seed, "threads": self.threads, "progress": False}
        model = ws.train([each for each in histories if each], features=self.features, **how)
        seconds, places = cpu_seconds() - before, {item: place for place, item in enumerate(self.items)}

        def scores(users: Any, cold: Any) -> Any:
            candidates = [self.items[row] for row in cold]
            answers = model.predict([histories[user] for user in users], len(cold), candidates=candidates, exclude=[])
            numbers = np.zeros((len(users), len(self.items)))
            for row, answer in zip(numbers, answers, strict=True):
                row[[places[item] for item, _ in answer]] = [share for _, share in answer]
            return numbers[:, cold]

        return [{**self._judged(scores), "cpu_seconds": seconds}]

    def _trained(self, parts: list[Any]) -> tuple[Any, Any]:
        """Return how often each user has each item, CSR, and the counts of items, without the items in ``parts``."""
        owners, rows = (
            np.repeat(np.arange(len(self.sequences)), [*map(len, self.sequences)]),
            np.concatenate(self.sequences),
        )
        is_in = ~np.isin(rows, np.concatenate(parts))
        shape, ones = (len(self.sequences), len(self.items)), np.ones(is_in.sum(), np.float32)
        X = sp.csr_array((ones, (owners[is_in], rows[is_in])), shape)
        return X, np.asarray(X.sum(axis=0), np.float64)

    def _best(self, fit: Any, grid: list[Row]) -> list[Row]:
        """Return the scores with the settings whose nDCG@10 on the other part is highest."""
        X, scores = self._trained([self.test, self.other])[0], []
        for settings in grid:
            scores.append(self._judged(fit(X, **settings), self.other)["ndcg@10"])
            print(settings, scores[-1], file=sys.stderr, flush=True)
        settings, before = grid[int(np.argmax(scores))], cpu_seconds()
        model = fit(self._trained([self.test])[0], **settings)
        return [{**settings, "cpu_seconds": cpu_seconds() - before, **self._judged(model)}]

    def _judged(self, scores: Any, cold: Any = None) -> Row:
        """Return the mean scores of all users with a history and an item of the held-out part. nDCG@10 counts all these
        items of a user, as in :mod:`wordsparse.evaluation.next_item`."""
        cold, is_out = self.test if cold is None else cold, np.zeros(len(self.items), bool)
        is_out[[*self.test, *cold]] = True
        users = [u for u, each in enumerate(self.sequences) if not is_out[each].all() and np.isin(each, cold).any()]
        first = np.argsort(-scores(np.array(users), cold), axis=1, kind="stable")[:, :K]
        wanted = np.array([np.isin(cold, self.sequences[user]) for user in users])
        is_hit = np.take_along_axis(wanted, first, 1)
        gains, root = ndcg(is_hit, wanted.sum(axis=1), K), len(users) ** 0.5
        error = {"hr_error": is_hit.any(axis=1).std() / root, "ndcg_error": gains.std() / root}
        return {"hr@10": float(is_hit.any(axis=1).mean()), "ndcg@10": float(gains.mean()), **error, "users": len(users)}


def _with_int32(matrix: Any) -> Any:
    """Return a CSR matrix with the types that lightfm takes."""
    parts = matrix.data.astype(np.float32), matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return sp.csr_matrix(parts, matrix.shape)

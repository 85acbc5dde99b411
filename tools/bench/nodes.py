"""Vectors of the nodes of a graph: ours, gensim's on PecanPy's walks, and two spectral methods."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import scipy.sparse as sp
from scipy.special import iv

import wordsparse as ws
from tools.bench.runner import Benchmark, Row, cpu_seconds
from wordsparse.machine.description import memory_bytes
from wordsparse.machine.threads import single_threaded_blas

Array = np.ndarray
SIDES = ("wordsparse", "gensim", "ProNE", "SVD")
# Names that NumPy 2 has no more, and that PecanPy's dependency nptyping 2.5 looks up.
OLD_NAMES = {
    "bool8": np.bool_,
    "float_": np.float64,
    "int0": np.intp,
    "uint0": np.uintp,
    "object0": np.object_,
    "str0": np.str_,
    "unicode_": np.str_,
    "bytes0": np.bytes_,
    "string_": np.bytes_,
    "void0": np.void,
    "complex_": np.complex128,
    "cfloat": np.complex128,
    "singlecomplex": np.complex64,
    "longfloat": np.longdouble,
    "clongfloat": np.clongdouble,
    "longcomplex": np.clongdouble,
}


@dataclass
class Nodes(Benchmark):
    """Vectors of the nodes of graphs: CPU seconds and memory of a whole process, F1 of the nodes' classes, and links.

    ``graphs`` are files of undirected edges between numbers; beside each is a file of the same stem and ``.cmty``: for
    each class a line of its nodes. F1 is that of one-vs-rest logistic regression on a share of the nodes, each of the
    others taking as many classes as it has; every side has the better of its rows as they are and of length one about
    their mean. For links a tenth of the edges is held out and the graph trained on again: the AUC of the cosines of
    their ends among pairs without an edge. PecanPy walks as often and as far as we do; ``window`` is gensim's.
    """

    graphs: Any = ("graph.edges",)
    side: Any = SIDES
    dim: int = 128
    walks: int = 10
    length: int = 80
    window: int = 10
    p: float = 1.0
    q: float = 1.0
    share: float = 0.5
    splits: int = 5
    seed: int = 1
    cases: ClassVar[tuple[str, ...]] = ("graphs", "side")

    def track_nodes(self) -> list[Row]:
        path = Path(self.graphs)
        edges = np.loadtxt(path, dtype=np.int64, ndmin=2)[:, :2]
        edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
        size = int(edges.max()) + 1
        labels = classes(path.with_suffix(".cmty"), size)
        vectors, row = self._fresh(edges, size)
        row |= {"nodes": size, "edges": len(edges)} | self._f1(vectors, labels)
        random = np.random.default_rng(self.seed)
        kept, held = held_out(edges, size, 0.1, random)
        others = {kind: non_edges(edges, size, len(held), random, kind) for kind in ("uniform", "degree")}
        vectors = self._fresh(kept, size)[0]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
        return [row | links(vectors, held, others)]

    def _fresh(self, edges: Array, size: int) -> tuple[Array, Row]:
        """The side's vectors (size, dim), zeros without an edge; the CPU seconds and the memory of its process."""
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(vectors_of, self, edges, size).result()

    def _f1(self, vectors: Array, labels: sp.csr_array) -> Row:
        has = np.flatnonzero(np.diff(labels.indptr))
        chosen, truth = vectors[has], labels[has].toarray().astype(bool)
        unit = chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-30)
        forms = [chosen, (unit - unit.mean(axis=0)) * np.sqrt(self.dim)]
        scores = [
            np.mean([scored(rows, truth, self.share, [self.seed, split]) for split in range(self.splits)], axis=0)
            for rows in forms
        ]
        best = max(scores, key=lambda score: score.sum())
        return {"micro F1": float(best[0]), "macro F1": float(best[1])}


def vectors_of(asked: Nodes, edges: Array, size: int) -> tuple[Array, Row]:
    """The vectors by number, with what this process has taken: its imports and all that it does."""
    with single_threaded_blas():
        names, rows, walked = MAKERS[asked.side](asked, edges, size)
    found = np.zeros((size, rows.shape[1]), np.float32)
    found[names] = rows
    return found, {"cpu_seconds": cpu_seconds(), "walks_seconds": walked, "peak_bytes": memory_bytes("VmHWM")}


def ours(asked: Nodes, edges: Array, size: int) -> tuple[Array, Array, float]:
    """By ``train --for graph``."""
    given = {"dim": asked.dim, "walks": asked.walks, "walk_length": asked.length, "p": asked.p, "q": asked.q}
    model = ws.train(edges.tolist(), preset="graph", seed=asked.seed, threads=1, progress=False, **given)
    return np.array(model.vocabulary.words, np.int64), model.vectors, 0.0


def gensims(asked: Nodes, edges: Array, size: int) -> tuple[Array, Array, float]:
    """By gensim's skip-gram on PecanPy's walks; its sampler for p = q = 1, or that for other values."""
    for name, value in OLD_NAMES.items():
        if name not in vars(np):
            setattr(np, name, value)
    try:
        from gensim.models import Word2Vec
        from pecanpy import pecanpy
    except ImportError as error:
        raise click.ClickException(
            f"{error}: pip install gensim networkx numba-progress; --no-deps pecanpy nptyping==2.5"
        ) from error
    before = cpu_seconds()
    plain = asked.p == asked.q == 1
    kind = pecanpy.FirstOrderUnweighted if plain else pecanpy.SparseOTF
    walker = kind(p=asked.p, q=asked.q, workers=1, verbose=False, random_state=asked.seed)
    adjacency = symmetric(edges, size)
    names = np.flatnonzero(np.diff(adjacency.indptr))
    part = adjacency[names][:, names].tocsr()
    walker.set_node_ids([str(node) for node in names])
    walker.indptr, walker.indices = part.indptr.astype(np.uint32), part.indices.astype(np.uint32)
    walker.data = np.ones(part.nnz, np.float32)
    walks = walker.simulate_walks(num_walks=asked.walks, walk_length=asked.length - 1)
    walked = cpu_seconds() - before
    fixed = {"vector_size": asked.dim, "window": asked.window, "min_count": 0, "sg": 1, "workers": 1, "epochs": 1}
    model = Word2Vec(walks, seed=asked.seed, **fixed)
    return np.array([int(name) for name in model.wv.index_to_key]), model.wv.vectors, walked


def prone(asked: Nodes, edges: Array, size: int) -> tuple[Array, Array, float]:
    """ProNE (Zhang et al., 2019): a factorisation of the graph's log odds, and a band-pass filter of its Laplacian."""
    A = symmetric(edges, size)
    start = scaled_rows(A)
    chance = np.asarray(start.sum(axis=0)) ** 0.75
    start.data = np.log(start.data) - np.log(chance[start.indices] / chance.sum())
    U, S = truncated(start, asked.dim)
    first = unit_rows(U * np.sqrt(S))
    with_self = (A + sp.eye_array(size)).tocsr()
    laplacian = sp.eye_array(size) - scaled_rows(with_self)
    M, theta = (laplacian - 0.2 * sp.eye_array(size)).tocsr(), 0.5
    before, now = first, 0.5 * (M @ (M @ first)) - first
    filtered = iv(0, theta) * before - 2 * iv(1, theta) * now
    for k in range(2, 10):
        before, now = now, M @ (M @ now) - 2 * now - before
        filtered += 2 * (-1) ** k * iv(k, theta) * now
    U, S, _ = np.linalg.svd(with_self @ (first - filtered), full_matrices=False)
    return np.arange(size), unit_rows(U * np.sqrt(S)), 0.0


def decomposed(asked: Nodes, edges: Array, size: int) -> tuple[Array, Array, float]:
    """The truncated singular value decomposition of D^-½ A D^-½."""
    A = symmetric(edges, size)
    roots = sp.diags_array(np.maximum(np.diff(A.indptr), 1) ** -0.5)
    U, S = truncated((roots @ A @ roots).tocsr(), asked.dim)
    return np.arange(size), U * np.sqrt(S), 0.0


MAKERS = dict(zip(SIDES, (ours, gensims, prone, decomposed), strict=True))


def symmetric(edges: Array, size: int) -> sp.csr_array:
    """The adjacency matrix of undirected edges."""
    half = sp.csr_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (size, size))
    return (half + half.T).tocsr()


def scaled_rows(matrix: sp.csr_array) -> sp.csr_array:
    """Rows whose sum is 1."""
    return (sp.diags_array(1 / np.maximum(matrix.sum(axis=1), 1e-30)) @ matrix).tocsr()


def unit_rows(rows: Array) -> Array:
    """Rows of length one."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


def truncated(matrix: sp.csr_array, dim: int) -> tuple[Array, Array]:
    """The largest singular values, and the left vectors."""
    from sklearn.utils.extmath import randomized_svd

    U, S, _ = randomized_svd(matrix, dim, random_state=0)
    return U, S


def classes(path: Path, size: int) -> sp.csr_array:
    """Which classes each node has, (size, classes), from a line of nodes for each class."""
    lines = [np.array(line.split(), np.int64) for line in path.read_text().splitlines()]
    columns = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    return sp.csr_array((np.ones(len(columns)), (np.concatenate(lines), columns)), (size, len(lines)))


def scored(rows: Array, truth: Array, share: float, seed: list[int]) -> tuple[float, float]:
    """Micro and macro F1 of the nodes that are not among the known share."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    known, asked = np.split(np.random.default_rng(seed).permutation(len(rows)), [int(share * len(rows))])
    scores = np.full((len(asked), truth.shape[1]), -np.inf)
    with single_threaded_blas():
        for column, answers in enumerate(truth[known].T):
            if answers.any() and not answers.all():
                judge = LogisticRegression(max_iter=200, tol=1e-3).fit(rows[known], answers)
                scores[:, column] = judge.decision_function(rows[asked])
    taken = np.argsort(np.argsort(-scores, axis=1), axis=1) < truth[asked].sum(axis=1, keepdims=True)
    micro, macro = (
        float(f1_score(truth[asked], taken, average=average, zero_division=0)) for average in ("micro", "macro")
    )
    return micro, macro


def held_out(edges: Array, nodes: int, fraction: float, random: np.random.Generator) -> tuple[Array, Array]:
    """The edges that are kept, and the others; every node keeps an edge."""
    degree, keep, left = (
        np.bincount(edges.ravel(), minlength=nodes),
        np.ones(len(edges), bool),
        int(fraction * len(edges)),
    )
    for i in random.permutation(len(edges)):
        if left and (degree[edges[i]] > 1).all():
            keep[i], left = False, left - 1
            degree[edges[i]] -= 1
    return edges[keep], edges[~keep]


def non_edges(edges: Array, nodes: int, count: int, random: np.random.Generator, kind: str) -> Array:
    """Pairs of nodes without an edge; the ends are drawn uniformly, or by ``degree``, as those of edges are."""
    known = set((edges @ [nodes, 1]).tolist())
    found: list[tuple[int, int]] = []
    while len(found) < count:
        drawn = (
            random.choice(edges.ravel(), (count, 2)) if kind == "degree" else random.integers(nodes, size=(count, 2))
        )
        for a, b in np.sort(drawn, axis=1).tolist():
            if a != b and a * nodes + b not in known and len(found) < count:
                found.append((a, b))
    return np.array(found)


def links(vectors: Array, held: Array, tests: dict[str, Array]) -> dict[str, float]:
    """AUC and average precision of held-out edges among pairs that are none."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    found = {}
    for name, others in tests.items():
        pairs = np.concatenate([held, others])
        is_edge = np.arange(len(pairs)) < len(held)
        cosines = np.einsum("ij,ij->i", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
        found[f"AUC {name}"] = float(roc_auc_score(is_edge, cosines))
        found[f"AP {name}"] = float(average_precision_score(is_edge, cosines))
    return found

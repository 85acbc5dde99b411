"""Walks on a graph as a source: sentences of equal length that are generated when they are read, and not stored."""

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.doors import SOURCES
from wordsparse.graphs._walks import thresholds, walk
from wordsparse.graphs.options import GraphOptions
from wordsparse.graphs.reading import read_graph
from wordsparse.words.kinds import KINDS, Kind
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build
from wordsparse.words.text_source import REACH, Cuts, table_of, windows

Ids = NDArray[np.int32]

_NO_LIMITS = np.empty(0, np.uint32)


class Walks:
    """The ids of all walks of an epoch, one walk after another. Each walk ends with the id END_OF_SENTENCE.

    ``graph`` holds the edges as the CSR arrays indptr and neighbours, and thresholds for drawing neighbours by weight.
    Walk w begins at node ``starts[w mod V]``. A walk that can go no further is filled up with out-of-vocabulary ids, so
    that all walks have the same length ``reach``, including END_OF_SENTENCE. The random numbers of walk w depend on the
    seed, the epoch and w.
    """

    def __init__(
        self, graph: tuple[NDArray[np.int64], Ids, NDArray[np.uint32]], options: GraphOptions, seed: int, epoch: int
    ) -> None:
        self.graph, self.options, self._seeds = graph, options, [seed, epoch]
        self._nodes, self.reach = len(graph[0]) - 1, options.walk_length + 1
        self.number = self._nodes * options.walks
        self.tokens, self.shape = self.number * options.walk_length, (self.number * self.reach,)

    def of(self, seed: int, epoch: int) -> "Walks":
        """Return the walks of this seed and epoch."""
        return Walks(self.graph, self.options, seed, epoch)

    def end_of_tokens(self, tokens: int) -> int:
        """Return the position after the first ``tokens`` tokens."""
        whole, rest = divmod(tokens, self.options.walk_length)
        return whole * self.reach + rest if rest else whole * self.reach - 1

    @cached_property
    def starts(self) -> Ids:
        """The nodes at which walks begin, in the order of the walks."""
        return np.random.default_rng(self._seeds).permutation(self._nodes).astype(np.int32)

    @cached_property
    def _key(self) -> int:
        return int(np.random.SeedSequence([*self._seeds, 1]).generate_state(1, np.uint64)[0])

    def __getitem__(self, values: slice) -> Ids:
        start, stop, _ = values.indices(self.shape[0])
        first, last = start // self.reach, -(-stop // self.reach)
        out = np.empty((max(0, last - first), self.reach), np.int32)
        options = self.options
        walk(*self.graph, self.starts, first, options.p, options.q, self._key, out)
        return out.ravel()[start - first * self.reach : stop - first * self.reach]


class GraphSource:
    """A source of walks on a graph, whose nodes are the words (:class:`wordsparse.words.source.Source`)."""

    rate = 1.0
    options = GraphOptions
    kind = Kind(
        SOURCES["graph"][1],
        {**KINDS["walks"].defaults, "model": "skipgram", "epochs": 1},
        KINDS["walks"].recipe,
        KINDS["walks"].export,
        by_evidence=False,
    )

    def __init__(self, graph: Any, options: GraphOptions) -> None:
        """Read the graph. Raise InputError as :func:`wordsparse.graphs.reading.read_graph` does."""
        nodes, weights = read_graph(graph, options)
        counts = visits(weights, options)
        order = np.lexsort((np.arange(len(counts)), -counts))
        edges = weights[order][:, order].tocsr()
        edges.sort_indices()
        self.vocabulary = Vocabulary([nodes[node] for node in order], counts[order])
        indptr, neighbours = edges.indptr.astype(np.int64), edges.indices.astype(np.int32, copy=False)
        limits = _NO_LIMITS
        if (weights.data != weights.data[:1]).any():
            limits = np.empty(edges.nnz, np.uint32)
            thresholds(indptr, edges.data, limits)
        self.walks = Walks((indptr, neighbours, limits), options, 0, 0)
        self.length = self.walks.tokens

    def identity(self) -> dict[str, Any]:
        walks = self.walks
        digest = hashlib.sha256(repr(walks.options.walked()).encode())
        for array in walks.graph:
            digest.update(array.data)
        digest.update("\0".join(self.vocabulary.words).encode())
        counts = {"tokens": walks.tokens, "sentences": walks.number, "distinct_words": len(self.vocabulary)}
        return {"sha256": digest.hexdigest(), **counts, "min_count": 1, "max_vocab": None, "tokenization": None}

    def passes(self, options: Options, vocabulary: Vocabulary) -> Cuts:
        walks, tokens, seed = self.walks, self.length, options.seed
        end = walks.shape[0]
        if options.max_tokens is not None and options.max_tokens < tokens:
            tokens = options.max_tokens
            end = min(walks.end_of_tokens(tokens), end)
        table, reach = table_of(self.vocabulary, vocabulary), min(REACH, walks.reach)
        return Cuts([(lambda epoch: walks.of(seed, epoch), end)], tokens, options.heldout, seed, table, reach)

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        return windows(options, recipe, vocabulary, transposed=transposed)


def visits(edges: sp.csr_array, options: GraphOptions) -> NDArray[np.int64]:
    """Return how often the walks of an epoch are expected to visit each node if p = q = 1, (V,), at least 1."""
    total = edges.sum(axis=1)
    share = np.divide(1.0, total, out=np.zeros(len(total)), where=total > 0)
    visited, back = np.ones(edges.shape[0]), edges.T.tocsr()
    at: NDArray[Any] = visited
    for _ in range(options.walk_length - 1):
        at = back @ (at * share)
        visited = visited + at
    return np.maximum(1, np.rint(visited * options.walks)).astype(np.int64)

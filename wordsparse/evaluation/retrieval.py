"""Search as a test of vectors: how high do cosines rank the documents that answer a query?

Documents are ranked by the cosines of text vectors (:mod:`wordsparse.vectors.encoder`), by BM25 over lower-case words,
and by the fusion of both rankings, Σ 1/(60 + rank) (Cormack, Clarke & Büttcher, "Reciprocal Rank Fusion Outperforms
Condorcet and Individual Rank Learning Methods", SIGIR 2009).

    nDCG@10 = Σ grade/log2(1 + rank) over the first ten documents, divided by its maximum
    recall@100 = the share of the relevant documents that are among the first hundred

As in trec_eval and BEIR, the gain of a document is its grade, and a document without a judgement has the grade 0.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import MissingDependencyError
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.retrieval_files import Collection
from wordsparse.layer.largest import largest_of
from wordsparse.tokens.tokenizers import Splitter
from wordsparse.types import Array
from wordsparse.vectors.encoder import BATCH, batches
from wordsparse.vectors.word_vectors import WordVectors

SIDES = ("model", "bm25", "fused")
K1, B = 1.2, 0.75
# The number of documents in a ranking. More documents would hardly change the first hundred of the fused ranking.
DEPTH = 1000
FUSION = 60
# The number of cosines of documents and queries that are computed at a time (64 MiB of float32).
_BLOCK_COSINES = 2**24

logger = logging.getLogger(__name__)


def answer_retrieval(vectors: WordVectors, collection: Collection) -> Array:
    """Return each query's nDCG@10 and recall@100 by the vectors, (queries, 2); NaN for a query without a known word.

    With the packages for BM25, the result is (queries, 6): both measures for the vectors, for BM25 and for their
    fusion.
    """
    asked = vectors.encode(collection.queries)
    rankings = [_by_cosine(vectors, asked, collection)]
    if (words := _by_words(collection)) is not None:
        rankings += [words, _fused(rankings[0], words)]
    answers = np.array([[*map(_judged, ranking, collection.relevant)] for ranking in rankings])
    answers[0, ~asked.any(axis=1)] = np.nan
    return np.concatenate(answers, axis=1)


def score_retrieval(collection: Collection, answers: Array) -> dict[str, Any]:
    """Return each ranking's mean scores over the queries, with intervals. A query without a known word scores 0."""
    oov = int(np.isnan(answers[:, 0]).sum())
    about = {"n": len(answers) - oov, "oov": oov, "unjudged": collection.unjudged}
    means = {}
    for side, (ndcg, recall) in zip(SIDES, np.nan_to_num(answers).T.reshape(-1, 2, len(answers)), strict=False):
        means[side] = _mean("ndcg10", "", ndcg) | _mean("recall100", "recall100_", recall) | about
    return means


def _mean(name: str, prefix: str, values: Array) -> dict[str, float | None]:
    low, high = bootstrap.interval(bootstrap.shares(values[:, None])) or (None, None)
    return {name: float(values.mean()), f"{prefix}low": low, f"{prefix}high": high}


def _by_cosine(vectors: WordVectors, asked: Array, collection: Collection) -> Array:
    """Return the line numbers of the documents nearest to each query, (queries, at most DEPTH).

    Documents without a known word are not ranked; −1 fills the rest of a row.
    """
    known = np.linalg.norm(asked, axis=1)[:, None] > 0
    scores, lines, first = np.zeros((len(asked), 0), np.float32), np.zeros((len(asked), 0), np.int64), 0
    for texts in batches(collection.texts(), max(1, min(BATCH, _BLOCK_COSINES // len(asked)))):
        encoded = vectors.encode(texts)
        cosines = np.where(known & encoded.any(axis=1), asked @ encoded.T, -np.inf)
        numbers = np.broadcast_to(np.arange(first, first + len(texts)), cosines.shape)
        lines, scores = largest_of(np.hstack([lines, numbers]), np.hstack([scores, cosines]), DEPTH)
        first += len(texts)
    return np.where(scores > -np.inf, lines, -1)


@lru_cache(maxsize=8)
def _by_words(collection: Collection) -> Array | None:
    """Return the ranking by BM25 in the form of :func:`_by_cosine`; None if a package for BM25 is missing."""
    try:
        bm25s, split = optional.load("a comparison with BM25", "bm25s"), Splitter("unicode")
        queries = [split(query) for query in collection.queries]
    except MissingDependencyError as error:
        logger.warning("%s", error)
        return None
    ids: dict[str, int] = {}
    documents = [[ids.setdefault(word, len(ids)) for word in split(text)] for text in collection.texts()]
    if not ids:
        return np.full((len(queries), 1), -1)
    index, lines = bm25s.BM25(k1=K1, b=B), np.arange(len(documents))[None]
    index.index((documents, ids), show_progress=False)
    scores = (index.get_scores_from_ids(index.get_tokens_ids(query))[None] for query in queries)
    ranked = (largest_of(lines, row, DEPTH) for row in scores)
    return np.concatenate([np.where(values > 0, numbers, -1) for numbers, values in ranked])


def _fused(*rankings: Array) -> Array:
    """Return the fused ranking as line numbers of documents, (queries, at most twice DEPTH), padded with −1."""
    shares = np.concatenate([1 / (FUSION + 1 + np.arange(ranking.shape[1])) for ranking in rankings])
    fused = np.full((len(rankings[0]), len(shares)), -1)
    for row, ranked in zip(fused, np.hstack(rankings), strict=True):
        lines, places = np.unique(ranked, return_inverse=True)
        order = lines[np.argsort(-np.bincount(places, shares), kind="stable")]
        order = order[order >= 0]
        row[: len(order)] = order
    return fused


def _judged(ranking: Array, grades: Mapping[int, float]) -> tuple[float, float]:
    """Return nDCG@10 and recall@100 of a ranking."""
    gains = np.array([grades.get(line, 0.0) for line in ranking[:100].tolist()])
    best = np.array(sorted(grades.values(), reverse=True)[:10])
    discounts = 1 / np.log2(np.arange(2, 12))
    ndcg = gains[:10] @ discounts[: len(gains)] / (best @ discounts[: len(best)])
    return float(ndcg), np.count_nonzero(gains) / len(grades)

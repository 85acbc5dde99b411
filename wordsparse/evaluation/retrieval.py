"""Search as a test of vectors: how high does a ranking place the documents that answer a query?

Documents are ranked by the cosines of text vectors (:mod:`wordsparse.vectors.encoder`), by BM25, and by both in one
score (:mod:`wordsparse.vectors.ranking`).

    nDCG@10 = Σ grade/log2(1 + rank) over the first ten documents, divided by its maximum
    recall@100 = the share of the relevant documents that are among the first hundred

As in trec_eval and BEIR, the gain of a document is its grade, and a document without a judgement has the grade 0.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.retrieval_files import Collection
from wordsparse.types import Array
from wordsparse.vectors.encoder import batches
from wordsparse.vectors.ranking import Ranking, best
from wordsparse.vectors.word_vectors import WordVectors

SIDES = ("model", "bm25", "fused", "bm25_stemmed", "fused_stemmed")
# The number of documents of a ranking that are judged.
DEPTH = 100
# The number of cosines of documents and queries that are computed at a time (64 MiB of float32).
_BLOCK_COSINES = 2**24


def answer_retrieval(vectors: WordVectors, collection: Collection, stem: str | None = None) -> Array:
    """Return each query's nDCG@10 and recall@100 by the vectors, by BM25 and by both in one score, (queries, 6).

    With ``stem``, a language, or an index with stems, the result is (queries, 10): BM25 over stems, and the vectors and
    BM25 over stems in one score, follow. The measures by the vectors are NaN for a query without a known word.
    """
    plain, stem = collection.ranking(vectors), stem or collection.stem
    rankings = [plain]
    if stem is not None:
        rankings.append(Ranking(vectors, stem).restored([plain.rows], plain.index))
    answers, relevant = list[list[float]](), iter(collection.relevant)
    for queries in batches(collection.queries, max(1, _BLOCK_COSINES // max(1, len(plain)))):
        for parts in zip(*(ranking.parts(queries) for ranking in rankings), strict=True):
            scores = [parts[0].cosine, *(each for part in parts for each in (part.bm25, part.score()))]
            grades = next(relevant)
            rankings_of_query = (best(np.where(each != 0, each, -np.inf), DEPTH)[0] for each in scores)
            answers.append([value for rows in rankings_of_query for value in _judged(rows, grades)])
    result = np.array(answers)
    result[~vectors.encode(collection.queries).any(axis=1), :2] = np.nan
    return result


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


def _judged(ranking: Array, grades: Mapping[int, float]) -> tuple[float, float]:
    """Return nDCG@10 and recall@100 of a ranking."""
    gains = np.array([grades.get(line, 0.0) for line in ranking.tolist()])
    ideal = np.array(sorted(grades.values(), reverse=True)[:10])
    discounts = 1 / np.log2(np.arange(2, 12))
    ndcg = gains[:10] @ discounts[: len(gains)] / (ideal @ discounts[: len(ideal)])
    return float(ndcg), np.count_nonzero(gains) / len(grades)

"""Judges a model, word vectors or a file of vectors by word pairs, analogies, pairs of sentences and search."""

import logging
from collections.abc import Sequence
from os import PathLike

from wordsparse.evaluation.scores import (
    FEW,
    RESTRICT_VOCAB,
    answer,
    answer_pairs,
    score,
    score_pairs,
    unanswered,
)
from wordsparse.evaluation.table import Scores
from wordsparse.evaluation.testsets import load_test_sets
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model
from wordsparse.words.model_directory import read_vectors

logger = logging.getLogger(__name__)


def evaluate(
    vectors: Model | WordVectors | str | PathLike[str],
    pairs: Sequence[str | PathLike[str]] | None = None,
    analogies: Sequence[str | PathLike[str]] | None = None,
    restrict_vocab: int = RESTRICT_VOCAB,
    sentences: Sequence[str | PathLike[str]] | None = None,
    related: Sequence[str | PathLike[str]] | None = None,
    retrieval: Sequence[str | PathLike[str]] | None = None,
) -> Scores:
    """Judge word vectors by test sets in files.

    Parameters
    ----------
    vectors : Model, WordVectors or path
        A path names a model directory, or a file that :func:`wordsparse.read_vectors` reads.
    pairs : sequence of paths, optional
        Files of lines ``word1 word2 score``: see :func:`wordsparse.evaluation.testsets.read_pairs`.
    analogies : sequence of paths, optional
        Files of questions ``a b c d`` in sections: see :func:`wordsparse.evaluation.testsets.read_analogies`. Without
        any test set, WordSim-353, SimLex-999 and questions-words are used: from gensim if it is installed, else from
        ``wordsparse corpora fetch gensim-sets``.
    restrict_vocab : int
        Analogies: questions and answers are limited to this many of the most frequent words. Pairs may hold
        any word.
    sentences : sequence of paths, optional
        Files of lines ``score sentence sentence``, with tabs; they judge the vectors of texts
        (:mod:`wordsparse.vectors.encoder`).
    related : sequence of paths, optional
        Files of lines of two related words, each of which should be among the ten words nearest to the other.
    retrieval : sequence of paths, optional
        Directories of documents, queries and judgements in the layout of BEIR, or one of their files of judgements:
        see :mod:`wordsparse.evaluation.retrieval_files`. BM25, and both fused, are judged too if bm25s is installed.

    Returns
    -------
    dict
        ``{"pairs": {NAME: {"spearman", "low", "high", "n", "oov"}}, "analogies": {NAME: {"accuracy", "low", "high",
        "n", "oov", "sections"}}, "sentences": {NAME: as for pairs}, "related": {NAME: {"hit10", "low", "high",
        "mrr", "n", "oov"}}, "retrieval": {NAME: {"model": {"ndcg10", "low", "high", "recall100", "recall100_low",
        "recall100_high", "n", "oov", "unjudged"}, "bm25": as for model, "fused": as for model}}}``. ``n`` pairs or
        questions are counted; ``oov`` are left out because of an unknown word (in an analogy: not among the most
        frequent; in a sentence: no known word). A query without a known word is ``oov`` too, but counts as 0;
        ``unjudged`` queries have no relevant document, and are left out. ``low`` to ``high`` is the 95 % bootstrap
        interval; sections have no interval. If the vectors have n-grams or a tokeniser that takes words apart, pairs
        may also have ``with_composed``, the same over known and composed vectors together. Its ``str``, and a
        notebook, show a table. A warning names each test set without a counted item.

    Raises
    ------
    InputError
        If a file is missing or malformed (named with its line), two files have the same stem, or ``restrict_vocab``
        < 1; or if the default test sets are needed but not on this machine.
    """
    # All files are read before the first is scored: a mistake in the last file shows at once.
    test_sets = load_test_sets(pairs, analogies, sentences, related, retrieval)
    if isinstance(vectors, Model):
        vectors = vectors.wv
    elif not isinstance(vectors, WordVectors):
        vectors = read_vectors(vectors)
    result = score(test_sets, answer(vectors, test_sets, restrict_vocab))
    if vectors.ngrams is not None or not vectors.respells:
        for name, pairs_of_set in test_sets.pairs.items():
            # Few known words are of another language, where n-grams cannot help, unless a tokeniser takes words apart.
            if vectors.respells and result["pairs"][name]["n"] < FEW * len(pairs_of_set):
                continue
            scores = score_pairs(pairs_of_set, answer_pairs(vectors, pairs_of_set, composed=True))
            if scores["n"] > result["pairs"][name]["n"]:
                result["pairs"][name]["with_composed"] = scores
    for message in unanswered([result]):
        logger.warning("%s", message)
    return Scores(result)

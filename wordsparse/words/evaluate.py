"""A model, word vectors or a file of them, judged by word pairs, analogies and pairs of sentences."""

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
) -> Scores:
    """Judge word vectors by test sets in files.

    Parameters
    ----------
    vectors : Model, WordVectors or path
        A path is that of a model directory, or of a file that :func:`wordsparse.read_vectors` reads.
    pairs : sequence of paths, optional
        Files of lines ``word1 word2 score``: see :func:`wordsparse.evaluation.testsets.read_pairs`.
    analogies : sequence of paths, optional
        Files of questions ``a b c d`` in sections: see :func:`wordsparse.evaluation.testsets.read_analogies`. With
        no test set given, WordSim-353, SimLex-999 and questions-words are taken: gensim's where it is
        installed, or else those that ``wordsparse corpora fetch gensim-sets`` brought.
    restrict_vocab : int
        Analogies: questions and answers are limited to this many of the most frequent words. Pairs may hold
        any word.
    sentences : sequence of paths, optional
        Files of lines ``score sentence sentence``, with tabs: the vectors of texts are judged
        (:mod:`wordsparse.vectors.encoder`).
    related : sequence of paths, optional
        Files of lines of two related words, each of which should be among the ten nearest of the other one.

    Returns
    -------
    dict
        ``{"pairs": {NAME: {"spearman", "low", "high", "n", "oov"}}, "analogies": {NAME: {"accuracy", "low", "high",
        "n", "oov", "sections"}}, "sentences": {NAME: as of pairs}, "related": {NAME: {"hit10", "low", "high",
        "mrr", "n", "oov"}}}``: ``n`` pairs or questions counted, ``oov`` left
        out because of a word that is not known (or, in an analogy, not among the most frequent; or a sentence without
        any), ``low`` to ``high`` the 95 % bootstrap interval; a section has none. Where the vectors have n-grams, pairs
        may have ``with_composed`` too, the same over known words and composed vectors together. Its ``str``, and a
        notebook, show a table. A warning names each test set without a counted item.

    Raises
    ------
    InputError
        If a file is missing or malformed (named with its line), two have the same stem, or ``restrict_vocab``
        < 1; or if the default test sets are wanted and are not on this machine.
    """
    # All files are read before the first is scored: a mistake in the last one shows at once.
    test_sets = load_test_sets(pairs, analogies, sentences, related)
    if isinstance(vectors, Model):
        vectors = vectors.wv
    elif not isinstance(vectors, WordVectors):
        vectors = read_vectors(vectors)
    result = score(test_sets, answer(vectors, test_sets, restrict_vocab))
    if vectors.ngrams is not None:
        for name, asked in test_sets.pairs.items():
            if result["pairs"][name]["n"] < FEW * len(asked):  # another language, of which n-grams tell nothing
                continue
            found = score_pairs(asked, answer_pairs(vectors, asked, composed=True))
            if found["n"] > result["pairs"][name]["n"]:
                result["pairs"][name]["with_composed"] = found
    for said in unanswered([result]):
        logger.warning("%s", said)
    return Scores(result)

"""Scores a model, word vectors or a file of vectors on test sets, and scores how well a model predicts the next items
of users."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np

from wordsparse.corpus.tables.groups import place_of
from wordsparse.errors import InputError
from wordsparse.evaluation import next_item
from wordsparse.evaluation.scores import (
    FEW,
    KINDS,
    RESTRICT_VOCAB,
    answer,
    answer_pairs,
    score,
    score_pairs,
    unanswered,
)
from wordsparse.evaluation.table import Scores
from wordsparse.evaluation.testsets import READERS, load_test_sets, named
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.loading import load
from wordsparse.words.model import Model
from wordsparse.words.model_directory import is_index, is_model, read_vectors
from wordsparse.words.prediction import Predictor, by_pairs, log_of, popularity_by_features, weighed

logger = logging.getLogger(__name__)


def evaluate(
    vectors: Any,
    pairs: Sequence[str | PathLike[str]] | None = None,
    analogies: Sequence[str | PathLike[str]] | None = None,
    restrict_vocab: int = RESTRICT_VOCAB,
    sentences: Sequence[str | PathLike[str]] | None = None,
    related: Sequence[str | PathLike[str]] | None = None,
    retrieval: Sequence[str | PathLike[str]] | None = None,
    neighbours: Sequence[str | PathLike[str]] | None = None,
    next: Sequence[str | PathLike[str]] | None = None,
    column: str | None = None,
    group_by: str | None = None,
    order_by: str | None = None,
    weight_column: str | None = None,
    since: str | float | None = None,
    stem: str | None = None,
    cold: bool = False,
) -> Scores:
    """Score word vectors on test sets in files.

    Parameters
    ----------
    vectors : Model, WordVectors, Search or path
        A path names a model directory, an index, or a file that :func:`wordsparse.read_vectors` reads.
    pairs : sequence of paths, optional
        Files of lines ``word1 word2 score``: see :func:`wordsparse.evaluation.testsets.read_pairs`.
    analogies : sequence of paths, optional
        Files of questions ``a b c d`` in sections: see :func:`wordsparse.evaluation.testsets.read_analogies`. If no
        test set is given, WordSim-353, SimLex-999 and questions-words are used. These test sets are part of gensim; if
        gensim is not installed, download the sets first with ``wordsparse corpora fetch gensim-sets``.
    restrict_vocab : int
        The questions and answers of analogies are limited to this many of the most frequent words. Pairs may hold any
        word.
    sentences : sequence of paths, optional
        Files of lines ``score sentence sentence``, separated by tabs, to score the vectors of texts: see
        :mod:`wordsparse.vectors.encoder`.
    related : sequence of paths, optional
        Files with two related words per line. Each word should be among the ten nearest neighbours of the other word.
    retrieval : sequence of paths, optional
        Directories of documents, queries and judgements in the layout of BEIR, or the judgement files in such
        directories: see :mod:`wordsparse.evaluation.retrieval_files`. If ``vectors`` is an index with ids, tables of
        the columns question, id and (optionally) grade judge its documents. BM25, and BM25 and the vectors in one
        score, are scored too: see :mod:`wordsparse.vectors.ranking`.
    neighbours : sequence of paths, optional
        Directories with WordNet's database (``data.noun``, ``noun.exc``), which judges the nearest neighbours of
        frequent nouns; or files with a word per line: see :mod:`wordsparse.evaluation.neighbours`.
    next : sequence of paths, optional
        Event logs: tables with one row for each item of a user. Event logs test how well a model of baskets or sessions
        predicts the next items: see :mod:`wordsparse.evaluation.next_item`.
    column, group_by, order_by, weight_column : str, optional
        The columns of event logs that hold the items, the users, the dates (or numbers) that order the rows, and the
        number of times that a row counts. By default, the columns used in training.
    since : str or number, optional
        Items are test items if their ``order`` is at or after this date or number. By default, only the last item of
        each user is a test item.
    cold : bool
        Whether ``next`` tests new items: only items that the model knows by their features alone are ranked, and are
        test items. By default, the last new item of each user is the test item.
    stem : str, optional
        The language of the collections in ``retrieval``, such as "english"; by default, that of an index. BM25 over
        stems without stop words, alone and with the vectors in one score, is scored too.

    Returns
    -------
    dict
        ``{"pairs": {NAME: {"spearman", "low", "high", "n", "oov"}}, "analogies": {NAME: {"accuracy", "low", "high",
        "n", "oov", "sections"}}, "sentences": {NAME: as for pairs}, "related": {NAME: {"hit10", "low", "high", "mrr",
        "n", "oov"}}, "neighbours": {NAME: {"related", "low", "high", "class", "own", "rare", "median", "n", "oov"}},
        "retrieval": {NAME: {"model": {"ndcg10", "low", "high", "recall100", "recall100_low", "recall100_high", "n",
        "oov", "unjudged"}, "bm25": as for model, "fused": as for model, and with ``stem`` "bm25_stemmed" and
        "fused_stemmed": as for model}}, "next": {NAME: {"model": {"hit10", "low", "high", "ndcg10", "ndcg10_low",
        "ndcg10_high", "n", "oov", "unjudged"}, "popularity": as for model, "counts": as for model, "difference": as for
        model and "rival", "calibration": {"p1", "hit1", "ece", "log_p"}}}}``. "difference" is the model minus the
        better of the other two rankings, "rival". With ``cold``, ``next`` is {NAME: {"model", "category",
        "difference"}}, where "category" ranks items by the counts of trained items with the same features. ``p1`` is
        the mean probability of the first predicted items, ``hit1`` the share of these items that came next, ``ece`` the
        expected calibration error of the ten predicted items, and ``log_p`` the mean log probability of a test item.
        ``n`` is the number of test cases that are scored. ``oov`` is the number of test cases that are left out because
        a word is unknown, a word of an analogy is not frequent enough, or a sentence has no known word. ``oov`` also
        counts queries without a known word and users without a known test item, but such queries and users are scored
        with 0. ``unjudged`` counts the queries that are left out because they have no relevant document, or the users
        who are left out because they have no history or no new item. ``low`` and ``high`` bound the 95 % bootstrap
        interval; sections have no interval. If the vectors have n-grams or a tokeniser that splits words, pairs may
        also have ``with_composed``, the score if unknown words get vectors composed of their parts. ``str`` and
        notebooks show the dict as a table. A warning names each test set in which hardly any test case is scored.

    Raises
    ------
    InputError
        If a file is missing or malformed (the message names the line), two files have the same stem, ``restrict_vocab``
        is below 1, the default test sets are needed but not on this machine, or ``next`` is given without a model.
    """
    sets = {"pairs": pairs, "analogies": analogies, "sentences": sentences, "related": related}
    sets |= {"neighbours": neighbours, "retrieval": retrieval}
    are_sets = any(sets.values())
    if isinstance(vectors, str | PathLike) and (is_model(vectors) or is_index(vectors)):
        vectors = load(vectors, mapped=True)
    readers = READERS
    if hasattr(vectors, "collection"):  # an index
        readers, vectors = {**READERS, "retrieval": vectors.collection}, vectors.model
    if isinstance(vectors, Model) and vectors.are_items and not (are_sets or next):
        raise InputError("a model of baskets or sessions is judged by the next items of users: --next LOG (next=[LOG])")
    columns = {"column": column, "group_by": group_by, "order_by": order_by, "weight_column": weight_column}
    if stem is not None and not retrieval:
        raise InputError("--stem (stem) applies to search: name a collection with --retrieval (retrieval=)")
    if not next and any([*columns.values(), since]):
        raise InputError("columns and --since (since) apply to event logs: name an event log with --next (next=)")
    if cold and not next:
        raise InputError("--cold (cold) applies to event logs: name an event log with --next (next=)")
    # All files of words and texts are read before any file is scored, so a mistake in a file is reported at once.
    test_sets = load_test_sets(readers, **sets) if are_sets or not next else None
    logs = {name: _next(vectors, path, since, cold, **columns) for name, path in named(next or ()).items()}
    if test_sets is None:
        return Scores({kind: {} for kind in KINDS} | {"next": logs})
    if isinstance(vectors, Model):
        vectors = vectors.wv
    elif not isinstance(vectors, WordVectors):
        vectors = read_vectors(vectors)
    result = score(test_sets, answer(vectors, test_sets, restrict_vocab, stem))
    if vectors.ngrams is not None or not vectors.respells:
        for name, pairs_of_set in test_sets["pairs"].items():
            # If hardly any word of the test set is known, the test set is in another language, and n-grams do not help.
            if vectors.respells and result["pairs"][name]["n"] < FEW * len(pairs_of_set):
                continue
            scores = score_pairs(pairs_of_set, answer_pairs(vectors, pairs_of_set, composed=True))
            if scores["n"] > result["pairs"][name]["n"]:
                result["pairs"][name]["with_composed"] = scores
    for message in unanswered([result]):
        logger.warning("%s", message)
    return Scores(result | {"next": logs})


def _next(
    model: Any, path: PathLike[str], since: str | float | None, cold: bool, **columns: str | None
) -> dict[str, Any]:
    """Return the scores of the next items that a model predicts for the users of an event log."""
    if not isinstance(model, Model):
        raise InputError("--next (next) needs a model trained on baskets or sessions: give one, or leave --next out")
    V = model.trained_words
    new = model.vocabulary.words[V:] if cold else None
    if cold and not new:
        raise InputError(
            "--cold (cold) needs new items: train the model with --features, without the items to be tested"
        )
    columns["order_by"] = columns["order_by"] or model.call.get("order_by")
    log, kind, place = log_of(model, path, **columns), "", None
    if since is not None:
        if columns["order_by"] is None:
            raise InputError("--since (since) needs the column of the dates: name it with --order-by (order_by=)")
        kind, place, _ = place_of("--since (since)", since, columns["order_by"])
    counts = Counter[str]()
    held = next_item.held_out(_counted(log.baskets(kind), counts), model.vocabulary, place, new and {*new})
    known = dict(zip(model.vocabulary.words[:V], model.vocabulary.counts.tolist(), strict=False))
    if all(times <= known.get(word, 0) for word, times in counts.items()):
        logger.warning("%s: the model was trained on these rows, and has seen the test items: train without them", path)
    if not len(held.wanted):
        raise InputError(f"{path}: no user has a new item after a history: give more rows, or another --from")
    shape = len(held.wanted), len(model)
    histories, tests = weighed(model, held.items, held.owners, shape[0]), held.tests_of(shape[1])
    rows, logs, of_wanted = Predictor(model, new).judged(histories, next_item.K, wanted=tests)
    if cold:
        popularity = np.append(np.full(V, -1.0), popularity_by_features(model))
        return next_item.judge(held, {"model": rows, "category": next_item.popular(held, popularity)})
    rankings = {
        "model": rows,
        "popularity": next_item.popular(held, np.asarray(model.vocabulary.counts)),
        "counts": by_pairs(held.items, held.owners, shape, bool(columns["order_by"]), next_item.K),
    }
    calibration = next_item.calibration(held, rows, logs, of_wanted)
    return {**next_item.judge(held, rankings), "calibration": calibration}


def _counted(users: Iterable[tuple[Any, Iterable[tuple[str, Any]]]], counts: Counter[str]) -> Iterator[Any]:
    """Yield the users, and add the number of rows of each item to ``counts``."""
    for name, placed in users:
        events = [*placed]
        counts.update(word for word, _ in events)
        yield name, events

"""Scores of word vectors: rank correlation with human judgements of pairs of words or texts, and accuracy on analogies.

The scores equal those of gensim's ``evaluate_word_pairs`` and ``evaluate_word_analogies``. Words are compared
case-insensitively; among spellings that differ only in case, the most frequent one is used. Each score has a 95 %
confidence interval (:mod:`wordsparse.evaluation.bootstrap`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError
from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.table import KINDS
from wordsparse.evaluation.testsets import Pair, Question, TestSets
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors

RESTRICT_VOCAB = 30_000
# Tokens of a text from which on scores of its vectors are above chance, and methods can be told apart.
ENOUGH_TOKENS = 3_000_000
# The share of a set that must be known for its score to say anything of the vectors.
FEW = 0.1

# Cosines in one batch of analogy questions: 64 MiB of float32.
_BATCH_COSINES = 2**24


Score: TypeAlias = dict[str, Any]
"""``spearman`` or ``accuracy``, its interval ``low`` to ``high``, and the numbers ``n`` of scored items and ``oov`` of
others; all but the numbers are None where there is nothing to score. :func:`wordsparse.evaluate` says more."""
Answers: TypeAlias = Mapping[str, Mapping[str, Array]]
"""The answers of word vectors to test sets, by kind and name: (n,) float64, the cosine of a pair's words or sentences,
1 for a right answer to a question and 0 for a wrong one; NaN for an item with an unknown word."""


def answer(word_vectors: WordVectors, test_sets: TestSets, restrict_vocab: int = RESTRICT_VOCAB) -> Answers:
    """The answers of the vectors to every item of the test sets."""
    if restrict_vocab < 1:
        raise InputError(f"restrict_vocab must be at least 1, not {restrict_vocab}")
    analogies = partial(answer_analogies, restrict_vocab=restrict_vocab)
    by_kind: dict[str, Any] = {"pairs": answer_pairs, "analogies": analogies, "sentences": answer_sentences}
    return {
        kind: {name: answered(word_vectors, items) for name, items in getattr(test_sets, kind).items()}
        for kind, answered in by_kind.items()
    }


def score(test_sets: TestSets, answers: Answers) -> dict[str, dict[str, Score]]:
    """The scores of the answers to the same test sets."""
    by_kind: dict[str, Any] = {"pairs": score_pairs, "analogies": score_analogies, "sentences": score_pairs}
    return {
        kind: {name: scored(items, answers[kind][name]) for name, items in getattr(test_sets, kind).items()}
        for kind, scored in by_kind.items()
    }


def unanswered(evaluations: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each test set of which nearly no item is scored in any evaluation."""
    sentences = []
    for kind in KINDS:
        for name in dict.fromkeys(name for evaluation in evaluations for name in evaluation[kind]):
            scores = [evaluation[kind][name] for evaluation in evaluations]
            n, items = max(score["n"] for score in scores), scores[0]["n"] + scores[0]["oov"]
            if n < FEW * items:
                sentences.append(f"Of the {items:,} items of {name}, {n:,} can be scored: words have no vectors.")
    if sentences:
        sentences.append("Give test sets in the language of the text: --pairs, --analogies or --sentences FILE.")
    return sentences


def answer_pairs(word_vectors: WordVectors, pairs: Sequence[Pair], composed: bool = False) -> Array:
    """The cosine of each pair's words; NaN for a pair with an unknown one.

    With ``composed``, words that are not known have composed vectors, as they are written.
    """
    row_of = _rows_by_spelling(word_vectors, len(word_vectors))

    def vector(word: str) -> Array | None:
        row = row_of.get(_spelt(word))
        if row is not None:
            return np.asarray(word_vectors.unit[row])
        return word_vectors.vector(word, unit=True) if composed and word_vectors.is_composed(word) else None

    cosines = np.full(len(pairs), np.nan)
    for i, pair in enumerate(pairs):
        first, second = vector(pair.first), vector(pair.second)
        if first is not None and second is not None:
            cosines[i] = np.einsum("i,i->", first, second)
    return cosines


def answer_sentences(word_vectors: WordVectors, pairs: Sequence[Pair]) -> Array:
    """The cosine of each pair's sentences; NaN where one of them has no word with a vector."""
    first, second = (word_vectors.encode(texts) for texts in zip(*((p.first, p.second) for p in pairs), strict=True))
    cosines = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    return np.where(first.any(axis=1) & second.any(axis=1), cosines, np.nan)


def answer_analogies(
    word_vectors: WordVectors,
    questions: Sequence[Question],
    restrict_vocab: int = RESTRICT_VOCAB,
) -> Array:
    """1 for each question whose expected answer has the largest cosine with b - a + c among the frequent words, else 0.

    The vectors are normalised before the sum; a, b and c are excluded in every spelling. NaN for unknown words.
    """
    frequent = word_vectors.most_frequent(restrict_vocab)
    place = {row: i for i, row in enumerate(frequent.tolist())}
    place_of = {word: place[row] for word, row in _rows_by_spelling(word_vectors, restrict_vocab).items()}
    same_word = np.array([place_of[_spelt(word_vectors.words[row])] for row in frequent.tolist()])
    places = np.array([[place_of.get(_spelt(word), -1) for word in question.words] for question in questions], np.intp)
    asked = places.min(axis=1) >= 0
    answers = np.full(len(questions), np.nan)
    answers[asked] = _answered(word_vectors.unit[frequent], same_word, places[asked])
    return answers


def score_pairs(pairs: Sequence[Pair], cosines: Array) -> Score:
    """Spearman's rank correlation of cosines and judgements, over the pairs that have a cosine."""
    rho, samples = correlation(pairs, cosines)
    low, high = _interval(rho, samples)
    n = int(np.isfinite(cosines).sum())
    return {"spearman": rho, "low": low, "high": high, "n": n, "oov": len(pairs) - n}


def score_analogies(questions: Sequence[Question], correct: Array) -> Score:
    """The accuracy on the questions whose words are all known: over all of them and for each section."""
    sections = np.array([question.section for question in questions])
    whole = _accuracy(correct)
    low, high = _interval(*accuracy(questions, correct))
    by_section = {name: _accuracy(correct[sections == name]) for name in dict.fromkeys(sections.tolist())}
    return {**whole, "low": low, "high": high, "sections": by_section}


def _answered(
    unit: npt.NDArray[np.float32], same_word: npt.NDArray[np.intp], questions: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Whether the answer to each question is right, (n,).

    ``unit`` is (N, dim); ``same_word`` (N,) is the row of each word's most frequent spelling; ``questions`` (n, 4)
    holds rows.
    """
    correct = np.zeros(len(questions), dtype=bool)
    batch = max(1, _BATCH_COSINES // len(unit))
    for start in range(0, len(questions), batch):
        a, b, c, expected = questions[start : start + batch].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (batch, N); their common scale does not matter
        answers = _best_answers(cosines, same_word, np.stack([a, b, c], axis=1))
        correct[start : start + batch] = answers == expected
    return correct


def _best_answers(
    cosines: npt.NDArray[np.float32], same_word: npt.NDArray[np.intp], given: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """For each row of ``cosines`` (overwritten), the best word that is not one of ``given``; -1 if there is none."""
    questions = np.arange(len(cosines))
    cosines[questions[:, None], given] = -np.inf
    best = cosines.argmax(axis=1)
    while True:
        exists = cosines[questions, best] > -np.inf
        other_spelling = (same_word[best][:, None] == given).any(axis=1) & exists
        again = np.flatnonzero(other_spelling)
        if not again.size:
            return np.where(exists, same_word[best], -1)
        cosines[again, best[again]] = -np.inf
        best[again] = cosines[again].argmax(axis=1)


def correlation(pairs: Sequence[Pair], cosines: Array) -> tuple[float | None, Array]:
    """The score of cosines (pairs,), NaN where they are not known, and that in each resample of the pairs."""
    known = np.isfinite(cosines)
    judgements = np.array([pair.score for pair in pairs])[known]
    return spearman(judgements, cosines[known]), bootstrap.spearman(judgements, cosines[known])


def accuracy(questions: Sequence[Question], correct: Array) -> tuple[float | None, Array]:
    """The share of right answers (questions,), and that in each resample of the pairs that questions are made of."""
    return _accuracy(correct)["accuracy"], bootstrap.accuracies(questions, correct)


def _accuracy(correct: Array) -> Score:
    asked = correct[np.isfinite(correct)]
    accuracy = float(asked.mean()) if asked.size else None
    return {"accuracy": accuracy, "n": asked.size, "oov": correct.size - asked.size}


def spearman(x: Array, y: Array) -> float | None:
    """Spearman's rank correlation of x (n,) and y (n,); None if n < 2 or if one of them is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def _interval(value: float | None, samples: Array) -> tuple[float, float] | tuple[None, None]:
    return (None, None) if value is None else bootstrap.interval(samples) or (None, None)


def _spelt(word: Any) -> str:
    """A word, or another key, as it is compared."""
    return str(word).upper()


def _rows_by_spelling(word_vectors: WordVectors, n: int) -> dict[str, int]:
    """Return the row of each of the ``n`` most frequent words as it is compared; of several spellings, the most
    frequent one's."""
    rows: dict[str, int] = {}
    for row in word_vectors.most_frequent(n).tolist():
        rows.setdefault(_spelt(word_vectors.words[row]), row)
    return rows

"""Scores of word vectors: rank correlation with human judgements of pairs of words or texts, accuracy on analogies, how
often related words are among the ten nearest, and search (:mod:`wordsparse.evaluation.retrieval`).

The scores of word pairs and analogies equal the results of gensim's ``evaluate_word_pairs`` and
``evaluate_word_analogies``. Words are compared case-insensitively: among spellings that differ only in case, the most
frequent spelling is used. Each score has a 95 % confidence interval (:mod:`wordsparse.evaluation.bootstrap`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from wordsparse.evaluation import bootstrap
from wordsparse.evaluation.neighbours import MEASURES, Lexicon, answer_neighbours
from wordsparse.evaluation.retrieval import answer_retrieval, score_retrieval
from wordsparse.evaluation.testsets import Pair, Question, TestSets
from wordsparse.types import Array
from wordsparse.validation import positive_int
from wordsparse.vectors.evidence import factors
from wordsparse.vectors.word_vectors import WordVectors

RESTRICT_VOCAB = 30_000
# The minimum number of tokens for comparing methods; with fewer tokens, scores are too near chance.
ENOUGH_TOKENS = 3_000_000
# The minimum fraction of a test set's items that must be scored; otherwise, the score says little about the vectors.
FEW = 0.1
# The maximum rank at which a related word counts as found.
NEAREST = 10

# The number of cosines in a batch of questions (64 MiB of float32).
_BATCH_COSINES = 2**24


Score: TypeAlias = dict[str, Any]
"""A score: ``spearman``, ``accuracy`` or ``hit10``; its interval from ``low`` to ``high``; ``n``, the number of scored
items; and ``oov``, the number of other items. If no item is scored, only ``n`` and ``oov`` are not None. See
:func:`wordsparse.evaluate`."""
Resampled: TypeAlias = tuple[float | None, Array]
"""A score of a test set (None if no item has an answer), and its values in resamples of the items."""
Answers: TypeAlias = Mapping[str, Mapping[str, Array]]
"""The answers of word vectors to test sets, by kind and name: arrays (n,) float64. A pair's answer is the cosine of its
words or sentences, a question's answer is 1 if right and 0 if wrong, and a related word's answer is its rank. An item
with an unknown word has the answer NaN. For search, arrays are (queries, columns); column 0 is nDCG@10."""


def answer(
    word_vectors: WordVectors,
    test_sets: TestSets,
    restrict_vocab: int = RESTRICT_VOCAB,
    stem: str | None = None,
    evidence: bool = True,
) -> Answers:
    """Answer every item of the test sets with the vectors. Without ``evidence``, neighbours are ranked by cosine."""
    limit = positive_int("restrict_vocab", restrict_vocab)
    options: dict[str, dict[str, Any]] = {"analogies": {"restrict_vocab": limit}, "retrieval": {"stem": stem}}
    options |= {kind: {"evidence": evidence} for kind in ("related", "neighbours")}
    return {
        kind: {name: KINDS[kind].answer(word_vectors, items, **options.get(kind, {})) for name, items in sets.items()}
        for kind, sets in test_sets.items()
    }


def score(test_sets: TestSets, answers: Answers) -> dict[str, dict[str, Score]]:
    """Return the scores of ``answers``, the result of :func:`answer` for these test sets."""
    return {
        kind: {name: KINDS[kind].score(items, answers[kind][name]) for name, items in sets.items()}
        for kind, sets in test_sets.items()
    }


def own(score: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the score of the vectors or the model itself, without the scores of BM25 and other baselines."""
    side: Mapping[str, Any] = score.get("model", score)
    return side


def unanswered(evaluations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a warning for each test set of which every evaluation scored only a few items."""
    sentences = []
    for kind in KINDS:
        for name in dict.fromkeys(name for evaluation in evaluations for name in evaluation[kind]):
            scores = [own(evaluation[kind][name]) for evaluation in evaluations]
            n, items = max(s.get("with_composed", s)["n"] for s in scores), scores[0]["n"] + scores[0]["oov"]
            if n < FEW * items:
                sentences.append(f"{n:,} of the {items:,} items of {name} can be scored: other words have no vectors.")
    if sentences:
        kinds = ", ".join(f"--{kind}" for kind in KINDS)
        sentences.append(f"Give test sets in the language of the text: {kinds} FILE.")
    return sentences


def answer_pairs(word_vectors: WordVectors, pairs: Sequence[Pair], composed: bool = False) -> Array:
    """Return the cosine of each pair's words; NaN for a pair with an unknown word.

    With ``composed``, an unknown word gets a vector composed from n-grams or other words, if possible.
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
    """Return the cosine of each pair's sentences; NaN if one sentence has no word with a vector."""
    first, second = (word_vectors.encode(texts) for texts in zip(*((p.first, p.second) for p in pairs), strict=True))
    cosines = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    return np.where(first.any(axis=1) & second.any(axis=1), cosines, np.nan)


def answer_analogies(
    word_vectors: WordVectors,
    questions: Sequence[Question],
    restrict_vocab: int = RESTRICT_VOCAB,
) -> Array:
    """Return 1 for each question whose expected answer d is nearest to b - a + c among the frequent words, otherwise 0.

    Vectors are normalised first. Every spelling of a, b and c is excluded. The result is NaN if a word is unknown.
    """
    frequent = word_vectors.most_frequent(restrict_vocab)
    place = {row: i for i, row in enumerate(frequent.tolist())}
    place_of = {word: place[row] for word, row in _rows_by_spelling(word_vectors, restrict_vocab).items()}
    same_word = np.array([place_of[_spelt(word_vectors.words[row])] for row in frequent.tolist()])
    places = np.array([[place_of.get(_spelt(word), -1) for word in question.words] for question in questions], np.intp)
    is_known = places.min(axis=1) >= 0
    answers = np.full(len(questions), np.nan)
    answers[is_known] = _answered(word_vectors.unit[frequent], same_word, places[is_known])
    return answers


def answer_related(word_vectors: WordVectors, items: Sequence[tuple[str, str]], evidence: bool = True) -> Array:
    """Return the rank of each pair's second word among the nearest neighbours of the first: 1 for the nearest, NaN if
    a word is unknown. Neighbours are ranked as :meth:`wordsparse.WordVectors.similar` ranks them.

    The first word itself is excluded from the ranking, in every spelling.
    """
    row_of, unit = _rows_by_spelling(word_vectors, len(word_vectors)), np.asarray(word_vectors.unit)
    spelling = np.array([row_of[_spelt(word)] for word in word_vectors.words])
    rows = np.array([[row_of.get(_spelt(word), -1) for word in item] for item in items], np.intp)
    ranks, usable = np.full(len(items), np.nan), np.flatnonzero(rows.min(axis=1) >= 0)
    batch = max(1, _BATCH_COSINES // len(unit))
    for start in range(0, len(usable), batch):
        chosen = usable[start : start + batch]
        word, other = rows[chosen].T
        scores = unit[word] @ unit.T
        if evidence and word_vectors.rarity is not None:
            doubts = np.array([word_vectors.doubt_of([row]) for row in word.tolist()])
            scores *= factors(doubts[:, None], word_vectors.rarity)
        scores[spelling == word[:, None]] = -np.inf
        ranks[chosen] = 1 + (scores > scores[np.arange(len(chosen)), other][:, None]).sum(axis=1)
    return ranks


def score_pairs(pairs: Sequence[Pair], cosines: Array) -> Score:
    """Compute Spearman's rank correlation of cosines and judgements, over the pairs that have a cosine."""
    return _scored("spearman", correlation(pairs, cosines), cosines)


def score_analogies(questions: Sequence[Question], correct: Array) -> Score:
    """Compute the accuracy on the questions whose words are all known, over the whole test set and per section."""
    sections = np.array([question.section for question in questions])
    parts = {name: correct[sections == name] for name in dict.fromkeys(sections.tolist())}
    by_section = {name: {"accuracy": _mean(part), **_counts(part)} for name, part in parts.items()}
    return {**_scored("accuracy", accuracy(questions, correct), correct), "sections": by_section}


def score_related(items: Sequence[tuple[str, str]], ranks: Array) -> Score:
    """Return the share of related words among the ten nearest, with an interval over pairs, and the mean reciprocal
    rank."""
    return {**_scored("hit10", hits(items, ranks), ranks), "mrr": _mean(1 / ranks)}


def score_neighbours(lexicon: Lexicon, answers: Array) -> Score:
    """Return the shares of :mod:`wordsparse.evaluation.neighbours` with an interval of ``related``, and the median of
    the median counts of neighbours."""
    is_known = np.isfinite(answers[:, 2])
    shares = {name: _mean(answers[:, place]) for place, name in enumerate(MEASURES)}
    counts = answers[np.isfinite(answers[:, -1]), -1]
    median = float(np.median(counts)) if counts.size else None
    of_items = np.where(is_known, 1.0, np.nan)
    return {**_scored("related", related_share(lexicon, answers), of_items), **shares, "median": median}


def related_share(lexicon: Lexicon, answers: Array) -> Resampled:
    """Return the share of related neighbours, and the share in each resample of the asked words."""
    return mean(lexicon, answers.reshape(len(answers), -1)[:, 0])


def _scored(measure: str, resampled: Resampled, answers: Array) -> Score:
    """Return a score with its interval over the resamples, and the numbers of items with and without an answer."""
    value, samples = resampled
    low, high = (None, None) if value is None else bootstrap.interval(samples) or (None, None)
    return {measure: value, "low": low, "high": high, **_counts(answers)}


def _counts(answers: Array) -> dict[str, int]:
    n = int(np.isfinite(answers).sum())
    return {"n": n, "oov": answers.size - n}


def _mean(values: Array) -> float | None:
    """Return the mean of the values that are not NaN; None if all are NaN."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def correlation(pairs: Sequence[Pair], cosines: Array) -> Resampled:
    """Return Spearman's correlation of ``cosines`` (pairs,) and judgements, and the correlation in each resample of the
    pairs. A cosine is NaN if a word of its pair has no vector."""
    is_known = np.isfinite(cosines)
    judgements = np.array([pair.score for pair in pairs])[is_known]
    return spearman(judgements, cosines[is_known]), bootstrap.spearman(judgements, cosines[is_known])


def accuracy(questions: Sequence[Question], correct: Array) -> Resampled:
    """Return the mean of ``correct`` (questions,), and the mean in each resample of the word pairs in the questions."""
    return _mean(correct), bootstrap.accuracies(questions, correct)


def hits(items: Sequence[tuple[str, str]], ranks: Array) -> Resampled:
    """Return the share of ``ranks`` (items,) that are at most ``NEAREST``, and the share in each resample of pairs."""
    is_near = np.where(np.isfinite(ranks), ranks <= NEAREST, np.nan)
    return _mean(is_near), bootstrap.shares(is_near.reshape(-1, 2))


def mean(items: object, values: Array) -> Resampled:
    """Return the mean of values (items,), and the mean in each resample of the items; NaN is ignored."""
    return _mean(values), bootstrap.shares(values[:, None])


def _answered(
    unit: npt.NDArray[np.float32], same_word: npt.NDArray[np.intp], questions: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Return whether the answer to each question is right, (n,).

    ``unit`` is (N, dim). ``same_word`` (N,) holds the row of each word's most frequent spelling, and ``questions``
    (n, 4) the rows of each question's words.
    """
    correct = np.zeros(len(questions), dtype=bool)
    batch = max(1, _BATCH_COSINES // len(unit))
    for start in range(0, len(questions), batch):
        a, b, c, expected = questions[start : start + batch].T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (batch, N), times a positive factor per row
        answers = _best_answers(cosines, same_word, np.stack([a, b, c], axis=1))
        correct[start : start + batch] = answers == expected
    return correct


def _best_answers(
    cosines: npt.NDArray[np.float32], same_word: npt.NDArray[np.intp], excluded: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the word of largest cosine in each row, or -1. Every spelling of the ``excluded`` words is skipped.
    ``cosines`` is overwritten."""
    questions = np.arange(len(cosines))
    cosines[questions[:, None], excluded] = -np.inf
    best = cosines.argmax(axis=1)
    while True:
        exists = cosines[questions, best] > -np.inf
        other_spelling = (same_word[best][:, None] == excluded).any(axis=1) & exists
        again = np.flatnonzero(other_spelling)
        if not again.size:
            return np.where(exists, same_word[best], -1)
        cosines[again, best[again]] = -np.inf
        best[again] = cosines[again].argmax(axis=1)


def spearman(x: Array, y: Array) -> float | None:
    """Compute Spearman's rank correlation of x (n,) and y (n,); None if n < 2 or if x or y is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def _spelt(word: Any) -> str:
    """Return a word or another key in upper case, so that words are compared case-insensitively."""
    return str(word).upper()


def _rows_by_spelling(word_vectors: WordVectors, n: int) -> dict[str, int]:
    """Return a dict from the ``n`` most frequent words in upper case to their rows. If several spellings give the same
    key, the most frequent spelling is used."""
    rows: dict[str, int] = {}
    for row in word_vectors.most_frequent(n).tolist():
        rows.setdefault(_spelt(word_vectors.words[row]), row)
    return rows


class Kind(NamedTuple):
    """A kind of test set. The function ``answer`` answers the items of a test set, ``score`` scores the answers, and
    ``resampled`` scores the answers in resamples of the items."""

    title: str
    measure: str
    answer: Callable[..., Array]
    score: Callable[..., Score]
    resampled: Callable[..., Resampled]


KINDS = {
    "pairs": Kind("word pairs", "spearman", answer_pairs, score_pairs, correlation),
    "analogies": Kind("analogies", "accuracy", answer_analogies, score_analogies, accuracy),
    "sentences": Kind("sentences", "spearman", answer_sentences, score_pairs, correlation),
    "related": Kind("related words", "hit10", answer_related, score_related, hits),
    "neighbours": Kind("nearest neighbours", "related", answer_neighbours, score_neighbours, related_share),
    "retrieval": Kind("search", "ndcg10", answer_retrieval, score_retrieval, mean),
}
"""The kinds of test sets that judge vectors; :data:`wordsparse.evaluation.testsets.READERS` lists the functions that
read their files."""

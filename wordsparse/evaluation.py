"""How good word vectors are: rank correlation with human judgements of word pairs, and word analogies.

The numbers are those of gensim's ``evaluate_word_pairs`` and ``evaluate_word_analogies``. Words are compared
without regard to case; of several spellings in the vocabulary the most frequent one stands for all.
"""

import importlib.util
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError, MissingDependencyError
from wordsparse.vectors import WordVectors

# Cosines computed at once for the analogies: 64 MiB of float32.
_BATCH_COSINES = 2**24

_DEFAULT_PAIRS = ("wordsim353.tsv", "simlex999.txt")
_DEFAULT_ANALOGIES = ("questions-words.txt",)


class PairScore(TypedDict):
    """``spearman`` is None where fewer than two pairs are known or one side of them is constant."""

    spearman: float | None
    n: int
    oov: int


class SectionScore(TypedDict):
    """``accuracy`` is None where no question could be asked."""

    accuracy: float | None
    n: int
    oov: int


class AnalogyScore(SectionScore):
    """The score over all questions, and by section of the file."""

    sections: dict[str, SectionScore]


class Evaluation(TypedDict):
    """Scores by test set; a test set is named by its file's stem."""

    pairs: dict[str, PairScore]
    analogies: dict[str, AnalogyScore]


class Pair(NamedTuple):
    """Two words and how similar people find them."""

    first: str
    second: str
    score: float


class Question(NamedTuple):
    """``words`` are a, b, c and the expected answer to "a is to b as c is to …"."""

    section: str
    words: tuple[str, str, str, str]


def evaluate(
    word_vectors: WordVectors,
    pairs: Sequence[str | PathLike[str]] | None = None,
    analogies: Sequence[str | PathLike[str]] | None = None,
    restrict_vocab: int = 30_000,
) -> Evaluation:
    """Judge word vectors by test sets in files.

    Parameters
    ----------
    word_vectors : WordVectors
    pairs : sequence of paths, optional
        Files of lines ``word1 word2 score``: see :func:`read_pairs`.
    analogies : sequence of paths, optional
        Files of questions ``a b c d`` in sections: see :func:`read_analogies`. With neither pairs nor
        analogies given, WordSim-353, SimLex-999 and questions-words are taken from gensim's wheel.
    restrict_vocab : int
        Analogies: questions and answers are limited to this many of the most frequent words. Pairs may hold
        any word.

    Returns
    -------
    dict
        ``{"pairs": {NAME: {"spearman", "n", "oov"}}, "analogies": {NAME: {"accuracy", "n", "oov",
        "sections"}}}``: ``n`` pairs or questions counted, ``oov`` left out because of a word that is not
        known (or, in an analogy, not among the most frequent).

    Raises
    ------
    InputError
        If a file is missing or malformed (named with its line), two have the same stem, or ``restrict_vocab``
        < 1.
    MissingDependencyError
        If the default test sets are wanted and gensim is not installed.
    """
    if restrict_vocab < 1:
        raise InputError(f"restrict_vocab must be at least 1, not {restrict_vocab}")
    if not pairs and not analogies:
        pairs, analogies = _default_sets()
    # All files are read before the first is scored: a mistake in the last one shows at once.
    pair_sets = {name: read_pairs(path) for name, path in _named(pairs or ()).items()}
    analogy_sets = {name: read_analogies(path) for name, path in _named(analogies or ()).items()}
    return {
        "pairs": {name: score_pairs(word_vectors, content) for name, content in pair_sets.items()},
        "analogies": {
            name: score_analogies(word_vectors, content, restrict_vocab) for name, content in analogy_sets.items()
        },
    }


def read_pairs(path: str | PathLike[str]) -> list[Pair]:
    """Read lines ``word1 word2 score``, separated by tabs, commas or spaces; other columns are not looked at.

    Empty lines and lines that begin with # are skipped, and so is a first line whose third column is not a
    number.
    """
    pairs: list[Pair] = []
    may_be_header = True
    for where, line in _lines(path):
        separator = "\t" if "\t" in line else "," if line.count(",") >= 2 else None
        fields = [field.strip() for field in line.split(separator)]
        score = _finite_number(fields[2]) if len(fields) >= 3 else None
        if score is not None and fields[0] and fields[1]:
            pairs.append(Pair(fields[0], fields[1], score))
        elif not (may_be_header and len(fields) >= 3):
            raise InputError(f"{where}: expected two words and a number, found {line[:100]!r}")
        may_be_header = False
    if not pairs:
        raise InputError(f"{path}: holds no word pairs (lines of two words and a number)")
    return pairs


def read_analogies(path: str | PathLike[str]) -> list[Question]:
    """Read questions of four words a line; a line ``: NAME`` begins a section.

    Questions before the first such line are in a section named as the file. Empty lines and lines that begin
    with # are skipped.
    """
    questions: list[Question] = []
    section = Path(path).stem
    for where, line in _lines(path):
        if line.startswith(":"):
            section = line.lstrip(": ")
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(f"{where}: expected four words, or ': ' and a section's name, found {line[:100]!r}")
        questions.append(Question(section, (words[0], words[1], words[2], words[3])))
    if not questions:
        raise InputError(f"{path}: holds no analogies (lines of four words)")
    return questions


def score_pairs(word_vectors: WordVectors, pairs: Sequence[Pair]) -> PairScore:
    """Spearman's rank correlation of cosines and judgements, over the pairs whose words are known."""
    row_of = _rows_without_case(word_vectors.words)
    known = [pair for pair in pairs if pair.first.upper() in row_of and pair.second.upper() in row_of]
    first = word_vectors.unit[[row_of[pair.first.upper()] for pair in known]]
    second = word_vectors.unit[[row_of[pair.second.upper()] for pair in known]]
    cosines = np.einsum("ij,ij->i", first, second)
    judgements = np.array([pair.score for pair in known])
    return {"spearman": _spearman(judgements, cosines), "n": len(known), "oov": len(pairs) - len(known)}


def score_analogies(
    word_vectors: WordVectors, questions: Sequence[Question], restrict_vocab: int = 30_000
) -> AnalogyScore:
    """The share of questions whose answer has the largest cosine with b - a + c among the frequent words.

    The vectors are scaled to length one before the sum; a, b and c, in any spelling, are no answers.
    """
    words = word_vectors.words[:restrict_vocab]
    row_of = _rows_without_case(words)
    same_word = np.array([row_of[word.upper()] for word in words])
    rows = [[row_of.get(word.upper(), -1) for word in question.words] for question in questions]
    asked = np.array([min(row) >= 0 for row in rows])
    correct = np.zeros(len(questions), dtype=bool)
    correct[asked] = _answered(word_vectors.unit[: len(words)], same_word, np.array(rows, dtype=np.intp)[asked])
    sections = np.array([question.section for question in questions])
    return {
        **_section_score(asked, correct),
        "sections": {
            name: _section_score(asked[sections == name], correct[sections == name])
            for name in dict.fromkeys(question.section for question in questions)
        },
    }


def _answered(
    unit: npt.NDArray[np.float32], same_word: npt.NDArray[np.intp], questions: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Whether each question is answered right.

    ``unit`` is (N, dim), ``same_word`` (N,) the row that stands for each word's spellings, ``questions`` (n,
    4) rows.
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
    """For each row of ``cosines`` (overwritten) the best word that is no given one, -1 for none."""
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


def _section_score(asked: npt.NDArray[np.bool_], correct: npt.NDArray[np.bool_]) -> SectionScore:
    n = int(asked.sum())
    return {"accuracy": int(correct.sum()) / n if n else None, "n": n, "oov": len(asked) - n}


def _spearman(x: npt.NDArray[np.float64], y: npt.NDArray[np.float32]) -> float | None:
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def _rows_without_case(words: Sequence[str]) -> dict[str, int]:
    """The row of each word in capitals; of several spellings, the first, which is the most frequent."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word.upper(), row)
    return rows


def _finite_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _lines(path: str | PathLike[str]) -> Iterator[tuple[str, str]]:
    """The lines of a test set but for empty ones and comments, each with "file, line" for messages."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield f"{path}, line {number}", line.strip()


def _named(paths: Iterable[str | PathLike[str]]) -> Mapping[str, Path]:
    named: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.stem in named:
            raise InputError(f"{named[path.stem]} and {path}: two test sets named {path.stem}; rename one")
        named[path.stem] = path
    return named


def _default_sets() -> tuple[list[Path], list[Path]]:
    """The files of the three default test sets, found without importing gensim."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        raise MissingDependencyError(
            "WordSim-353, SimLex-999 and questions-words come with gensim, which is not installed (it has no"
            " wheels for Python 3.14 yet): name files of word pairs or analogies (--pairs, --analogies)"
        )
    data = Path(spec.origin).parent / "test" / "test_data"
    return [data / name for name in _DEFAULT_PAIRS], [data / name for name in _DEFAULT_ANALOGIES]

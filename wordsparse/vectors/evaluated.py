"""Word vectors judged by files of word pairs and of analogies, with the results of gensim's KeyedVectors."""

from os import PathLike
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.vectors.neighbours import Neighbours


class Evaluated(Neighbours):
    """Vectors that are scored as gensim scores them; :func:`wordsparse.evaluate` adds confidence intervals."""

    def evaluate_word_pairs(
        self,
        pairs: str | PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Any, Any, float]:
        """The correlation of cosines with human similarity judgements of word pairs.

        Parameters
        ----------
        pairs : path
            Lines of two words and a number; see :func:`wordsparse.evaluation.testsets.read_pairs`, which detects
            the ``delimiter`` and reads UTF-8 only, so both arguments are ignored.
        restrict_vocab : int
            Only the first ``restrict_vocab`` keys count as known.
        case_insensitive : bool
            Whether words are compared in upper case; the first of several spellings is used.
        dummy4unknown : bool
            Whether a pair with an unknown word has the cosine 0; it is left out otherwise.

        Returns
        -------
        pearson, spearman : (float, float)
            SciPy's results: the ``statistic``, which is the correlation, and the two-sided ``pvalue`` for the
            hypothesis of no correlation.
        oov : float
            The percentage of pairs with an unknown word.

        Raises
        ------
        InputError
            If the file is malformed, or fewer than two pairs are known.
        """
        from scipy.stats import pearsonr, spearmanr

        from wordsparse.evaluation import scores
        from wordsparse.evaluation.testsets import read_pairs

        judged = read_pairs(pairs)
        cosines = scores.answer_pairs(self._first(restrict_vocab), judged, ignore_case=case_insensitive)
        unknown = np.isnan(cosines)
        if dummy4unknown:
            cosines = np.where(unknown, 0.0, cosines)
        used = np.isfinite(cosines)
        if used.sum() < 2:
            raise InputError(
                f"{pairs}: fewer than two pairs of known words, too few to correlate: give pairs in the language of "
                "the vectors"
            )
        people = np.array([pair.score for pair in judged])[used]
        pearson, spearman = (test(people, cosines[used]) for test in (pearsonr, spearmanr))
        return pearson, spearman, float(100 * unknown.mean())

    def evaluate_word_analogies(
        self,
        analogies: str | PathLike[str],
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """The fraction of analogy questions that b - a + c answers correctly (3CosAdd).

        Parameters
        ----------
        analogies : path
            Lines of four words in sections; see :func:`wordsparse.evaluation.testsets.read_analogies`.
        restrict_vocab, case_insensitive
            The same as in :meth:`evaluate_word_pairs`; candidate answers are the first keys only.
        dummy4unknown : bool
            Whether a question with an unknown word counts as incorrect; otherwise it is left out.
        similarity_function : str
            Has no effect, as in gensim.

        Returns
        -------
        score : float
        sections : list of dict
            For each section, and for all as "Total accuracy": "section", "correct" and "incorrect"; the last two are
            lists of questions.

        Raises
        ------
        InputError
            If the file is malformed.
        """
        from wordsparse.evaluation import scores
        from wordsparse.evaluation.testsets import read_analogies

        questions = read_analogies(analogies)
        right = scores.answer_analogies(self._first(restrict_vocab), questions, restrict_vocab, case_insensitive)
        sections: dict[str, dict[str, Any]] = {}
        for question, answer in zip(questions, right, strict=True):
            lists = sections.setdefault(question.section, {"section": question.section, "correct": [], "incorrect": []})
            if dummy4unknown or np.isfinite(answer):
                words = tuple(word.upper() for word in question.words) if case_insensitive else question.words
                lists["correct" if answer == 1 else "incorrect"].append(words)
        total: dict[str, Any] = {"section": "Total accuracy"}
        for name in ("correct", "incorrect"):
            total[name] = [words for lists in sections.values() for words in lists[name]]
        asked = len(total["correct"]) + len(total["incorrect"])
        return len(total["correct"]) / max(asked, 1), [*sections.values(), total]

    def _first(self, restrict_vocab: int) -> Neighbours:
        """The first keys, among which words are looked up."""
        return Neighbours(self.index_to_key[:restrict_vocab], self.vectors[:restrict_vocab])

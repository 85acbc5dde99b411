"""gensim's KeyedVectors: WordVectors with gensim's methods to reserve rows, evaluate, save and load."""

import logging
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wordsparse.errors import InputError
from wordsparse.evaluation import scores
from wordsparse.evaluation.testsets import read_analogies, read_pairs
from wordsparse.files import regular, storage
from wordsparse.gensim.refusals import WrongPlaceError
from wordsparse.vectors.formats import names, read_file, save_vectors
from wordsparse.vectors.lookup import Key
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import MANIFEST

logger = logging.getLogger(__name__)
VECTORS = "vectors.npz"
"""The file of a saved model's directory that holds its ``wv``."""

_MOVED = {
    "vocab": "key_to_index, index_to_key and get_vecattr",
    "index2word": "index_to_key",
    "index2entity": "index_to_key",
    "vectors_norm": "get_normed_vectors()",
    "syn0": "vectors",
    "syn0norm": "get_normed_vectors()",
    "word_vec": "get_vector",
    "words_closer_than": "closer_than",
    "accuracy": "evaluate_word_analogies",
    "wv": "the vectors themselves",
}


class KeyedVectors(WordVectors):
    """A table of keys and vectors.

    Parameters
    ----------
    vector_size : int
    count : int
        Number of rows to reserve for ``add_vector``.
    dtype : dtype
        Number type of the vectors.
    mapfile_path : path, optional
        Has no effect, as in gensim.
    """

    def __init__(
        self,
        vector_size: int,
        count: int = 0,
        dtype: DTypeLike = np.float32,
        mapfile_path: str | PathLike[str] | None = None,
    ) -> None:
        super(WordVectors, self).__init__([], np.zeros((count, vector_size), dtype))
        self.index_to_key = [None] * count
        self.next_index = 0
        self.mapfile_path = mapfile_path
        self.vectors_lockf: NDArray[np.float32] = np.ones(1, np.float32)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __getattr__(self, name: str) -> NoReturn:
        if name in _MOVED:
            raise WrongPlaceError(f"KeyedVectors.{name} was removed in gensim 4: use {_MOVED[name]}")
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @classmethod
    def load_word2vec_format(cls, *args: Any, **options: Any) -> Self:
        """Read a word2vec file; see :meth:`WordVectors.load_word2vec_format`.

        Without a file of counts, the attribute "count" descends from V to 1, as in gensim.
        """
        loaded = super().load_word2vec_format(*args, **options)
        return loaded._with_counts()

    def save_word2vec_format(self, fname: str | PathLike[str], *args: Any, **options: Any) -> None:
        """Write a word2vec file; see :meth:`WordVectors.save_word2vec_format`.

        White space in a key is written as ``_``, and a warning is logged: white space separates the fields of the file.
        """
        texts = names.as_text(self.index_to_key)
        written = WordVectors(["_".join(text.split()) for text in texts], self.vectors)
        if written.words != texts:
            logger.warning("%s: white space in keys is written as _; save keeps keys as they are", fname)
        written.expandos = self.expandos
        written.save_word2vec_format(fname, *args, **options)

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> "KeyedVectors":
        """See :meth:`WordVectors.vectors_for_all`; counts that are not copied descend from the number of keys to 1."""
        chosen = super().vectors_for_all(keys, allow_inference, copy_vecattrs)
        return KeyedVectors._taken_over(chosen)._with_counts()

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to length one if ``replace``; otherwise without effect."""
        if replace:
            self.unit_normalize_all()

    def sort_by_descending_frequency(self) -> None:
        """Sort the keys by descending attribute "count"."""
        order = np.argsort(-self.expandos["count"], kind="stable")
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: row for row, key in enumerate(self.index_to_key)}
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        self.vectors = self.vectors[order]

    def intersect_word2vec_format(self, *args: Any, **options: Any) -> NoReturn:
        """Refused: training does not start from given vectors."""
        raise InputError(
            "intersect_word2vec_format: training here does not start from given vectors, so they would be lost"
        )

    def add_lifecycle_event(self, event_name: str, log_level: int = logging.INFO, **event: Any) -> None:
        """Log an event."""
        logger.log(log_level, "%s: %s %s", self, event_name, event)

    def evaluate_word_pairs(
        self,
        pairs: str | PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[tuple[float, float], tuple[float, float], float]:
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
            The correlation, and the two-sided p-value for the hypothesis of no correlation.
        oov : float
            The percentage of pairs with an unknown word.

        Raises
        ------
        InputError
            If the file is malformed, or fewer than two pairs are known.
        """
        from scipy.stats import pearsonr, spearmanr

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
        found = [test(people, cosines[used]) for test in (pearsonr, spearmanr)]
        pearson, spearman = ((float(result.statistic), float(result.pvalue)) for result in found)
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
        """
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

    def save(self, fname: str | PathLike[str], *args: Any, **options: Any) -> None:
        """Write keys, vectors and counts as an npz file, atomically; further arguments have no effect.

        A model directory at ``fname`` is replaced.
        """
        if left_out := sorted(self.expandos.keys() - {"count", "sample_int"}):
            logger.warning("%s: these attributes are not stored: %s", fname, ", ".join(left_out))
        path = Path(fname)
        if not (path / MANIFEST).is_file():
            save_vectors(self, path, "npz")
            return
        directory = Path(os.path.realpath(path))
        with storage.writing(path), storage.staging(directory) as folder:
            save_vectors(self, folder / VECTORS, "npz")
            storage.put(folder / VECTORS, directory)

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> Self:
        """Read a file written by :meth:`save`, or the vectors of a saved Word2Vec; ``mmap`` has no effect.

        Raises
        ------
        InputError
            If it is any other file; a file of gensim is a pickle, which can run any code, and is never read.
        """
        path = Path(fname)
        if (path / VECTORS).is_file():
            path = path / VECTORS
        refuse_pickle(path)
        return cls._taken_over(read_file(path))

    def resize_vectors(self, seed: int = 0) -> None:
        """Create a small random vector for each key without one; the others are unchanged."""
        before = len(self.vectors)
        if before == len(self):
            return
        grown = np.random.default_rng(seed).random((len(self), self.vector_size), np.float32)
        grown = (2 * grown - 1) / np.float32(self.vector_size)
        grown[:before] = self.vectors
        self.vectors = grown
        self.allocate_vecattrs()

    @classmethod
    def _taken_over(cls, other: WordVectors) -> Self:
        taken = super()._taken_over(other)
        taken.mapfile_path, taken.vectors_lockf = None, np.ones(1, np.float32)
        return taken

    def _with_counts(self) -> Self:
        """Itself; if the attribute "count" is missing, it is set to V … 1."""
        if "count" not in self.expandos:
            self.expandos["count"] = np.arange(len(self), 0, -1, dtype=np.int64)
        return self

    def _first(self, restrict_vocab: int) -> WordVectors:
        """The first keys as text, for test sets of words."""
        keys = [str(key) for key in self.index_to_key[:restrict_vocab]]
        first = WordVectors._taken_over(self)
        super(WordVectors, first).__init__(keys, self.vectors[: len(keys)])
        return first


def refuse_pickle(path: Path) -> None:
    """Raise InputError if a file begins like a pickle."""
    with regular.opened(path) as file:
        if file.read(2)[:1] == b"\x80":
            raise InputError(
                f"{path}: is a pickle, as gensim writes them, which can run any code and is never read here; in "
                "gensim, write the vectors with wv.save_word2vec_format and read that"
            )


def is_saved_vectors(path: Path) -> bool:
    """Whether a file was written by :meth:`KeyedVectors.save`."""
    with regular.opened(path) as file:
        return file.read(2) == b"PK"

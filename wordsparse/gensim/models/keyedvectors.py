"""A replacement for gensim's KeyedVectors: a table of keys and vectors with queries and files."""

import logging
import os
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wordsparse import optional
from wordsparse.errors import InputError, MissingFileError, WrongTypeError
from wordsparse.files import storage
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.refusals import Renamed
from wordsparse.gensim.table import KeyTable
from wordsparse.vectors import names
from wordsparse.vectors.formats import save_vectors, word2vec
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import MANIFEST, read_vectors

logger = logging.getLogger(__name__)
VECTORS = "vectors.npz"
"""The name of the file with ``wv`` in the directory of a saved model."""

_ABSENT = {
    "vocab": "use key_to_index, index_to_key and get_vecattr",
    **dict.fromkeys(("index2word", "index2entity"), "use index_to_key"),
    **dict.fromkeys(("vectors_norm", "syn0norm"), "use get_normed_vectors()"),
    "syn0": "use vectors",
    "accuracy": "use evaluate_word_analogies",
    "wv": "use the vectors themselves",
    "intersect_word2vec_format": "start from the vectors of a file, wordsparse.train(text, init=file)",
}
# Methods that are gensim's own functions, called on wordsparse's vectors if gensim is installed.
_THEIRS = {
    *("most_similar_cosmul", "relative_cosine_similarity", "most_similar_to_given", "wmdistance"),
    *("rank", "closer_than", "words_closer_than", "evaluate_word_pairs", "evaluate_word_analogies"),
    *("n_similarity", "distances", "cosine_similarities", "rank_by_centrality", "doesnt_match", "vectors_for_all"),
    *("log_evaluate_word_pairs", "log_accuracy", "_log_evaluate_word_analogies", "sort_by_descending_frequency"),
}


class KeyedVectors(Renamed, KeyTable):
    """A table of keys and vectors, with gensim's arguments: ``count`` rows are reserved for ``add_vector``, and
    ``mapfile_path`` has no effect, as in gensim."""

    _absent = _ABSENT

    def __init__(
        self,
        vector_size: int,
        count: int = 0,
        dtype: DTypeLike = np.float32,
        mapfile_path: str | PathLike[str] | None = None,
    ) -> None:
        self._begin([], np.zeros((count, vector_size), dtype))
        self.index_to_key = [None] * count
        self.next_index = 0
        self.mapfile_path = mapfile_path
        self.vectors_lockf: NDArray[np.float32] = np.ones(1, np.float32)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __getattr__(self, name: str) -> Any:
        if name not in _THEIRS:
            return super().__getattr__(name)
        return _gensims(name).__get__(self, type(self))

    @classmethod
    def of(cls, vectors: WordVectors) -> Self:
        """Make KeyedVectors of any vectors, such as ``model.wv``. They share the arrays."""
        own = cls(vectors.dim)
        own.__dict__.update(vectors.__dict__)
        if vectors.counts is not None:
            own.expandos["count"] = vectors.counts
        own.next_index = len(own)
        return own

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        **options: Any,
    ) -> Self:
        """Read a word2vec file, possibly compressed. The content shows whether the file is ``binary``.

        As in gensim, the V words get the counts V, V − 1, …, 1. If a word occurs more than once, its first vector is
        used. With ``fvocab`` or further options (``limit``, ``unicode_errors`` and so on), gensim reads the file.

        Raises
        ------
        InputError
            If the file is missing or damaged (CutShortError if it has fewer vectors than its first line states).
        """
        if fvocab is not None or options:
            read: Self = _gensims("load_word2vec_format").__get__(None, cls)(fname, fvocab, binary, **options)
            return read._without_reserved()
        with storage.naming(Path(fname)):
            if not os.path.isfile(fname):
                raise MissingFileError("no such file; check its name")
            words, vectors = word2vec.read_rows(Path(fname))
        first = {word: row for row, word in reversed([*enumerate(words)])}
        if len(first) < len(words):
            logger.warning(
                "%s: %d words occur more than once; their first vector is used", fname, len(words) - len(first)
            )
            rows = sorted(first.values())
            words, vectors = [words[row] for row in rows], vectors[rows]
        table = cls.of(WordVectors(words, vectors))
        table.expandos["count"] = np.arange(len(table), 0, -1, dtype=np.int64)
        return table

    def save_word2vec_format(
        self,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        **options: Any,
    ) -> None:
        """Write a word2vec file, most frequent words first.

        A name that ends in .gz, .bz2, .xz or .zst makes a compressed file. Keys that are not words are written as
        ``str(key)``. White space in a key, which separates the fields of the file, is written as ``_``. With ``fvocab``
        or further options (``prefix``, ``append`` and so on), gensim writes the file.

        Raises
        ------
        InputError
            If the format cannot represent a key.
        WordsparseError
            If writing fails; an existing file is unchanged.
        """
        if fvocab is not None or options:
            _gensims("save_word2vec_format").__get__(self, type(self))(fname, fvocab, binary, **options)
            return
        texts = names.as_text(self.words)
        joined = names.as_text(["_".join(text.split()) for text in texts])
        if joined != texts:
            logger.warning("%s: white space in keys is written as _; save keeps keys as they are", fname)
        counts = self.expandos.get("count", np.zeros(len(self)))
        order = np.argsort(-counts, kind="stable")
        ordered = WordVectors([joined[row] for row in order], self.vectors[order])
        save_vectors(ordered, fname, "word2vec-bin" if binary else "word2vec")

    word_vec = KeyTable.get_vector  # the name of get_vector before gensim 4, which gensim 4 still accepts

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to unit length if ``replace``; otherwise do nothing."""
        if replace:
            self.unit_normalize_all()

    def save(self, fname: str | PathLike[str], *args: Any, **options: Any) -> None:
        """Write keys, vectors, counts and n-grams to an npz file without pickles, atomically.

        If ``fname`` is the directory of a saved Word2Vec, the new file replaces the directory. gensim's options for
        large arrays and pickles have no effect.

        Raises
        ------
        InputError
            If a key is not a number, a word, or a tuple of these, if a reserved row has no key, or if ``fname`` is not
            the path of a file.
        WordsparseError
            If writing fails; an existing file is unchanged.
        """
        if not isinstance(fname, str | PathLike):
            raise WrongTypeError(f"save needs the path of a file, not {fname!r:.80}")
        if not len(self) or len(self.key_to_index) != len(self):
            raise InputError(
                f"{fname}: of {len(self)} rows, {len(self.key_to_index)} have a key: every saved row must have a key"
            )
        if others := ", ".join(sorted(self.expandos.keys() - {"count"})):
            logger.warning("%s: only counts are saved, not the other attributes of keys: %s", fname, others)
        if not (Path(fname) / MANIFEST).is_file():
            save_vectors(self, fname, "npz")
            return
        directory = Path(os.path.realpath(fname))
        with storage.writing(Path(fname)), storage.staging(directory) as folder:
            save_vectors(self, folder / VECTORS, "npz")
            storage.put(folder / VECTORS, directory)

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> Self:
        """Read a file of :meth:`save`, a saved Word2Vec, or any file that :func:`wordsparse.read_vectors` reads.

        ``mmap`` has no effect. Raise InputError if the file is missing (MissingFileError, also a FileNotFoundError) or
        damaged, or if gensim wrote it, because loading a pickle can run any code.
        """
        of_model = Path(fname) / VECTORS
        path = of_model if of_model.is_file() else fname
        if not os.path.exists(path):
            raise MissingFileError(f"{fname}: no such file; check its name")
        return cls.of(read_vectors(path))

    def _without_reserved(self) -> Self:
        """Remove the rows without keys, which gensim leaves at the end for repeated words. Return the table."""
        if (n := self.next_index) < len(self):
            self.index_to_key, self.vectors = self.index_to_key[:n], self.vectors[:n].copy()
            self.allocate_vecattrs()
        return self


def _gensims(name: str) -> Any:
    """Return the method ``name`` of gensim's KeyedVectors, which also works on the class in this module."""
    return vars(optional.load(f"KeyedVectors.{name} is gensim's own, and", "gensim.models").KeyedVectors)[name]


__getattr__ = gensims(__name__)

"""gensim's KeyedVectors: WordVectors that begin without keys, with gensim's names for what is refused or has moved."""

import logging
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.refusals import Renamed
from wordsparse.types import Array
from wordsparse.vectors.formats import names
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
    "accuracy": "evaluate_word_analogies",
    "wv": "the vectors themselves",
}


class KeyedVectors(Renamed, WordVectors):
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

    _moved = _MOVED

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

    def word_vec(self, *args: Any, **options: Any) -> Array:
        """:meth:`get_vector`, by its name before gensim 4, which gensim still accepts."""
        return self.get_vector(*args, **options)

    def words_closer_than(self, word1: Key, word2: Key) -> list[Any]:
        """:meth:`closer_than`, by its name before gensim 4, which gensim still accepts."""
        return self.closer_than(word1, word2)

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to length one if ``replace``; otherwise without effect."""
        if replace:
            self.unit_normalize_all()

    def intersect_word2vec_format(self, *args: Any, **options: Any) -> NoReturn:
        """Refused: a run starts from given vectors by ``wordsparse.train(text, init=file)``."""
        raise InputError(
            "intersect_word2vec_format: a model's vectors are not replaced before training; start from those of the "
            "file: wordsparse.train(text, init=file), or wordsparse train TEXT --init FILE"
        )

    def save(self, fname: str | PathLike[str], *args: Any, **options: Any) -> None:
        """Write a file as :meth:`WordVectors.save` does; a model directory at ``fname`` is replaced."""
        if not (isinstance(fname, str | PathLike) and (Path(fname) / MANIFEST).is_file()):
            super().save(fname, *args, **options)
            return
        directory = Path(os.path.realpath(fname))
        with storage.writing(Path(fname)), storage.staging(directory) as folder:
            super().save(folder / VECTORS)
            storage.put(folder / VECTORS, directory)

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> Self:
        """Read a file written by :meth:`save`, or the vectors of a saved Word2Vec; ``mmap`` has no effect."""
        of_model = Path(fname) / VECTORS
        return super().load(of_model if of_model.is_file() else fname)

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


__getattr__ = gensims(__name__)

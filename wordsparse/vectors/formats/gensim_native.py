"""Writes the format of ``gensim.models.KeyedVectors.load``: a pickle, and separate files for large arrays.

The format is only written, for users of gensim, and never read: reading a pickle can run arbitrary code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class Gensim(Format):
    """See the head of this file."""

    name, about, suffixes = "gensim", "KeyedVectors.save, a pickle; needs wordsparse[gensim]", (".kv",)
    any_key = True
    readable = False

    def check(self, words: Sequence[Any]) -> None:
        _class()

    def write(self, content: WordVectors, target: Path, precision: str) -> None:
        """Write ``target`` and, for large arrays, files beside it whose names begin with its name."""
        keyed_vectors(content).save(str(target))

    def recognises(self, path: Path, start: bytes) -> bool:
        return start[:1] == b"\x80"

    def read(self, path: Path) -> WordVectors:
        raise InputError(
            "is a Python pickle (of KeyedVectors.save), which can run any code and is therefore never read;"
            " write the vectors with gensim's save_word2vec_format instead"
        )


def keyed_vectors(content: WordVectors) -> "KeyedVectors":
    """A copy as gensim's class, with the attribute "count" if the counts are known.

    Raises
    ------
    MissingDependencyError
        If gensim is not installed.
    """
    # add_vectors would copy the matrix three times.
    keyed = _class()(vector_size=content.dim)
    keyed.index_to_key = list(content.words)
    keyed.key_to_index = {key: row for row, key in enumerate(content.words)}
    keyed.vectors = content.vectors.copy()
    if content.counts is not None:
        keyed.allocate_vecattrs(["count"], [np.int64])
        keyed.expandos["count"][:] = content.counts
    return keyed


def _class() -> "type[KeyedVectors]":
    found: type[KeyedVectors] = optional.load("KeyedVectors", "gensim.models").KeyedVectors
    return found

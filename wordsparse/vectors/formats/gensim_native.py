"""Writes the format of ``gensim.models.KeyedVectors.load``: a pickle, and separate files for large arrays.

The format is written for users of gensim. wordsparse never reads the format, because reading a pickle can run arbitrary
code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.word_vectors import WordVectors


class Gensim(Format):
    """The file format described in the docstring of this module."""

    name, about, suffixes = "gensim", "KeyedVectors.save, a pickle; needs wordsparse[gensim]", (".kv",)
    any_key = True
    readable = False

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        optional.load("the format gensim", "gensim.models")

    def write(self, content: WordVectors, target: Path) -> None:
        """Write ``target``. Large arrays go into separate files in the same directory, whose names begin with the name
        of ``target``."""
        content.keyed_vectors().save(str(target))

    def recognises(self, path: Path, start: bytes) -> bool:
        return start[:1] == b"\x80"

    def read(self, path: Path) -> WordVectors:
        raise InputError(
            "is a Python pickle (of gensim's save), which can run any code and is therefore never read; in gensim, "
            "KeyedVectors.load(file).save_word2vec_format(other), or Word2Vec.load(file).wv for a model, converts it "
            "(docs/gensim.md)"
        )

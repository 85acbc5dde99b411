"""Words and their vectors: validation, queries, and conversion to and from files and gensim."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError, MissingFileError, WrongTypeError
from wordsparse.files import storage
from wordsparse.vectors import formats
from wordsparse.vectors.formats import gensim_native, gensim_options, names, word2vec
from wordsparse.vectors.formats.base import Content
from wordsparse.vectors.lookup import Key
from wordsparse.vectors.neighbours import Neighbours

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class WordVectors(Neighbours):
    """A set of words or other keys with one vector each; it also has the methods of gensim's KeyedVectors.

    Parameters
    ----------
    words : iterable of hashable, length V
        Distinct, most frequent first.
    vectors : array (V, dim)
        One row for each word, finite; stored as float32 in C order, without a copy if it has this form already.
    counts : array (V,), optional
        Number of occurrences of each word, not negative; stored as int64 in the attribute "count".

    Raises
    ------
    InputError
        If the sizes do not agree, a word occurs twice or is not hashable, or a number is not finite.
    """

    def __init__(self, words: Iterable[Key], vectors: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> None:
        with np.errstate(over="ignore"):  # a number beyond float32 becomes inf, which is refused below
            matrix: npt.NDArray[np.float32] = np.ascontiguousarray(vectors, dtype=np.float32)
        try:
            super().__init__(words, matrix)
        except TypeError as error:
            raise InputError(f"words must be hashable: {error}") from error
        if counts is not None:
            self.expandos["count"] = _whole_numbers(counts)
        self._check()

    @property
    def words(self) -> list[Any]:
        """The words, most frequent first: ``index_to_key``."""
        return self.index_to_key

    @property
    def counts(self) -> npt.NDArray[np.int64] | None:
        """Number of occurrences of each word, (V,); None if unknown."""
        return self.expandos.get("count")

    @property
    def dim(self) -> int:
        """Length of a vector: ``vector_size``."""
        return self.vector_size

    def row(self, word: Key) -> int:
        """The row of ``word`` in ``vectors``; see ``get_index``."""
        return self.get_index(word)

    def with_text(self) -> WordVectors:
        """The same vectors with the text of their keys as keys; itself if all keys are words."""
        texts = names.as_text(self.words)
        return self if texts == self.words else WordVectors(texts, self.vectors, self.counts)

    def __repr__(self) -> str:
        shown = ", ".join(f"{word!r:.20}" for word in self.index_to_key[:3])
        more = ", …" if len(self) > 3 else ""
        return f"<{type(self).__name__} of {len(self):,} words, dim {self.vector_size}: {shown}{more}>"

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> WordVectors:
        """The vectors of the known keys, in their order, without duplicates.

        ``allow_inference`` takes composed vectors too; ``copy_vecattrs`` copies the attributes of the keys, 0 for
        composed ones.
        """
        has_vector = self.has_vector if allow_inference else self.has_index_for
        known = [key for key in dict.fromkeys(keys) if has_vector(key)]
        if not known:
            raise InputError("none of the given keys is in the vocabulary: give words that are in index_to_key")
        chosen = WordVectors(known, np.stack([self.get_vector(key) for key in known]))
        if copy_vecattrs:
            has_row = np.array([self.has_index_for(key) for key in known])
            rows = [self.get_index(key) for key in known if self.has_index_for(key)]
            for name, values in self.expandos.items():
                chosen.expandos[name] = np.zeros(len(known), values.dtype)
                chosen.expandos[name][has_row] = values[rows]
        return chosen

    def save_word2vec_format(
        self,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write a word2vec file.

        Parameters
        ----------
        fname : path
            A name that ends in .gz, .bz2, .xz or .zst is compressed. Keys that are not words are written as
            ``str(key)``.
        fvocab : path, optional
            File for the words with their ``sort_attr``, one word on each line.
        binary : bool
            Write numbers as float32 instead of text.
        total_vec : int, optional
            The number of vectors in the first line, if more vectors will be appended.
        write_header : bool
            Write the first line "V dim"; GloVe's files have none.
        prefix : str
            Prefix of each word.
        append : bool
            Append to ``fname`` and ``fvocab`` instead of replacing them.
        sort_attr : str
            The attribute by which the words are sorted, in descending order; without such an attribute, they are
            written in the order of the rows.

        Raises
        ------
        InputError
            If the format cannot represent a word, ``fvocab`` is given and the attribute does not exist, or ``append``
            is used with a compressed file.
        WordsparseError
            If writing fails; an existing file is unchanged, unless ``append``.
        """
        order, values = gensim_options.rows_by(self, sort_attr)
        if values is None and fvocab is not None:
            raise InputError(f"fvocab: the vectors have no attribute {sort_attr!r} to write; leave out fvocab")
        texts = names.as_text(self.words)
        words = [prefix + texts[row] for row in order]
        word2vec.check_words(words)
        rows = (word2vec.binary_rows if binary else word2vec.text_rows)(words, self.vectors[order])
        head = word2vec.header(total_vec or len(words), self.dim) if write_header else b""
        if fvocab is not None and values is not None:
            lines = (f"{word} {value}\n".encode() for word, value in zip(words, values, strict=True))
            gensim_options.put(Path(fvocab), lines, append)
        gensim_options.put(Path(fname), chain([head], rows), append)

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | PathLike[str],
        fvocab: str | PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: npt.DTypeLike = np.float32,
        no_header: bool = False,
    ) -> Self:
        """Read a word2vec file of a known kind.

        Parameters
        ----------
        fname : path
            The file, possibly compressed.
        fvocab : path, optional
            A file of words and counts, written by :meth:`save_word2vec_format`.
        binary : bool
            Whether numbers are float32 instead of text.
        encoding, unicode_errors : str
            Arguments of ``bytes.decode`` for the words.
        limit : int, optional
            Maximum number of vectors to read.
        datatype : dtype
            Number type of the vectors.
        no_header : bool
            Whether a text file lacks the first line "V dim".

        Returns
        -------
        WordVectors
            The vectors; if a word occurs more than once, its first vector.

        Raises
        ------
        InputError
            If the file is missing or damaged; CutShortError if it has fewer vectors than its first line states.
        UnicodeDecodeError
            If a word cannot be decoded; ``unicode_errors`` "replace" or "ignore" reads it.
        """
        decoding = word2vec.Decoding(encoding, unicode_errors, datatype)
        words, vectors = gensim_options.read_rows(Path(fname), binary, no_header, limit, decoding)
        counts = None if fvocab is None else gensim_options.read_counts(Path(fvocab), words, decoding)
        loaded = WordVectors(words, vectors, counts)
        if datatype != np.float32:
            loaded.vectors = vectors
        return cls._taken_over(loaded)

    def save(self, fname: str | PathLike[str], *args: Any, **options: Any) -> None:
        """Write keys, vectors, attributes and n-grams as an npz file, atomically; no pickle.

        Parameters
        ----------
        fname : path
        *args, **options
            Have no effect: gensim's options for large arrays and pickles.

        Raises
        ------
        InputError
            If a key or an attribute is not a number, a word, or a tuple of these, a reserved row has no key, or
            ``fname`` is no path of a file.
        WordsparseError
            If writing fails; an existing file is unchanged.
        """
        if not isinstance(fname, str | PathLike):
            raise WrongTypeError(f"save needs the path of a file, not {fname!r:.80}")
        if not len(self) or len(self.key_to_index) != len(self):
            raise InputError(
                f"{fname}: of {len(self)} rows, {len(self.key_to_index)} have a key: each one that is saved must"
            )
        save_vectors(self, fname, "npz")

    @classmethod
    def load(cls, fname: str | PathLike[str], mmap: str | None = None) -> Self:
        """Read a file of :meth:`save`, or of a format of :func:`wordsparse.read_vectors`; ``mmap`` has no effect.

        Raises
        ------
        InputError
            If the file is missing (MissingFileError, a FileNotFoundError too) or damaged, or is a file of gensim's: a
            pickle, which can run any code.
        """
        if not os.path.exists(fname):
            raise MissingFileError(f"{fname}: no such file; check its name")
        return cls._taken_over(read_file(fname))

    def keyed_vectors(self) -> KeyedVectors:
        """A copy as ``gensim.models.KeyedVectors``, with the attribute "count" if the counts are known.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        return gensim_native.keyed_vectors(Content.of(self))

    @classmethod
    def _taken_over(cls, other: WordVectors) -> Self:
        """``other`` as an instance of this class, which shares its arrays."""
        own = cls.__new__(cls)
        own.__dict__.update(other.__dict__)
        return own

    def _check(self) -> None:
        """Raise InputError if the sizes do not agree, a word is repeated, or a number is invalid."""
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words) or self.vectors.size == 0:
            raise InputError(f"{len(self.words)} words need a vector each, not an array {self.vectors.shape}")
        if len(self.key_to_index) != len(self.words):
            row = next(row for row, word in enumerate(self.words) if self.key_to_index[word] != row)
            word = self.words[row]
            raise InputError(
                f"the word {word!r:.80} occurs twice (words {row + 1} and {self.key_to_index[word] + 1}); leave one out"
            )
        if self.counts is not None and (self.counts.shape != (len(self),) or self.counts.min() < 0):
            raise InputError(f"counts must be {len(self)} numbers, none negative")
        with np.errstate(invalid="ignore"):
            # A float64 sum of float32 numbers cannot overflow, so it is finite if and only if all of them are.
            finite = np.isfinite(self.vectors.sum(axis=1, dtype=np.float64))
        if not finite.all():
            row = int(finite.argmin())
            raise InputError(
                f"the vector of {self.words[row]!r} (word {row + 1}) holds a number that is not finite; leave it out"
            )


def read_file(path: str | PathLike[str]) -> WordVectors:
    """Read word vectors from a file; its content, not its name, determines the format.

    InputError, MissingDependencyError as :func:`wordsparse.vectors.formats.read`; InputError too if a word occurs twice
    or a number is not finite.

    Parameters
    ----------
    path : path
        A word2vec file, text (with or without the header line) or binary, possibly compressed (gzip, bzip2, xz, zstd);
        an npz, safetensors or Parquet file; or a directory of Model2Vec.
    """
    path = Path(path)
    content = formats.read(path)
    with storage.naming(path):
        made = WordVectors(content.words, content.vectors, content.counts)
    made.expandos |= content.attributes
    made.subwords = content.subwords
    if content.exact is not None:
        made.vectors = content.exact
    return made


def save_vectors(
    word_vectors: WordVectors, path: str | PathLike[str], format: str | None = None, precision: str = "float32"
) -> list[Path]:
    """Write word vectors to ``path`` atomically: an existing file is replaced only when the new one is complete.

    InputError if the format is unknown or cannot hold the precision, the directory of ``path`` does not exist, ``path``
    is a directory or a device, or the format cannot represent one of the words; MissingDependencyError if the format
    needs gensim, safetensors or pyarrow and it is not installed; WordsparseError if writing fails, and an
    existing file at ``path`` is unchanged.

    Parameters
    ----------
    word_vectors : WordVectors
    path : path
        In the two word2vec formats, a name that ends in .gz, .bz2, .xz or .zst is compressed. If it is a link, its
        target is replaced. In the word2vec formats and npz, it may be a named pipe, /dev/stdout, or ``-`` for standard
        output, which are written directly.
    format : str, optional
        One of :data:`wordsparse.vectors.formats.FORMATS`; the default is what the suffix of ``path`` says. The
        word2vec formats and "model2vec" do not store counts; "gensim" is ``KeyedVectors.save``, a pickle that only
        gensim reads; "projector" writes the words to a second file, ``NAME-metadata.SUFFIX``; "model2vec" makes a
        directory, which must not exist.
    precision : {"float32", "float16", "int8"}
        The number type of the vectors in the file; npz, safetensors, parquet and model2vec can hold the last two.

    Returns
    -------
    list of Path
        The files written, ``path`` first.
    """
    chosen = formats.of_suffix(Path(path)) if format is None else formats.named(format)
    return formats.write(Content.of(word_vectors), Path(path), chosen, precision)


def _whole_numbers(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(counts)
    if array.dtype.kind not in "iu":
        raise InputError(f"counts must be whole numbers, not {array.dtype}")
    return array.astype(np.int64, copy=False)

"""word2vec files with the options of gensim's ``save_word2vec_format`` and ``load_word2vec_format``."""

import logging
import os
from collections.abc import Iterable
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.files.storage import check_parent, write_files, writing
from wordsparse.vectors.formats import names, word2vec
from wordsparse.vectors.formats.streams import BoundedStream, compression_of_name, open_for_writing
from wordsparse.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)
FilePath = str | PathLike[str]
_MAX_HEADER = 1024
_MAX_DIGITS = 18  # of a count


def save(
    word_vectors: WordVectors,
    fname: FilePath,
    fvocab: FilePath | None = None,
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
    word_vectors : WordVectors
        Keys that are not words are written as ``str(key)``.
    fname : path
        A name that ends in .gz, .bz2, .xz or .zst is compressed.
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
        The attribute by which the words are sorted, in descending order; without such an attribute, they are written
        in the order of the rows.

    Raises
    ------
    InputError
        If the format cannot represent a word, ``fvocab`` is given and the attribute does not exist, or ``append`` is
        used with a compressed file.
    WordsparseError
        If writing fails; an existing file is unchanged, unless ``append``.
    """
    values = word_vectors.expandos.get(sort_attr)
    if values is None and fvocab is not None:
        raise InputError(f"fvocab: the vectors have no attribute {sort_attr!r} to write")
    order = np.arange(len(word_vectors)) if values is None else np.argsort(-values, kind="stable")
    texts = names.as_text(word_vectors.words)
    words = [prefix + texts[row] for row in order]
    word2vec.check_words(words)
    rows = (word2vec.binary_rows if binary else word2vec.text_rows)(words, word_vectors.vectors[order])
    head = word2vec.header(total_vec or len(words), word_vectors.dim) if write_header else b""
    if fvocab is not None and values is not None:
        lines = (f"{word} {value}\n".encode() for word, value in zip(words, values[order], strict=True))
        _put(Path(fvocab), lines, append)
    _put(Path(fname), chain([head], rows), append)


def load(
    fname: FilePath,
    fvocab: FilePath | None = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: int | None = None,
    datatype: npt.DTypeLike = np.float32,
    no_header: bool = False,
) -> WordVectors:
    """Read a word2vec file of a known kind.

    Parameters
    ----------
    fname : path
        The file, possibly compressed.
    fvocab : path, optional
        A file of words and counts, written by ``save``.
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
    path = Path(fname)
    if binary and no_header:
        raise InputError("no_header applies to text files only: a binary file cannot be read without its first line")
    try:
        if not path.is_file():
            raise InputError("no such file")
        decoding = word2vec.Decoding(encoding, unicode_errors, datatype)
        words, vectors = word2vec.read_rows(path, _layout(path, binary, no_header, limit), decoding)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if len(first) < len(words):
        logger.warning("%s: %d words occur more than once; their first vector is used", path, len(words) - len(first))
        vectors = vectors[list(first.values())]
    counts = None if fvocab is None else _counts(Path(fvocab), first, encoding, unicode_errors)
    loaded = WordVectors(first, vectors, counts)
    loaded.vectors = loaded.vectors.astype(datatype, copy=False) if datatype == np.float32 else vectors
    return loaded


def _layout(path: Path, binary: bool, no_header: bool, limit: int | None) -> word2vec.Layout:
    with BoundedStream(path) as stream:
        fields = stream.readline(_MAX_HEADER if not no_header else 2**24).split()
    if no_header:
        rows, dim = word2vec.count_lines(path), len(fields) - 1
    elif len(fields) == 2 and all(field.isdigit() for field in fields):
        rows, dim = (int(field) for field in fields)
    else:
        raise InputError("does not begin with the number of words and the length of a vector")
    if rows < 1 or dim < 1:
        raise InputError("holds no vectors")
    is_whole = limit is None or limit >= rows
    return word2vec.Layout(rows if is_whole else int(limit or 0), dim, not binary, not no_header, is_whole)


def _counts(path: Path, words: Iterable[str], encoding: str, errors: str) -> list[int]:
    """The count of each word; 0 for a word that is not in the file."""
    counts: dict[str, int] = {}
    with BoundedStream(path) as stream:
        for line in iter(lambda: stream.readline(2**17), b""):
            word, _, count = line.decode(encoding, errors).strip().rpartition(" ")
            if not (count.isdecimal() and len(count) <= _MAX_DIGITS):
                raise InputError(f"{path}: the line {line[:80]!r} is not a word and its count")
            counts[word] = int(count)
    if missing := [word for word in words if word not in counts]:
        logger.warning("%s: has no count for %d words, which is set to 0: %s", path, len(missing), missing[:5])
    return [counts.get(word, 0) for word in words]


def _put(path: Path, parts: Iterable[bytes], append: bool) -> None:
    """Write a file atomically, or append to it."""

    def write(target: Path) -> None:
        file: IO[Any]
        with open_for_writing(target) as file:
            file.writelines(parts)

    if outputs.is_stream(path):
        with outputs.stream(path) as file:
            file.writelines(parts)
        return
    if not append:
        write_files(path, write)
        return
    check_parent(path)
    if compression_of_name(path):
        raise InputError(f"{path}: append applies to uncompressed files only")
    with writing(path), open(path, "ab") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())

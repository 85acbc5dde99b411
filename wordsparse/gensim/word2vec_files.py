"""word2vec's files with gensim's options: ``save_word2vec_format`` and ``load_word2vec_format``."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordsparse.errors import InputError, MissingFileError
from wordsparse.files import outputs
from wordsparse.files.storage import check_parent, naming, writing
from wordsparse.files.streams import BoundedStream, write_stream
from wordsparse.files.unpacking import compression_of_name
from wordsparse.gensim.table import KeyTable
from wordsparse.vectors.formats import word2vec

logger = logging.getLogger(__name__)
_MAX_HEADER = 1024
_MAX_DIGITS = 18  # of a count


def rows_by(table: KeyTable, sort_attr: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any] | None]:
    """The rows in descending order of an attribute, and its values in that order; unsorted and None without it."""
    values = table.expandos.get(sort_attr)
    if values is None:
        return np.arange(len(table)), None
    order = np.argsort(-values, kind="stable")
    return order, values[order]


def read_rows(
    path: Path, binary: bool, no_header: bool, limit: int | None, decoding: word2vec.Decoding
) -> tuple[list[str], npt.NDArray[Any]]:
    """The words of a word2vec file of a known kind and their vectors; of a word that occurs again, the first one.

    InputError if the file is missing or damaged; CutShortError if it has fewer vectors than its first line states;
    UnicodeDecodeError if a word cannot be decoded.
    """
    if binary and no_header:
        raise InputError("no_header applies to text files only: leave it out for a binary file")
    with naming(path):
        if not path.is_file():
            raise MissingFileError("no such file; check its name")
        words, vectors = word2vec.read_rows(path, _layout(path, binary, no_header, limit), decoding)
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        first.setdefault(word, row)
    if len(first) == len(words):
        return words, vectors
    logger.warning("%s: %d words occur more than once; their first vector is used", path, len(words) - len(first))
    return list(first), vectors[list(first.values())]


def _layout(path: Path, binary: bool, no_header: bool, limit: int | None) -> word2vec.Layout:
    with BoundedStream(path) as stream:
        fields = stream.readline(_MAX_HEADER if not no_header else 2**24).split()
    if no_header:
        rows, dim = word2vec.count_lines(path), len(fields) - 1
    elif len(fields) == 2 and all(field.isdigit() for field in fields):
        rows, dim = (int(field) for field in fields)
    else:
        raise InputError(
            "does not begin with the number of words and the length of a vector; set no_header=True for a text "
            "without them"
        )
    if rows < 1 or dim < 1:
        raise InputError("holds no vectors; write the file again")
    is_whole = limit is None or limit >= rows
    return word2vec.Layout(rows if is_whole else int(limit or 0), dim, not binary, not no_header, is_whole)


def read_counts(path: Path, words: Iterable[str], decoding: word2vec.Decoding) -> list[int]:
    """The count of each word in a file of words and counts; 0 for a word that is not there."""
    counts: dict[str, int] = {}
    with BoundedStream(path) as stream:
        for line in iter(lambda: stream.readline(2**17), b""):
            word, _, count = line.decode(decoding.encoding, decoding.errors).strip().rpartition(" ")
            if not (count.isdecimal() and len(count) <= _MAX_DIGITS):
                raise InputError(f"{path}: the line {line[:80]!r} is not a word and its count; leave out fvocab")
            counts[word] = int(count)
    if missing := [word for word in words if word not in counts]:
        logger.warning("%s: has no count for %d words, which is set to 0: %s", path, len(missing), missing[:5])
    return [counts.get(word, 0) for word in words]


def put(path: Path, parts: Iterable[bytes], append: bool) -> None:
    """Write a file atomically, or append to it; to a stream directly."""
    if not append or outputs.is_stream(path):
        write_stream(path, lambda file: file.writelines(parts))
        return
    check_parent(path)
    if compression_of_name(path):
        raise InputError(f"{path}: append applies to uncompressed files only; leave out {path.suffix}")
    with writing(path), open(path, "ab") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())

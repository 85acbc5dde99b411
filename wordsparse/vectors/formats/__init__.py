"""Word vectors in files: which format a file has, and which code reads or writes it."""

import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import IO

from wordsparse.errors import InputError
from wordsparse.files import outputs, regular, storage
from wordsparse.vectors.formats import gensim_native, names, npz, projector, safe_tensors, word2vec
from wordsparse.vectors.formats.streams import compression_of_name, open_for_writing
from wordsparse.vectors.word_vectors import WordVectors

__all__ = ["FORMATS", "read_file", "save_vectors"]

# Formats that can be written from beginning to end: also to a pipe, or compressed on the way.
_STREAMED: dict[str, Callable[[WordVectors, IO[bytes]], None]] = {
    "word2vec": word2vec.write_text,
    "word2vec-bin": word2vec.write_binary,
    "npz": npz.write,
}
# Formats of several files, or written by a package that asks for a name.
_NAMED: dict[str, Callable[[WordVectors, Path], None]] = {
    "gensim": gensim_native.write,
    "safetensors": safe_tensors.write,
    "projector": projector.write,
}
_CHECKS: dict[str, Callable[[WordVectors], None]] = {
    "word2vec": lambda word_vectors: word2vec.check_words(word_vectors.words),
    "word2vec-bin": lambda word_vectors: word2vec.check_words(word_vectors.words),
    "gensim": gensim_native.check,
    "safetensors": safe_tensors.check,
    "projector": lambda word_vectors: projector.check_words(word_vectors.words),
}
_COMPRESSIBLE = ("word2vec", "word2vec-bin")
# These hold other keys than words as they are; elsewhere a key is written as ``str`` shows it.
_ANY_KEY = ("gensim", "npz")

FORMATS = ("word2vec", "word2vec-bin", "gensim", "npz", "safetensors", "projector")
"""What :func:`save_vectors` can write."""


def read_file(path: str | PathLike[str]) -> WordVectors:
    """Read word vectors from a file; the format is found from the content, never from the name.

    Parameters
    ----------
    path : path
        Word2vec text (with or without its header line) or binary, either also compressed (gzip, bzip2, xz, zstd);
        npz or safetensors as :func:`save_vectors` writes them.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged, hostile or of another kind; nothing large is allocated
        before the sizes that the file claims are checked against its own size.
    MissingDependencyError
        If it is a safetensors file and that package is not installed.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise InputError(f"{path}: is a directory without a model.json: not a model directory")
    with regular.opened(path) as file:
        start = file.read(16)
    try:
        return _read_file(path, start)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def save_vectors(word_vectors: WordVectors, path: str | PathLike[str], format: str) -> list[Path]:
    """Write word vectors to ``path``, atomically: a file already there stays whole until the new one is.

    Parameters
    ----------
    word_vectors : WordVectors
    path : path
        For the two word2vec formats a name in .gz, .bz2, .xz or .zst compresses. A link stays, and the file that it
        leads to is replaced. A named pipe, /dev/stdout or ``-``, which is standard output, is written through, in
        the word2vec formats and npz only.
    format : {"word2vec", "word2vec-bin", "gensim", "npz", "safetensors", "projector"}
        The word2vec formats do not hold counts; "gensim" is ``KeyedVectors.save``, a pickle that gensim alone
        reads; "projector" writes the words in a second file, ``NAME-metadata.SUFFIX``.

    Returns
    -------
    list of Path
        The files written, ``path`` first.

    Raises
    ------
    InputError
        If the format is unknown, the place does not exist or is that of a directory or device, or the format cannot
        hold one of the words.
    MissingDependencyError
        If the format needs gensim or safetensors and it is not installed.
    WordsparseError
        If writing fails on the way (a full disk); what stood at ``path`` is still there then.
    """
    path = Path(path)
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}: choose one of {', '.join(FORMATS)}")
    if compression_of_name(path) and format not in _COMPRESSIBLE:
        raise InputError(
            f"{path}: {format} is not written compressed, only {' and '.join(_COMPRESSIBLE)} are;"
            f" leave out {path.suffix}"
        )
    if format not in _ANY_KEY:
        word_vectors = names.with_text(word_vectors)
    if format in _CHECKS:
        _CHECKS[format](word_vectors)
    if outputs.is_stream(path):
        if format not in _STREAMED:
            raise InputError(f"{path}: {format} needs a regular file; only {', '.join(_STREAMED)} can be streamed")
        if compression_of_name(path):
            raise InputError(f"{path}: is a stream, which is not compressed; leave out {path.suffix}")
        with outputs.stream(path) as file:
            _STREAMED[format](word_vectors, file)
        return [path]
    storage.check_parent(path)
    return storage.write_files(path, lambda staged: _write(word_vectors, staged, format))


def _write(word_vectors: WordVectors, path: Path, format: str) -> None:
    if format in _NAMED:
        _NAMED[format](word_vectors, path)
    else:
        with open_for_writing(path) as file:
            _STREAMED[format](word_vectors, file)


def _read_file(path: Path, start: bytes) -> WordVectors:
    """Choose the reader by the first bytes."""
    if not start:
        raise InputError("is empty")
    if start.startswith(b"PK"):
        return npz.read(path)
    if safe_tensors.recognise(start, path.stat().st_size):
        return safe_tensors.read(path)
    if start[:1] == b"\x80":
        raise InputError(
            "is a Python pickle (as KeyedVectors.save writes), which can run any code and is never read here;"
            " in gensim, write it with save_word2vec_format"
        )
    return word2vec.read(path)

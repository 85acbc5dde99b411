"""File formats of word vectors: recognises the format of a file and chooses its reader or writer."""

import os
from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from wordsparse.errors import InputError
from wordsparse.files import outputs, regular, storage
from wordsparse.vectors.formats import (
    gensim_native,
    model2vec,
    names,
    npz,
    parquet,
    projector,
    safe_tensors,
    word2vec,
)
from wordsparse.vectors.formats.streams import compression_of_name, open_for_writing
from wordsparse.vectors.precision import PRECISIONS
from wordsparse.vectors.word_vectors import WordVectors

__all__ = ["FORMATS", "PRECISIONS", "READABLE", "read_file", "save_vectors"]


class _Format(NamedTuple):
    """How one format is written: to a stream, which may be a pipe, by file name, or into a new directory.

    Exactly one of the three writers is given. ``check`` refuses words that the format cannot represent. Of the streamed
    formats, those that are ``compressible`` may be compressed. A format for ``any_key`` preserves keys that are not
    words; the others write ``str`` of a key. With ``precisions``, the writer takes one of PRECISIONS as its last
    argument. A format that is not ``readable`` is for other programs only.
    """

    to_stream: Callable[..., None] | None = None
    to_name: Callable[..., None] | None = None
    to_directory: Callable[..., None] | None = None
    check: Callable[[WordVectors], None] | None = None
    compressible: bool = False
    any_key: bool = False
    precisions: bool = False
    readable: bool = True


def _check_word2vec(word_vectors: WordVectors) -> None:
    word2vec.check_words(word_vectors.words)


_FORMATS = {
    "word2vec": _Format(to_stream=word2vec.write_text, check=_check_word2vec, compressible=True),
    "word2vec-bin": _Format(to_stream=word2vec.write_binary, check=_check_word2vec, compressible=True),
    "gensim": _Format(to_name=gensim_native.write, check=gensim_native.check, any_key=True, readable=False),
    "npz": _Format(to_stream=npz.write, any_key=True, precisions=True),
    "safetensors": _Format(to_name=safe_tensors.write, check=safe_tensors.check, precisions=True),
    "parquet": _Format(to_name=parquet.write, check=parquet.check, precisions=True),
    "model2vec": _Format(to_directory=model2vec.write, check=model2vec.check, precisions=True),
    "projector": _Format(to_name=projector.write, check=projector.check, readable=False),
}

FORMATS = tuple(_FORMATS)
"""The formats that :func:`save_vectors` writes."""
READABLE = tuple(name for name, entry in _FORMATS.items() if entry.readable)
"""Those of them that :func:`read_file` reads."""


def read_file(path: str | PathLike[str]) -> WordVectors:
    """Read word vectors from a file; its content, not its name, determines the format.

    Parameters
    ----------
    path : path
        A word2vec file, text (with or without the header line) or binary, possibly compressed (gzip, bzip2, xz, zstd);
        an npz, safetensors or Parquet file; or a directory of Model2Vec.

    Raises
    ------
    InputError
        If the file is missing, damaged, malicious or of an unknown format. The sizes that the file states are checked
        against its own size before large arrays are allocated.
    MissingDependencyError
        If the format needs safetensors or pyarrow and it is not installed.
    """
    path = Path(path)
    if model2vec.recognise(path):
        with storage.naming(path):
            return model2vec.read(path)
    if os.path.isdir(path):
        if (path / "labels.json").is_file():
            raise InputError(f"{path}: is a model of labels, not of words: 'wordsparse labels predict' takes it")
        raise InputError(
            f"{path}: is a directory without a model.json, so no model: name a model directory or a file of vectors"
        )
    with regular.opened(path) as file:
        start = file.read(16)
    try:
        return _read_file(path, start)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def save_vectors(
    word_vectors: WordVectors, path: str | PathLike[str], format: str, precision: str = "float32"
) -> list[Path]:
    """Write word vectors to ``path`` atomically: an existing file is replaced only when the new one is complete.

    Parameters
    ----------
    word_vectors : WordVectors
    path : path
        In the two word2vec formats, a name that ends in .gz, .bz2, .xz or .zst is compressed. If it is a link, its
        target is replaced. In the word2vec formats and npz, it may be a named pipe, /dev/stdout, or ``-`` for standard
        output, which are written directly.
    format : str
        One of FORMATS. The word2vec formats and "model2vec" do not store counts; "gensim" is ``KeyedVectors.save``, a
        pickle that only gensim reads; "projector" writes the words to a second file, ``NAME-metadata.SUFFIX``;
        "model2vec" makes a directory, which must not exist.
    precision : {"float32", "float16", "int8"}
        The number type of the vectors in the file; npz, safetensors, parquet and model2vec can hold the last two.

    Returns
    -------
    list of Path
        The files written, ``path`` first.

    Raises
    ------
    InputError
        If the format is unknown or cannot hold the precision, the directory of ``path`` does not exist, ``path`` is a
        directory or a device, or the format cannot represent one of the words.
    MissingDependencyError
        If the format needs gensim, safetensors or pyarrow and it is not installed.
    WordsparseError
        If writing fails (a full disk); an existing file at ``path`` is unchanged.
    """
    path = Path(path)
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}: choose one of {', '.join(FORMATS)}")
    chosen = _with_precision(format, precision)
    compressed = compression_of_name(path) is not None
    if compressed and not chosen.compressible:
        compressible = " and ".join(name for name, other in _FORMATS.items() if other.compressible)
        raise InputError(
            f"{path}: {format} cannot be written compressed, only {compressible} can; leave out {path.suffix}"
        )
    if not chosen.any_key:
        word_vectors = names.with_text(word_vectors)
    if chosen.check:
        chosen.check(word_vectors)
    if chosen.to_directory and not outputs.is_standard_output(path):
        with storage.new_directory(path) as directory, storage.writing(path):
            chosen.to_directory(word_vectors, directory)
        return [path]
    if outputs.is_stream(path):
        if not chosen.to_stream:
            streamed = ", ".join(name for name, other in _FORMATS.items() if other.to_stream)
            raise InputError(f"{path}: {format} needs a regular file; only {streamed} can be streamed")
        if compressed:
            raise InputError(f"{path}: is a stream, which cannot be compressed; leave out {path.suffix}")
        with outputs.stream(path) as file:
            chosen.to_stream(word_vectors, file)
        return [path]
    return storage.write_files(path, lambda staged: _write(word_vectors, staged, chosen))


def _with_precision(format: str, precision: str) -> _Format:
    """The format, its writer bound to the precision.

    Raises
    ------
    InputError
        If the precision is unknown, or the format cannot hold it.
    """
    chosen = _FORMATS[format]
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if not chosen.precisions:
        if precision != "float32":
            can = ", ".join(name for name, other in _FORMATS.items() if other.precisions)
            raise InputError(f"{format} cannot hold {precision}: choose one of {can}")
        return chosen

    def bound(write: Callable[..., None] | None) -> Callable[..., None] | None:
        return write and partial(write, precision_name=precision)

    return chosen._replace(
        to_stream=bound(chosen.to_stream), to_name=bound(chosen.to_name), to_directory=bound(chosen.to_directory)
    )


def _write(word_vectors: WordVectors, path: Path, chosen: _Format) -> None:
    if chosen.to_name:
        chosen.to_name(word_vectors, path)
    elif chosen.to_stream:
        with open_for_writing(path) as file:
            chosen.to_stream(word_vectors, file)


def _read_file(path: Path, start: bytes) -> WordVectors:
    """Choose the reader by the first bytes, and read the file."""
    if not start:
        raise InputError("is empty; write or copy it again")
    if start.startswith(b"PK"):
        return npz.read(path)
    if start.startswith(parquet.MAGIC):
        return parquet.read(path)
    if safe_tensors.recognise(start, path.stat().st_size):
        return safe_tensors.read(path)
    if start[:1] == b"\x80":
        raise InputError(
            "is a Python pickle (of KeyedVectors.save), which can run any code and is therefore never read;"
            " write the vectors with gensim's save_word2vec_format instead"
        )
    return word2vec.read(path)

"""File formats of word vectors. The format's name or the suffix of the output selects the writer. The first bytes of a
file select the reader."""

import os
from os import PathLike
from pathlib import Path

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.files import outputs, regular, storage
from wordsparse.files.streams import write_stream
from wordsparse.files.unpacking import compression_of_name, suffix_of
from wordsparse.options import meant
from wordsparse.vectors import names
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.formats.fasttext import FastText
from wordsparse.vectors.formats.gensim_native import Gensim
from wordsparse.vectors.formats.model2vec import Model2Vec
from wordsparse.vectors.formats.npz import Npz
from wordsparse.vectors.formats.safe_tensors import SafeTensors
from wordsparse.vectors.formats.word2vec import Word2Vec, Word2VecBinary
from wordsparse.vectors.word_vectors import WordVectors

FORMATS: dict[str, Format] = {
    format.name: format for format in (Word2Vec(), Word2VecBinary(), Gensim(), Npz(), SafeTensors(), Model2Vec())
}
"""The formats by name."""
# word2vec's formats must come last, because their first bytes do not identify them.
_READERS: tuple[Format, ...] = (FastText(), *reversed(FORMATS.values()))
OF_LABELS = "labels.json"
IS_OF_LABELS = "is a model of labels, not of words: use it with 'wordsparse labels predict'"
READABLE = tuple(name for name, format in FORMATS.items() if format.readable)
"""The formats that can be read."""


def read_file(path: str | PathLike[str], mapped: bool = False) -> WordVectors:
    """Read word vectors from a file. The content of the file, not its name, determines the format.

    The file may be a word2vec file, as text (with or without the header line) or binary, possibly compressed (gzip,
    bzip2, xz, zstd); an npz or safetensors file; or fastText's model.bin. With ``mapped``, the vectors of an npz file
    stay on disk. Raise InputError if the file is missing, damaged, malicious or of an unknown format, if a word occurs
    twice, or if a number is not finite. Raise MissingDependencyError if the package safetensors is needed and not
    installed. The sizes stated in a file are checked against the size of the file before large arrays are allocated.
    """
    path, start = Path(path), b""
    if not os.path.isdir(path):
        with regular.opened(path) as file:
            start = file.read(16)
    chosen = next((format for format in _READERS if format.recognises(path, start)), None)
    with storage.naming(path):
        if start.startswith(b"PAR1"):
            raise InputError("is a Parquet file: read it with pyarrow, and give its words and vectors to WordVectors")
        if chosen is not None:
            try:
                content = chosen.read_mapped(path) if mapped else chosen.read(path)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}") from error
            names.check_unicode(content.words)
            return content
        if (path / OF_LABELS).is_file():
            raise InputError(IS_OF_LABELS)
        if os.path.isdir(path):
            raise InputError(
                "is a directory without a model.json, so it is not a model: name a model directory or a file of vectors"
            )
        raise InputError("is empty; write or copy it again")


def save_vectors(word_vectors: WordVectors, path: str | PathLike[str], format: str | None = None) -> list[Path]:
    """Write word vectors to ``path`` atomically: an existing file is replaced only when the new one is complete.

    Raise InputError if the format is unknown, the directory of ``path`` does not exist, ``path`` is a directory or a
    device, or the format cannot represent one of the words or their tokeniser. Raise MissingDependencyError if the
    format needs a package, gensim or safetensors, that is not installed. If writing fails, raise WordsparseError, and
    leave an existing file at ``path`` unchanged.

    Parameters
    ----------
    word_vectors : WordVectors
    path : path
        In the two word2vec formats, the file is compressed if the name ends in .gz, .bz2, .xz or .zst. If ``path`` is a
        link, its target is replaced. For the word2vec formats and npz, ``path`` may be a named pipe, /dev/stdout, or
        ``-`` for standard output. Pipes and standard output are written directly.
    format : str, optional
        One of :data:`FORMATS`. By default, the suffix of ``path`` determines the format. The word2vec formats and
        "model2vec" do not store counts. "gensim" is ``KeyedVectors.save``, a pickle that only gensim reads. "model2vec"
        makes a directory, which must not exist yet.

    Returns
    -------
    list of Path
        The files written, ``path`` first.
    """
    chosen, target = _check(path, format), Path(path)
    content = word_vectors if chosen.any_key else word_vectors.with_text()
    chosen.check(content.words, content.tokens)
    if chosen.target == "directory":
        with storage.new_directory(target) as directory, storage.writing(target):
            chosen.write(content, directory)
        return [target]
    if chosen.target == "stream":
        return write_stream(target, lambda file: chosen.write(content, file))
    return storage.write_files(target, lambda staged: chosen.write(content, staged))


def check_output(path: str | PathLike[str], format: str | None = None) -> None:
    """Raise the InputError or MissingDependencyError that :func:`save_vectors` would raise for any vectors."""
    _check(path, format).check([])


def _check(path: str | PathLike[str], name: str | None) -> Format:
    """Return the format of an output. Raise InputError if the format cannot be written to ``path``."""
    path = validation.path(path)
    format = format_of(path, name)
    compressed = compression_of_name(path) is not None
    if compressed and not format.compressible:
        can = " and ".join(other.name for other in FORMATS.values() if other.compressible)
        raise InputError(f"{path}: {format.name} cannot be compressed, only {can} can; leave out {path.suffix}")
    if format.target == "directory":
        storage.check_new_directory(path)
        return format
    is_stream = outputs.is_stream(path)
    if is_stream and format.target != "stream":
        can = ", ".join(other.name for other in FORMATS.values() if other.target == "stream")
        raise InputError(f"{path}: {format.name} needs a regular file; only {can} can be streamed")
    if is_stream and compressed:
        raise InputError(f"{path}: is a stream, which cannot be compressed; leave out {path.suffix}")
    storage.check_file(path)
    return format


def format_of(path: Path, name: str | None) -> Format:
    """Return the format with this name or, without a name, the format for the output's suffix. Raise InputError if no
    format has this name or suffix."""
    if name is not None and name not in FORMATS:
        raise InputError(f"unknown format {name!r}: {meant(name, FORMATS)}")
    if name is not None:
        return FORMATS[name]
    for format in FORMATS.values():
        if suffix_of(path) in format.suffixes:
            return format
    known = ", ".join(suffix for format in FORMATS.values() for suffix in format.suffixes)
    raise InputError(f"{path}: its name does not tell the format: give --format, or end the name in one of {known}")

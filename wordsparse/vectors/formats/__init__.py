"""File formats of word vectors: one class each, chosen by name or suffix to write, and by its first bytes to read."""

import os
from pathlib import Path

from wordsparse.errors import InputError
from wordsparse.files import outputs, regular, storage
from wordsparse.files.streams import write_stream
from wordsparse.files.unpacking import compression_of_name, suffix_of
from wordsparse.options import meant
from wordsparse.vectors.formats import names
from wordsparse.vectors.formats.base import Content, Format
from wordsparse.vectors.formats.fasttext import FastText
from wordsparse.vectors.formats.gensim_native import Gensim
from wordsparse.vectors.formats.model2vec import Model2Vec
from wordsparse.vectors.formats.npz import Npz
from wordsparse.vectors.formats.safe_tensors import SafeTensors
from wordsparse.vectors.formats.word2vec import Word2Vec, Word2VecBinary
from wordsparse.vectors.precision import PRECISIONS

FORMATS: dict[str, Format] = {
    made.name: made for made in (Word2Vec(), Word2VecBinary(), Gensim(), Npz(), SafeTensors(), Model2Vec())
}
"""The formats by name."""
# In this order: word2vec's formats have no beginning of their own.
_READERS: tuple[Format, ...] = (FastText(), *reversed(FORMATS.values()))
OF_LABELS = "labels.json"
IS_OF_LABELS = "is a model of labels, not of words: 'wordsparse labels predict' takes it"
READABLE = tuple(name for name, format in FORMATS.items() if format.readable)
"""Those that are read again."""


def named(name: str) -> Format:
    """The format of a name; InputError if there is none."""
    if name not in FORMATS:
        raise InputError(f"unknown format {name!r}: {meant(name, FORMATS)}")
    return FORMATS[name]


def of_suffix(path: Path) -> Format:
    """The format that the name of an output tells; InputError if it tells none."""
    for format in FORMATS.values():
        if suffix_of(path) in format.suffixes:
            return format
    known = ", ".join(suffix for format in FORMATS.values() for suffix in format.suffixes)
    raise InputError(f"{path}: its name does not tell the format: name it (--format), or end it in one of {known}")


def read(path: Path) -> Content:
    """Read a file; its content, not its name, determines the format.

    InputError if the file is missing, damaged, malicious or of an unknown format. The sizes that the file states are
    checked against its own size before large arrays are allocated; MissingDependencyError if the format needs
    safetensors and it is not installed.
    """
    start = b""
    if not os.path.isdir(path):
        with regular.opened(path) as file:
            start = file.read(16)
    chosen = next((format for format in _READERS if format.recognises(path, start)), None)
    with storage.naming(path):
        if start.startswith(b"PAR1"):
            raise InputError("is a Parquet file: read it with pyarrow, and give its words and vectors to WordVectors")
        if chosen is not None:
            try:
                content = chosen.read(path)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}") from error
            names.check_unicode(content.words)
            return content
        if (path / OF_LABELS).is_file():
            raise InputError(IS_OF_LABELS)
        if os.path.isdir(path):
            raise InputError(
                "is a directory without a model.json, so no model: name a model directory or a file of vectors"
            )
        raise InputError("is empty; write or copy it again")


def check_output(path: Path, format: Format, precision: str = "float32") -> None:
    """Raise InputError where the format cannot be written to ``path``, or cannot hold the precision."""
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}: {meant(precision, PRECISIONS)}")
    if not format.precisions and precision != "float32":
        can = ", ".join(other.name for other in FORMATS.values() if other.precisions)
        raise InputError(f"{format.name} cannot hold {precision}: choose one of {can}")
    compressed = compression_of_name(path) is not None
    if compressed and not format.compressible:
        can = " and ".join(other.name for other in FORMATS.values() if other.compressible)
        raise InputError(f"{path}: {format.name} cannot be written compressed, only {can} can; leave out {path.suffix}")
    if format.target == "directory" and not outputs.is_standard_output(path):
        storage.check_new_directory(path)
        return
    is_stream = outputs.is_stream(path)
    if is_stream and format.target != "stream":
        can = ", ".join(other.name for other in FORMATS.values() if other.target == "stream")
        raise InputError(f"{path}: {format.name} needs a regular file; only {can} can be streamed")
    if is_stream and compressed:
        raise InputError(f"{path}: is a stream, which cannot be compressed; leave out {path.suffix}")
    storage.check_file(path)


def write(content: Content, path: Path, format: Format, precision: str = "float32") -> list[Path]:
    """Write to ``path`` atomically, and return the files; see :func:`wordsparse.vectors.word_vectors.save_vectors`."""
    check_output(path, format, precision)
    if not format.any_key:
        content = content._replace(words=names.as_text(content.words))
    format.check(content)
    if format.target == "directory":
        with storage.new_directory(path) as directory, storage.writing(path):
            format.write(content, directory, precision)
        return [path]
    if format.target == "stream":
        return write_stream(path, lambda file: format.write(content, file, precision))
    return storage.write_files(path, lambda staged: format.write(content, staged, precision))

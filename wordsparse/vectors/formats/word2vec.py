"""The text and binary formats of the word2vec tool, and GloVe's format: the text format without the header line.

A file has a header line "V dim". For each of the V words, the word, a space and dim numbers follow. In the text format,
the numbers are separated by spaces and followed by a newline. In the binary format, the numbers are little-endian
float32; the original tool writes a newline after the numbers, gensim does not. A file does not state whether it is text
or binary.

Files are untrusted. The sizes in the header are compared with the size of the file before an array is allocated, and
lines, words and numbers have maximum lengths.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from wordsparse.errors import CutShortError, InputError
from wordsparse.files.streams import BoundedStream
from wordsparse.vectors.formats._decimals import parse, texts
from wordsparse.vectors.formats.base import Format
from wordsparse.vectors.word_vectors import WordVectors

_MAX_WORD = 2**16  # bytes of UTF-8
_MAX_NUMBER = 64  # maximum number of characters of a number in text
_HEAD = 2**20  # number of bytes examined to recognise the format
_CHUNK = 2**20
_ROWS = 1024  # number of rows written at a time

_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


class Layout(NamedTuple):
    """The layout of a word2vec file."""

    rows: int
    dim: int
    is_text: bool
    has_header: bool


class Word2Vec(Format):
    """The text format of word2vec."""

    name, about = "word2vec", "text, which nearly every tool reads; no counts"
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".vec")
    target = "stream"
    compressible = True

    def check(self, words: Sequence[Any], tokens: str = "split") -> None:
        """Raise InputError for words that would be read back as several fields. The word2vec formats have no
        quoting."""
        for word in words:
            if not word or _FORBIDDEN.search(word) or len(word.encode()) > _MAX_WORD:
                raise InputError(
                    f"the word {word[:100]!r} cannot be stored in a word2vec file: it is empty or too long, or holds "
                    "white space or a control character; choose npz, safetensors or gensim, which can hold it"
                )

    def write(self, content: WordVectors, target: IO[bytes]) -> None:
        """Write the text format. Reading the file restores every float32 exactly."""
        target.write(_header(content))
        target.writelines(_text_rows(content.words, content.vectors))

    def recognises(self, path: Path, start: bytes) -> bool:
        """Return True unless the file is empty. A file that no other format recognises may have any format of this
        module."""
        return bool(start)

    def read(self, path: Path) -> WordVectors:
        return WordVectors(*read_rows(path))


class Word2VecBinary(Word2Vec):
    """The binary format of the original tool."""

    name, about, suffixes = "word2vec-bin", "the binary format of word2vec, which makes smaller files", (".bin",)

    def write(self, content: WordVectors, target: IO[bytes]) -> None:
        target.write(_header(content))
        for word, vector in zip(content.words, content.vectors, strict=True):
            target.write(b"%b %b\n" % (word.encode(), vector.astype("<f4", copy=False).tobytes()))


def read_rows(path: Path) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return the words of a file and their vectors (rows, dim). A word may occur several times.

    Raise InputError if the file is damaged, and CutShortError if it ends too early.
    """
    with BoundedStream(path) as stream:
        layout = _recognise(stream.read(_HEAD))
    if not layout.has_header:
        layout = layout._replace(rows=_count_lines(path))
    with BoundedStream(path) as stream:
        _check_size(layout, stream.limit)
        if layout.has_header:
            stream.readline(_HEAD)
        return (_read_text if layout.is_text else _read_binary)(stream, layout)


def _header(content: WordVectors) -> bytes:
    return b"%d %d\n" % (len(content.words), content.dim)


def _text_rows(words: Iterable[str], vectors: npt.NDArray[Any]) -> Iterator[bytes]:
    """Yield one line of the text format for each word."""
    blocks = (slice(start, start + _ROWS) for start in range(0, len(vectors), _ROWS))
    numbers = chain.from_iterable(texts(np.ascontiguousarray(vectors[block], np.float32)) for block in blocks)
    for word, text in zip(words, numbers, strict=True):
        yield b"%b %b\n" % (word.encode(), text)


def _recognise(head: bytes) -> Layout:
    """Return the layout of a file that begins with ``head``. Without a header, ``rows`` is 0 (not counted yet)."""
    first, _, body = head.partition(b"\n")
    fields = first.rstrip().split(b" ")
    if len(fields) == 2 and all(field.isdigit() and len(field) <= 18 for field in fields):
        rows, dim = (int(field) for field in fields)
        if not rows or not dim:
            raise InputError(
                f"its header states {rows} words of {dim} numbers, so the file holds no vectors; write it again"
            )
        return Layout(rows, dim, _looks_like_text(body, dim), True)
    # A line without a header must have at least two numbers: "word 3" is more likely a broken header than a vector of
    # one number.
    if len(fields) >= 3 and _parse_numbers(fields[1:]) is not None:
        return Layout(0, len(fields) - 1, True, False)
    raise InputError(
        "is not a known file of vectors: it begins neither with a word2vec header (number of words, length of a"
        " vector) nor with a word and its numbers, and is neither npz, safetensors nor Parquet; export the vectors "
        "in one of these formats"
    )


def _looks_like_text(body: bytes, dim: int) -> bool:
    """Return whether the characters after the first word may be ``dim`` numbers as text. There must be enough
    characters, and each must be a character that occurs in numbers."""
    _, _, numbers = body[: _MAX_WORD + 4 * dim].partition(b" ")
    line = numbers[: 4 * dim].split(b"\n", 1)[0].rstrip()
    return len(line) >= 2 * dim - 1 and re.fullmatch(rb"[-+.0-9eEnaifNAIF ]*", line) is not None


def _check_size(layout: Layout, limit: int) -> None:
    """Raise CutShortError if a file of the stated sizes would need more than ``limit`` bytes. The last line end may be
    missing."""
    least = layout.rows * (2 * layout.dim + 2 if layout.is_text else 4 * layout.dim + 2) - 1
    if least > limit:
        raise CutShortError(
            f"{layout.rows} words of {layout.dim} numbers take at least {least} bytes, but the file can hold"
            f" only {limit}: it is cut short, or its first line is wrong; copy or write it again"
        )


def _count_lines(path: Path) -> int:
    """Return the number of lines in a file. The last line end may be missing."""
    lines, last = 0, b"\n"
    with BoundedStream(path) as stream:
        while chunk := stream.read(_CHUNK):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")


def _read_text(stream: BoundedStream, layout: Layout) -> tuple[list[str], npt.NDArray[np.float32]]:
    words: list[str] = []
    vectors, plain = np.empty((layout.rows, layout.dim), np.float32), np.empty(layout.dim)
    longest = _MAX_WORD + layout.dim * (_MAX_NUMBER + 1) + 3
    with np.errstate(over="ignore"):  # an overflow becomes inf, which WordVectors refuses
        for row in range(layout.rows):
            line = stream.readline(longest)
            where = f"line {row + 1 + layout.has_header}"
            if not line:
                raise CutShortError(
                    f"ends before {where}, but its first line states {layout.rows} words; copy or write the file again"
                )
            line = line.rstrip(b" \r\n")
            space = line.find(b" ")
            if space < 0 or not parse(line, space + 1, plain):
                _, *fields = line.split(b" ")
                if len(fields) != layout.dim:
                    shown = f"{where} ({line[:40]!r}…)"
                    raise InputError(
                        f"{shown} holds {len(fields)} numbers instead of {layout.dim}: it is damaged or much too"
                        " long, or the word contains a space; correct that line, or write the file again"
                    )
                numbers = _parse_numbers(fields)
                if numbers is None:
                    raise InputError(
                        f"{where} holds a field that is not a number; correct that line, or write the file again"
                    )
                plain[:] = numbers
            words.append(_decode(line[:space], where))
            vectors[row] = plain
    stream.expect_end(f"the {layout.rows} words announced in its first line")
    return words, vectors


def _read_binary(stream: BoundedStream, layout: Layout) -> tuple[list[str], npt.NDArray[np.float32]]:
    words: list[str] = []
    vectors = np.empty((layout.rows, layout.dim), np.float32)
    vector_bytes = 4 * layout.dim
    longest = _MAX_WORD + 2 + vector_bytes
    buffer, at = b"", 0
    for row in range(layout.rows):
        if len(buffer) - at < longest:
            buffer, at = buffer[at:] + stream.read(max(_CHUNK, longest)), 0
        where = f"word {row + 1}"
        space = buffer.find(b" ", at, at + _MAX_WORD + 2)
        end = space + 1 + vector_bytes
        if space < 0 or end > len(buffer):
            raise CutShortError(
                f"ends inside {where} of {layout.rows}, or is damaged before that word; copy or write the file again"
            )
        words.append(_decode(buffer[at:space].lstrip(b"\n"), where))
        vectors[row] = np.frombuffer(buffer, dtype="<f4", count=layout.dim, offset=space + 1)
        at = end
    stream.expect_end(f"the {layout.rows} words announced in its first line", buffer[at:])
    return words, vectors


def _parse_numbers(fields: list[bytes]) -> list[float] | None:
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None


def _decode(word: bytes, where: str) -> str:
    if not word:
        raise InputError(f"{where} has no word; correct it, or write the file again")
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{error.reason}: the word {word[:100]!r} ({where}) is not valid UTF-8; convert the file to UTF-8, with "
            "iconv for example"
        ) from error

"""The bytes of a text file, in blocks that split no token."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from wordsparse.corpus.sources import opened
from wordsparse.errors import InputError
from wordsparse.files.unpacking import MAX_EXPANSION, compression_of

BLOCK_BYTES = 2**20

_RARE_WHITE_SPACE = (b"\t", b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x1f")


_ENCODED = "is {0} text, not UTF-8: convert it first (iconv -f {0} -t UTF-8)"
_WESTERN = "iconv -f LATIN1 -t UTF-8, if it is of western Europe"
# The first bytes of files that are not text, and what is said of them; the mark of UTF-32 begins with that of UTF-16.
_NO_TEXT = (
    (rb"PK\x03\x04", "is a zip archive (.docx, .xlsx and .npz files are too): unpack it"),
    (rb"PAR1\x15", "is a Parquet file, not text"),
    (rb"%PDF-\d", "is a PDF file: extract its text first (pdftotext)"),
    (rb"\x93NUMPY", "is a NumPy array, not text"),
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", _ENCODED.format("UTF-32")),
    (rb"\xff\xfe|\xfe\xff", _ENCODED.format("UTF-16")),
)


def text_blocks(path: Path, max_expansion: float = MAX_EXPANSION) -> Iterator[tuple[int, bytes]]:
    """The position in the file and the bytes of blocks that end at white space, so that no token is in two of them.

    They are without the file's byte order mark. InputError if the file cannot be read, if its first bytes say that it
    is not text, or if several blocks in a row hold no white space.
    """
    position, rest = 0, b""
    for block in read_blocks(path, max_expansion):
        data = rest + block
        end = _end_of_last_white_space(data)
        if end:
            yield _without_byte_order_mark(position, data[:end])
        elif len(data) > BLOCK_BYTES:
            raise InputError(
                f"{path}: no white space in {len(data):,} bytes from byte {position:,} on: is it text? Split it into "
                "words first"
            )
        position, rest = position + end, data[end:]
    yield _without_byte_order_mark(position, rest)


def decoded(path: Path, position: int, data: bytes) -> str:
    """A block's text; if it is binary or not UTF-8, InputError names the file and the byte."""
    if (nul := data.find(b"\0")) >= 0:
        raise InputError(
            f"{path}: is binary, not text (a zero byte at byte {position + nul:,}): leave it out, or convert it"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        where = f"(byte {position + error.start:,}: {error.reason})"
        if error.reason == "unexpected end of data":
            raise InputError(f"{path}: ends inside a character {where}: is it cut short?") from error
        raise InputError(f"{path}: is not UTF-8 text {where}: convert it first ({_WESTERN})") from error


def read_blocks(path: Path, max_expansion: float) -> Iterator[bytes]:
    """The file's bytes, unpacked; InputError if its first bytes say that it is not text. See :func:`text_blocks`."""
    with opened(path, max_expansion) as file:
        block = file.read(BLOCK_BYTES)
        if (kind := _other_than_text(block)) is not None:
            raise InputError(kind)
        while block:
            yield block
            block = file.read(BLOCK_BYTES)


def _other_than_text(start: bytes) -> str | None:
    """The kind of a file that begins so, and the advice for it; None if its first bytes do not tell."""
    if (suffix := compression_of(start)) is not None:
        return f"is compressed: give its name the ending {suffix}, or unpack it"
    return next((said for first, said in _NO_TEXT if re.match(first, start)), None)


def _end_of_last_white_space(data: bytes) -> int:
    """The number of bytes up to the end of the last ASCII white space; 0 if there is none.

    None of these bytes occurs inside a multi-byte UTF-8 character. Nearly every text has spaces and line feeds.
    """
    end = 1 + max(data.rfind(b" "), data.rfind(b"\n"))
    return end or 1 + max(data.rfind(byte) for byte in _RARE_WHITE_SPACE)


def _without_byte_order_mark(position: int, data: bytes) -> tuple[int, bytes]:
    if position == 0 and data.startswith(codecs.BOM_UTF8):
        return len(codecs.BOM_UTF8), data[len(codecs.BOM_UTF8) :]
    return position, data

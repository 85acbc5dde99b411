"""A reader that yields the bytes of a text file in blocks that never split a token."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from wordsparse.corpus.sources import opened
from wordsparse.errors import InputError

BLOCK_BYTES = 2**20

_WHITE_SPACE = (b" ", b"\t", b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x1f")


def text_blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the position in the file and the bytes of each block. A block ends at the end of a line or, if a line is
    longer than a block, at white space. A block therefore never splits a token.

    A byte order mark at the start is left out. Raise InputError if the file cannot be read, or if several blocks in a
    row hold no white space.
    """
    position, rest = 0, b""
    for block in read_blocks(path):
        data = rest + block
        end = _last_end(data)
        if end:
            yield _without_byte_order_mark(position, data[:end])
        elif len(data) > BLOCK_BYTES:
            raise InputError(
                f"{path}: no white space in {len(data):,} bytes from byte {position:,} on: is this a text file? "
                "Split the text into words first"
            )
        position, rest = position + end, data[end:]
    yield _without_byte_order_mark(position, rest)


def decoded(path: Path, position: int, data: bytes) -> str:
    """Return the text of a block. If the block is binary or not UTF-8, raise InputError that names the file and the
    byte."""
    if (nul := data.find(b"\0")) >= 0:
        raise InputError(
            f"{path}: is binary, not text (a zero byte at byte {position + nul:,}): omit or convert the file "
            "(iconv -f UTF-16 -t UTF-8, if it is text from Windows)"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        where = f"(byte {position + error.start:,}: {error.reason})"
        if error.reason == "unexpected end of data":
            raise InputError(f"{path}: ends inside a character {where}: is the file cut short?") from error
        raise InputError(
            f"{path}: is not UTF-8 text {where}: omit or convert the file (iconv -f LATIN1 -t UTF-8, if the text is "
            "in a western European language)"
        ) from error


def line_name(path: Path, position: int, line: int) -> str:
    """Return the name of a line for messages. Lines are counted from 0, and line 0 begins at the byte ``position``."""
    before = 0
    for start, data in text_blocks(path):
        if start >= position:
            break
        before += data.count(b"\n")
    return f"{path}: line {before + line + 1}"


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes, decompressed, in blocks that may split tokens."""
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _last_end(data: bytes) -> int:
    """Return the number of bytes up to the last line end or, if there is no line end, up to the last ASCII white space.

    Return 0 if there is no white space. Multi-byte characters in UTF-8 never contain a byte that is ASCII white space.
    """
    return (data.rfind(b"\n") + 1) or 1 + max(data.rfind(byte) for byte in _WHITE_SPACE)


def _without_byte_order_mark(position: int, data: bytes) -> tuple[int, bytes]:
    if position == 0 and data.startswith(codecs.BOM_UTF8):
        return len(codecs.BOM_UTF8), data[len(codecs.BOM_UTF8) :]
    return position, data

"""The field's text format, parsed as arrays: no Python loop over values.

    N F L                     (optional: rows, features, labels)
    l1,l2 f:v f:v …           one row a line; labels, features and values, in any order of the features
     f:v                      a row without labels starts with its features; a row may lack features too

svmlight's multi-label files are the same without the first line; their comments (# to the end of the line) are skipped,
and a line that is a comment is no row.
Numbers count from 0.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import CutShortError, InputError
from wordsparse.vectors.formats.streams import BoundedStream

Array = NDArray[Any]

logger = logging.getLogger("wordsparse")

BLOCK = 2**24
# Bytes of a word that is no number, in a message.
MAX_SHOWN = 20
MAX_INDEX = 2**31 - 2
_SPACE, _COMMA, _COLON, _NEWLINE = 32, 44, 58, 10
_ALLOWED = np.zeros(256, bool)
_ALLOWED[list(b"0123456789+-.eE,: \n")] = True
_DIGIT = np.zeros(256, bool)
_DIGIT[list(b"0123456789")] = True
# Tabs and carriage returns separate as blanks do.
_BLANKS = bytes.maketrans(b"\t\r", b"  ")
_ONE_NUMBER = bytes.maketrans(b",:\n", b"   ")


@dataclass(frozen=True)
class Header:
    """The first line: numbers of rows, features and labels."""

    rows: int
    features: int
    labels: int


@dataclass(frozen=True)
class Entries:
    """Entries of some consecutive rows: the line of each, and the row of each label and of each feature, from 0 on."""

    lines: Array
    label_row: Array
    label: Array
    feature_row: Array
    feature: Array
    value: Array


def read_header(stream: BoundedStream) -> tuple[Header | None, bytes]:
    """The header, if the first line is one, and else the bytes of that line."""
    line = stream.readline(2**16)
    parts = line.split()
    if len(parts) == 3 and all(re.fullmatch(rb"[0-9]{1,10}", part) for part in parts):
        header = Header(*map(int, parts))
        if max(header.features, header.labels) > MAX_INDEX + 1:
            raise InputError(f"line 1: more than {MAX_INDEX + 1:,} features or labels; count the used ones from 0")
        return header, b""
    return None, line


def read_entries(path: Path) -> tuple[Header | None, list[Entries]]:
    """The header of a file, and its entries block by block; errors name the line and the column.

    Raises
    ------
    InputError
        If a line is malformed, a number is out of range or not finite; CutShortError if rows are missing.
    """
    with BoundedStream(path) as stream:
        header, start = read_header(stream)
        line, rows, more = 1 if header is None else 2, 0, True
        blocks = []
        while more:
            data = stream.read(BLOCK)
            more, start = bool(data), start + data
            if not more and start and not start.endswith(b"\n"):
                start += b"\n"
                logger.warning("%s: its last line has no end: is it cut short?", path)
            cut = start.rfind(b"\n") + 1
            if cut:
                blocks.append(parse(start[:cut], line, header))
                line, rows = line + start.count(b"\n", 0, cut), rows + blocks[-1].lines.shape[0]
                start = start[cut:]
    if header is not None and rows != header.rows:
        message = f"its first line states {header.rows:,} rows, but {rows:,} follow"
        raise (
            CutShortError(f"{message}: is it cut short?")
            if rows < header.rows
            else InputError(f"{message}; correct that line")
        )
    return header, blocks


def parse(data: bytes, first_line: int, header: Header | None) -> Entries:
    """The entries of whole lines, each with its line end."""
    is_row = np.ones(data.count(b"\n"), bool)
    if b"#" in data:  # blanks in the place of comments keep the columns
        is_row[:] = [not line.lstrip().startswith(b"#") for line in data.split(b"\n")[:-1]]
        data = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment.group()), data)
    data = data.translate(_BLANKS)
    text = np.frombuffer(data, np.uint8)
    place = _Place(text, first_line)
    bad = ~_ALLOWED[text]
    if bad.any():
        at = int(bad.argmax())
        word = re.split(rb"[,: \n]", data[at : at + MAX_SHOWN], maxsplit=1)[0].decode("utf-8", "replace")
        raise place.error(at, f"{word!r} is no part of labels, features and values, which are numbers")
    separates = (text == _SPACE) | (text == _COMMA) | (text == _COLON) | (text == _NEWLINE)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], separates, [True]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    before = np.where(starts > 0, text[np.maximum(starts - 1, 0)], _NEWLINE)
    after = text[ends]  # a line end follows the last one
    is_feature, is_value = after == _COLON, before == _COLON
    is_label = ~is_feature & ~is_value
    line_ends = np.flatnonzero(text == _NEWLINE)
    row = (np.cumsum(is_row) - 1)[np.searchsorted(line_ends, starts)]
    _check_structure(text, starts, ends, before, after, row, place)
    _check_whole(text, starts[~is_value], ends[~is_value], place)
    numbers = _numbers(data, starts, ends, place)
    for kind, mask, count in (
        ("label", is_label, None if header is None else header.labels),
        ("feature", is_feature, None if header is None else header.features),
    ):
        wrong = mask & (numbers > (MAX_INDEX if count is None else count - 1))
        if wrong.any():
            at, limit = int(wrong.argmax()), f"2^31 − 2 = {MAX_INDEX}" if count is None else f"{count - 1:,}"
            raise place.error(int(starts[at]), f"{kind} {numbers[at]:.0f} is out of range: they go from 0 to {limit}")
    values = numbers[is_value]
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        at = int(starts[is_value][np.argmin(np.isfinite(single))])
        raise place.error(at, "the value is beyond the range of float32")
    labels, features = numbers[is_label].astype(np.int32), numbers[is_feature].astype(np.int32)
    lines = first_line + np.flatnonzero(is_row)
    return Entries(lines, row[is_label], labels, row[is_feature], features, single)


def _check_structure(
    text: Array, starts: Array, ends: Array, before: Array, after: Array, row: Array, place: "_Place"
) -> None:
    """Labels come first, commas between them; a feature, a colon and its value come without blanks between them."""
    joins = np.flatnonzero((text == _COMMA) | (text == _COLON))
    lonely = (joins == 0) | np.isin(text[np.maximum(joins - 1, 0)], (_SPACE, _COMMA, _COLON, _NEWLINE))
    lonely |= np.isin(text[joins + 1], (_SPACE, _COMMA, _COLON, _NEWLINE))
    if lonely.any():
        at = int(joins[lonely.argmax()])
        raise place.error(
            at, f"{chr(text[at])!r} stands without a number on either side: labels are l1,l2 and features f:v"
        )
    first = np.concatenate([[True], row[1:] != row[:-1]]) if row.size else np.zeros(0, bool)
    # The only numbers after a blank are features; the only ones at a line's start, features or the first label.
    is_label = (after != _COLON) & (before != _COLON)
    wrong = is_label & ~first & (before != _COMMA)
    wrong |= (before == _COLON) & (after == _COLON)
    wrong |= (before == _COMMA) & (after == _COLON)
    wrong |= (before == _COLON) & (after == _COMMA)
    if wrong.any():
        at = int(wrong.argmax())
        raise place.error(int(starts[at]), "labels are l1,l2 at the start of a line, then features follow as f:v")


def _check_whole(text: Array, starts: Array, ends: Array, place: "_Place") -> None:
    """Labels and features are digits only, no more than 10 of them."""
    others = np.concatenate([[0], np.cumsum(~_DIGIT[text])])
    wrong = (others[ends] != others[starts]) | (ends - starts > 10)
    if wrong.any():
        raise place.error(int(starts[wrong.argmax()]), "labels and features must be whole numbers from 0 on")


def _numbers(data: bytes, starts: Array, ends: Array, place: "_Place") -> Array:
    """All numbers of the text, float64, which holds every whole number here exactly."""
    try:
        numbers = np.fromstring(data.translate(_ONE_NUMBER).decode("ascii"), np.float64, sep=" ")
    except (ValueError, DeprecationWarning):
        numbers = np.empty(0)
    if numbers.shape[0] != starts.shape[0]:
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            try:
                float(data[start:end])
            except ValueError:
                raise place.error(start, f"{data[start:end].decode()!r:.40} is not a number") from None
        raise InputError(
            f"line {place.first_line} or after it holds numbers that cannot be read; write them as index:value, such "
            "as 3:0.5"
        )
    return numbers


class _Place:
    """Lines and columns of a block of text, for messages."""

    def __init__(self, text: Array, first_line: int) -> None:
        self._text, self.first_line = text, first_line

    def error(self, at: int, message: str) -> InputError:
        """The error at a byte of the block."""
        before = np.flatnonzero(self._text[:at] == _NEWLINE)
        column = at - (int(before[-1]) if before.size else -1)
        return InputError(f"line {self.first_line + before.shape[0]:,}, column {column:,}: {message}")

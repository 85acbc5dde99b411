"""The sizes that the footer of a Parquet file states, read without pyarrow.

pyarrow reads a damaged file with an error, but it ends the process where the metadata of a damaged column is asked
for. The footer is a struct of Apache Thrift's compact protocol; parquet-format's parquet.thrift numbers its fields.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError
from wordsparse.files import regular

MOST_BYTES = 2**24
"""Of a footer: a gigabyte of text takes some ten thousand."""
_MAGIC = b"PAR1"
_MAX_DEPTH = 16
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_TYPE, _PATH, _VALUES, _BYTES = 1, 3, 5, 6  # of ColumnMetaData
_WIDTHS = {0: 1, 1: 4, 2: 8, 4: 4, 5: 8}  # bytes a value: BOOLEAN, INT32, INT64, FLOAT, DOUBLE


@dataclass(frozen=True)
class ColumnChunk:
    """A column of a group of rows: its name, and the bytes that its values need as the footer states them."""

    column: str
    bytes: int


def column_chunks(path: Path) -> list[ColumnChunk]:
    """The chunks of a file's columns; InputError if the footer is damaged."""
    with regular.opened(path) as file:
        size = regular.size_of(file)
        file.seek(max(0, size - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or length + 12 > size:
            raise InputError("is not a Parquet file, or is damaged: cut short; copy or write it again")
        if length > MOST_BYTES:
            raise InputError(f"the footer of this Parquet file has {length:,} bytes: write it in larger groups of rows")
        file.seek(size - 8 - length)
        footer = file.read(length)
    try:
        groups = _Thrift(footer).struct(0)[_ROW_GROUPS]
        return [_chunk(chunk[_META_DATA]) for group in groups for chunk in group[_COLUMNS]]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise InputError("the footer of this Parquet file is damaged; copy or write it again") from error


def _chunk(about: dict[int, Any]) -> ColumnChunk:
    width = _WIDTHS.get(about[_TYPE], 2)
    return ColumnChunk(about[_PATH][0].decode(), max(0, about[_BYTES], width * about[_VALUES]))


class _Thrift:
    """Reads the compact protocol: structs become dicts by field number."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, depth: int) -> dict[int, Any]:
        """The fields of a struct."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        fields, field = {}, 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            fields[field] = head & 15 == 1 if head & 15 in (1, 2) else self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                head = self._byte()
                size = head >> 4 if head >> 4 < 15 else self._varint()
                return [self._value(head & 15, depth + 1) for _ in range(size)]
            case 11:
                size = self._varint()
                kinds = self._byte() if size else 0
                return [(self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1)) for _ in range(size)]
            case 12:
                return self.struct(depth + 1)
        raise ValueError(f"no type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise IndexError("cut short")
        return self._data[self._at - size : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")
        return value | byte << shift

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

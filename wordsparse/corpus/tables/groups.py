"""Makes baskets of any size. A basket has the words of all rows with the same group, sorted by another column.

SQLite sorts the rows in an unnamed temporary file in TMPDIR. Sorting needs some 64 MB of memory. The temporary file is
about as large as all words together.
"""

import contextlib
import logging
import math
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import chain, groupby, islice, repeat
from numbers import Integral, Number, Real
from typing import Any, NamedTuple

import numpy as np

from wordsparse.corpus.tables import Block
from wordsparse.corpus.vocabulary import check_word
from wordsparse.errors import InputError, WordsparseError

PIECE = 1024
LARGEST_WEIGHT = 100_000
"""The maximum weight of a row. Weights are limited because a word takes space on disk each time that it occurs."""
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -65536"

Words = Callable[[str, object], list[str]]
"""A function that takes the name of a row and a cell, and returns the words of the cell."""
Key = str | int
"""The name of a group, of the type that its cells have: whole numbers stay numbers, other cells become text."""
_Row = tuple[Key, int | float | None, float, str, float]
_Placed = Iterator[tuple[str, int | float | None, float]]

logger = logging.getLogger(__name__)


# The digits of a date that are below a microsecond, which Python's dates leave out.
_NANOSECONDS = re.compile(r"[.,]\d{6}(\d+)")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""The seconds in the units of a half-life."""


class Columns(NamedTuple):
    """The names of the columns of a table of grouped rows: the column with the ``words``, the column with the name of
    the ``group``, and optionally the columns with the ``order`` of the rows in a group and the ``weight`` of a row. A
    row of weight w counts w times: ⌈w⌉ copies of it weigh w/⌈w⌉ each. Words of fewer than ``min_groups`` groups are
    left out."""

    words: str
    group: str
    order: str | None = None
    weight: str | None = None
    min_groups: int = 1

    def named(self) -> list[str]:
        """Return the column names that are not None."""
        return [name for name in self[:4] if name is not None]


def pieces(
    blocks: Iterable[Block], words: Words, columns: Columns, marks: Any = None, kind: str = ""
) -> Iterator[tuple[list[str], bool]]:
    """Yield each of the :func:`baskets` as a sentence in pieces; see :mod:`wordsparse.corpus.reading`. If ``marks`` is
    an array, append the place and the weight of each word, and NaN and 1 for each end of a sentence."""
    for _, placed in baskets(blocks, words, columns, kind):
        while some := [*islice(placed, PIECE)]:
            if marks is not None:
                marks.extend(mark for _, place, w in some for mark in (math.nan if place is None else place, w))
            yield [word for word, *_ in some], False
        if marks is not None:
            marks.extend((math.nan, 1.0))
        yield [], True


def baskets(blocks: Iterable[Block], words: Words, columns: Columns, kind: str = "") -> Iterator[tuple[Key, _Placed]]:
    """Yield the name of each group, and its words, each with the value of its row in the column ``order`` and its
    weight, at most 1. Groups are sorted by name, and the words of a group by the value in ``order``. Rows without a
    group are left out.

    The blocks must have the columns that are named in ``columns``, in this order. Without ``order``, the rows of a
    group keep their order. Raise InputError if a cell of ``order`` is neither a number nor a date, if numbers and dates
    are mixed or are not of the given ``kind``, or if a weight is not above 0 and at most LARGEST_WEIGHT. Raise
    WordsparseError if the disk is full.
    """
    try:
        with closing(sqlite3.connect("", check_same_thread=False)) as database:
            database.executescript(f"{_SETTINGS}; CREATE TABLE words (basket, place, rest, word TEXT, weight REAL)")
            database.executemany("INSERT INTO words VALUES (?, ?, ?, ?, ?)", _words(blocks, words, columns, kind))
            if columns.min_groups > 1:
                _drop_rare(database, columns.min_groups)
            by = "CAST(basket AS TEXT), place, rest, rowid"
            rows = database.execute(f"SELECT basket, word, place, weight FROM words ORDER BY {by}")
            yield from (_named(basket) for _, basket in groupby(rows, key=lambda row: str(row[0])))
    except sqlite3.Error as error:
        raise WordsparseError(f"the rows cannot be sorted on disk: {_place_of(error)}") from error
    except UnicodeEncodeError as error:
        check_word(error.object)
        raise


def _place_of(error: sqlite3.Error) -> str:
    """Return a message for an error that names the directory in which SQLite sorts, by SQLite's own choice."""
    candidates = [*filter(None, map(os.environ.get, ("SQLITE_TMPDIR", "TMPDIR"))), "/var/tmp", "/usr/tmp", "/tmp", "."]
    for folder in candidates:
        if os.access(folder, os.W_OK | os.X_OK):
            return f"{folder}: {error}; set TMPDIR to another directory"
    return f"none of {', '.join(candidates)} can be written to; set TMPDIR to a directory that can"


def _words(blocks: Iterable[Block], words: Words, columns: Columns, kind_given: str) -> Iterator[_Row]:
    """Yield rows of the SQLite table: the name of a basket, the value that orders the word and its rest (see
    :func:`place_of`), the word, and its weight."""
    (_, group, order, weight, _), without, first = columns, 0, kind_given
    for name, (cell, basket, *others) in chain.from_iterable(map(Block.rows, blocks)):
        key = basket if type(basket) is int and abs(basket) < 2**63 else text_of(name, basket)
        at, rest = None, 0.0
        if key is None:
            without += 1
            continue
        if order is not None:
            kind, at, rest = place_of(name, others[0], order)
            first = first or kind
            if kind != first:
                remedy = "; give a half-life with a unit, 30d, and --since as a date" if kind_given == "number" else ""
                raise InputError(
                    f"{name}: {others[0]!r:.60} in {order!r} is a {kind}, but a {first} is expected{remedy}"
                )
        counts = 1.0 if weight is None else weight_of(name, others[-1], weight)
        times = math.ceil(counts)
        for word in words(name, cell):
            yield from repeat((key, at, rest, word, counts / times), times)
    if without:
        logger.warning("rows without %r are left out: %s", group, f"{without:,}")


def _named(rows: Iterator[tuple[Any, ...]]) -> tuple[Key, _Placed]:
    """Return the name of a group, and its words with their places and weights."""
    name, *first = next(rows)
    return name, (row[1:] for row in chain([(name, *first)], rows))


def _drop_rare(database: sqlite3.Connection, least: int) -> None:
    """Leave out the rows of words that fewer than ``least`` groups have."""
    rare = "SELECT word FROM words GROUP BY word HAVING COUNT(DISTINCT CAST(basket AS TEXT)) < ?"
    if rows := database.execute(f"DELETE FROM words WHERE word IN ({rare})", [least]).rowcount:
        logger.warning("rows whose item fewer than %s groups have are left out: %s", least, f"{rows:,}")


def text_of(name: str, cell: object) -> str | None:
    """Return a cell as one word, or None if the cell is missing or empty. Numbers stay as written, except that 12.0
    becomes 12."""
    if type(cell) is str or type(cell) is int:  # a fast path for nearly all cells
        return str(cell) or None
    if cell is None or is_nan(cell) or cell == "":
        return None
    if not isinstance(cell, str | Number | date):
        raise InputError(f"{name} holds {cell!r:.80}, which is neither text nor a number: name another column")
    return as_written(cell)


def is_nan(cell: Any) -> bool:
    """Return whether a cell is not equal to itself. The missing values NaN and pandas' NaT are not equal to
    themselves."""
    try:
        return bool(cell != cell)
    except (ArithmeticError, TypeError):  # raised by Decimal's signalling NaN and by pandas' NA
        return True


def as_written(cell: object) -> str:
    """Return a cell as text. The float 12.0 becomes 12, because pandas stores integers as floats if a cell of their
    column is missing."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def place_of(name: str, place: object, order: str) -> tuple[str, int | float, float]:
    """Parse a row's cell in the column ``order``. Return the kind of the cell, "number" or "date", its value, and the
    rest that the value cannot hold, which orders rows of equal value. The value of a date is the number of seconds
    since 1970."""
    cell: Any = _parsed(place) if isinstance(place, str) else place
    if isinstance(cell, Integral) and -(2**63) <= int(cell) < 2**63:  # float64 cannot hold all such integers exactly
        return "number", int(cell), 0.0
    if isinstance(cell, Real | Decimal) and not is_nan(cell):
        with contextlib.suppress(OverflowError):
            value = float(cell)
            return "number", value, _rest(place if isinstance(place, str) else cell, value)
    if isinstance(cell, date) and not is_nan(cell):
        rest = getattr(cell, "nanosecond", 0)  # of a timestamp of pandas
        if isinstance(place, str) and (digits := _NANOSECONDS.search(place)):
            rest = float(f"0.{digits[1]}")
        cell = cell.to_pydatetime(warn=False) if hasattr(cell, "to_pydatetime") else cell
        moment = cell if isinstance(cell, datetime) else datetime.combine(cell, time())
        return "date", (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), rest
    raise InputError(
        f"{name}: {place!r:.60} in {order!r} is neither a number nor a date such as 2026-11-27, so it has no place in "
        "the order: correct it, or name another column"
    )


def _rest(number: object, value: float) -> float:
    """Return how much larger a number is than the float64 ``value`` to which it was rounded."""
    exact = int(number) if isinstance(number, Integral) else number
    if not isinstance(exact, str | int | Decimal) or not math.isfinite(value):
        return 0.0
    return float(Decimal(exact) - Decimal(value))


def half_life(name: str, value: Any) -> float | str:
    """Return a checked half-life: a number, or text such as 30d. Raise InputError if it is not above 0."""
    text = str(value).strip().lower()
    number = _parsed(text[:-1] if text[-1:] in UNITS else text)
    if not isinstance(number, int | float) or not 0 < number < math.inf:
        raise InputError(
            f"{name} must be a time above 0, such as 30d, 12h or 4w (units: {', '.join(UNITS)}), or a number in the "
            f"unit of the column that orders the rows, not {value!r:.60}"
        )
    return text if text[-1:] in UNITS else float(number)


def weights_by_age(places: Any, half_life: float | str) -> Any:
    """Return .5^(age/half-life) for each place, float32. The age of the latest place is 0, and NaN becomes 1."""
    unit = UNITS[half_life[-1]] if isinstance(half_life, str) else 1
    life = float(half_life[:-1] if isinstance(half_life, str) else half_life) * unit
    places = np.asarray(places, np.float64)
    latest = np.nanmax(places) if len(places) else 0.0
    return np.nan_to_num(0.5 ** ((latest - places) / life), nan=1.0).astype(np.float32)


def repeated(blocks: Iterable[Block], weight: str) -> Iterator[Block]:
    """Yield blocks of the first column in which each row occurs as often as its cell in the second column says.

    Each block is yielded once with all rows, once with the rows that count twice or more, and so on. Blocks therefore
    stay small, and the copies of a row are not all next to each other.
    """
    for block in blocks:
        cells, weights = block.cells()
        counts = [weight_of(block.name(place), cell, weight, True) for place, cell in enumerate(weights)]
        times = np.array(counts, np.int64)
        for least in range(1, times.max(initial=0) + 1):
            places = np.flatnonzero(times >= least).tolist()
            numbers = [block.numbers[place] for place in places]
            yield block._replace(numbers=numbers, columns=[[cells[place] for place in places]])


def weight_of(name: str, cell: object, column: str, is_whole: bool = False) -> float:
    """Return the weight of a row: the number of times that the row counts."""
    weight: Any = _parsed(cell) if isinstance(cell, str) else cell
    is_number = isinstance(weight, Real | Decimal) and not is_nan(weight)
    if is_number and 0 < weight <= LARGEST_WEIGHT and not (is_whole and weight % 1):
        return float(weight)
    limits, others = f"a number above 0, and at most {LARGEST_WEIGHT:,}", ""
    if is_whole:
        limits = f"a whole number from 1 to {LARGEST_WEIGHT:,}"
        others = "; rows of text with other weights can be counted (count --weight-column)"
    raise InputError(f"{name}: {cell!r:.60} in {column!r} is no weight: give {limits}, or leave the row out{others}")


def _parsed(text: str) -> object:
    for parse in (int, float, datetime.fromisoformat):
        try:
            return parse(text.strip())
        except ValueError:
            pass
    return None

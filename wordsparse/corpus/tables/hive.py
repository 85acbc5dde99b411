"""Columns in the names of directories, as Hive, Spark and DuckDB write them: ``lake/month=7/part.parquet``.

Types are as in pyarrow.dataset: a column holds whole numbers if all its values are whole numbers of 32 bits, and text
otherwise.
"""

import re
from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import unquote

NULL = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile("-?[0-9]+")
_SIZE = 2**31

Cell = str | int | None


def cells_of(path: PurePath) -> dict[str, str | None]:
    """Return the columns in the names of a file's directories, with the cell that all rows of the file share."""
    pairs = [part.partition("=") for part in path.parts[:-1]]
    return {unquote(name): None if text == NULL else unquote(text) for name, equals, text in pairs if equals and name}


def typed_cells(paths: Sequence[PurePath]) -> list[dict[str, Cell]]:
    """Return :func:`cells_of` each file of a table, with whole numbers as int."""
    files = [cells_of(path) for path in paths]
    texts = {name for cells in files for name, text in cells.items() if text is not None and not _is_whole(text)}
    return [
        {name: text if text is None or name in texts else int(text) for name, text in cells.items()} for cells in files
    ]


def _is_whole(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and -_SIZE <= int(text) < _SIZE

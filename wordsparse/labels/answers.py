"""Predictions as a file of rows: the cells that are kept of each, its labels, and their probabilities."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from wordsparse import optional
from wordsparse.corpus.tables import Table
from wordsparse.errors import InputError
from wordsparse.files import outputs, storage

Columns: TypeAlias = dict[str, list[Any]]


def check_answers(path: Path) -> None:
    """InputError if predictions cannot be written there."""
    if not outputs.is_stream(path) and path.suffix.lower() not in WRITERS:
        raise InputError(f"{path}: predictions are written as {', '.join(WRITERS)}: choose one of these suffixes")
    storage.check_file(path)


def kept_cells(data: Path, keep: Sequence[str]) -> Columns:
    """The cells of a table in the columns ``keep``."""
    rows = [row for _, row in Table([data]).rows(keep)] if keep else []
    return {name: [row[place] for row in rows] for place, name in enumerate(keep)}


def write_answers(path: Path, kept: Columns, answers: Sequence[Sequence[tuple[str, float]]]) -> None:
    """Write the labels of each row and their probabilities behind its cells ``kept``; a stream receives JSON lines."""
    labels = [[label for label, _ in row] for row in answers]
    probabilities = [[probability for _, probability in row] for row in answers]
    write = _jsonl if outputs.is_stream(path) else WRITERS[path.suffix.lower()]
    storage.write_file(path, write({**kept, "labels": labels, "probabilities": probabilities}))


def _jsonl(columns: Columns) -> bytes:
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    return text.encode("utf-8", "surrogateescape")


def _csv(columns: Columns) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*columns])
    for *kept, labels, probabilities in zip(*columns.values(), strict=True):
        table.writerow(
            [*kept, "  ".join(map(str, labels)), " ".join(f"{probability:.4f}" for probability in probabilities)]
        )
    return text.getvalue().encode("utf-8", "surrogateescape")


def _parquet(columns: Columns) -> bytes:
    arrow, parquet = (optional.load("writing Parquet files", name) for name in ("pyarrow", "pyarrow.parquet"))
    file = io.BytesIO()
    parquet.write_table(arrow.table(columns), file)
    return file.getvalue()


WRITERS: dict[str, Callable[[Columns], bytes]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}

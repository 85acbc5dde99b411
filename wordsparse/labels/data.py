"""The rows and the labels in a file, in the form that a classifier takes: texts, or matrices."""

from pathlib import Path
from typing import Any

from wordsparse.corpus.tables import format_of_name, table_rows
from wordsparse.corpus.tables.sparse import read_data
from wordsparse.errors import InputError
from wordsparse.labels.classifier import SparseTargetClassifier
from wordsparse.labels.texts import PREFIX, read_texts


def labelled_rows(
    classifier: SparseTargetClassifier,
    data: Path,
    targets: Path | None,
    source: dict[str, str],
    *,
    may_grow: bool = False,
) -> tuple[Any, Any]:
    """Read the rows or texts of a file as :func:`rows_of`. Raise InputError if none has a label."""
    X, Y = rows_of(classifier, data, targets, source, may_grow=may_grow)
    if not classifier.takes_texts and not Y.nnz:
        raise InputError(f"{targets or data}: no row has a label: give at least one")
    if classifier.takes_texts and not any(Y):
        in_words, in_column = f"write labels as words {PREFIX}NAME", "name the column of the labels, --labels NAME"
        raise InputError(f"{data}: no text has a label: {in_column if 'column' in source else in_words}")
    return X, Y


def rows_of(
    classifier: SparseTargetClassifier,
    data: Path,
    targets: Path | None,
    source: dict[str, str],
    *,
    may_grow: bool = False,
) -> tuple[Any, Any]:
    """Read the rows or texts of a file and their labels. If the classifier is fitted, use its numbers of features and
    labels, as the least numbers if ``may_grow``."""
    if classifier.takes_texts:
        if targets is not None:
            raise InputError("--targets belongs to an npz file: leave --targets out for texts")
        return read_texts(data, **source)
    sizes = {}
    if hasattr(classifier, "classes_"):
        sizes = {"n_features": classifier.n_features_in_, "n_labels": len(classifier.classes_)}
    if may_grow and sizes:
        X, Y = read_data(data, targets)
        return _widened(X, sizes["n_features"]), _widened(Y, sizes["n_labels"])
    return read_data(data, targets, **sizes)


def _widened(matrix: Any, columns: int) -> Any:
    """Return a CSR matrix with at least this number of columns."""
    shape = matrix.shape[0], max(matrix.shape[1], columns)
    return type(matrix)((matrix.data, matrix.indices, matrix.indptr), shape=shape)


def cells_of(data: Path, column: str, option: str) -> list[Any]:
    """Read a column of a table. Raise InputError if the file is no table."""
    if format_of_name(data) is None:
        raise InputError(f"{data}: is not a table, so {option} does not apply")
    return [cell for _, (cell,) in table_rows(data, [column])]


def numbers_of(data: Path, column: str) -> list[float]:
    """Read a column of a table as numbers. Raise InputError if the file is no table, or a cell is no number."""
    numbers = []
    for row, cell in enumerate(cells_of(data, column, "--weight-column"), 1):
        try:
            numbers.append(float(cell))
        except (TypeError, ValueError):
            raise InputError(f"{data}: row {row} of {column!r} is {cell!r:.40}, not a number") from None
    return numbers

"""``wordsparse documents``: a vector for each line, or each row, of a text.

:mod:`wordsparse.vectors.encoder` defines the vectors.
"""

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import click
import numpy as np

from wordsparse.cli.common import counted, emit, json_option, output_option, quiet_option, report_stream
from wordsparse.cli.options import corpus_argument, options_of, text_for
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.corpus.tables import writing
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files import outputs, storage
from wordsparse.files.escaping import number_of
from wordsparse.vectors.encoder import BATCH, batches
from wordsparse.vectors.word_vectors import WordVectors

# The column of the vectors in the output.
VECTOR = "vector"


@click.command("documents")
@click.argument("model")
@corpus_argument
@output_option("Parquet (.parquet), JSON lines (.jsonl) or NumPy (.npy) file to replace; - prints JSON lines.")
@click.option("--keep", metavar="NAME,NAME", help="Columns of the table to copy to the output; needs --column.")
@options_of(TextOptions, ["format", "column", "group_by", "weight_column"])
@quiet_option
@json_option
def command(
    model: str,
    corpus: tuple[Path, ...],
    output: Path,
    keep: str | None,
    format: str | None,
    column: str | None,
    group_by: str | None,
    weight_column: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write the vector of each line, or of each row, of a text.

    With --column, the text is a column of a table. With --group-by, rows that share a value form one document, such as
    all items of a user. The text is split into words in the same way as the training text of MODEL. A vector is the
    mean of the words' vectors, with more weight for rare words, scaled to unit length. A line that has no word with a
    vector, such as an empty line, gets zeros. The text is read piece by piece, so any number of lines takes the same
    memory. - is standard input. If standard input is read and standard output is written, each line is answered as it
    arrives.
    """
    from wordsparse.corpus.reading import joined
    from wordsparse.machine.threads import resolve_threads
    from wordsparse.words.model_directory import files_of, load
    from wordsparse.words.prediction import log_of

    columns = keep.split(",") if keep else []
    if columns and group_by is not None:
        raise InputError(f"--keep needs single rows, but --group-by {group_by} joins rows: leave one of them out")
    if weight_column is not None and group_by is None:
        raise InputError(f"--weight-column {weight_column} applies to grouped rows: name their column too (--group-by)")
    writing.check_names("--keep" if columns else "--group-by", [group_by] if group_by else columns, [VECTOR])
    report = report_stream(output, as_json)
    storage.check_apart(output, [*files_of(model), *corpus])
    trained = load(model, mapped=True)
    source = (
        text_for(trained, corpus, format, column)
        if group_by is None
        else log_of(trained, list(corpus), format, column=column, group_by=group_by, weight_column=weight_column)
    )
    if columns and source.column is None:
        raise InputError("--keep names columns of a table: name the column of the text too, with --column")
    workers = resolve_threads(None)
    are_lines = source.column is None and format in (None, "lines")
    piped = report is not None and list(corpus) == [STANDARD_INPUT] and are_lines

    def rows() -> Iterator[Row]:
        if group_by is not None:
            yield from (Row((name,), [word for word, _ in placed]) for name, placed in source.baskets())
        elif source.column is not None:
            yield from (
                Row(cells, [*itertools.chain(*sentences)]) for _, cells, sentences in source.rows(columns, workers)
            )
        elif piped:
            yield from (Row((), trained.split(line)) for line in sys.stdin)
        else:
            yield from (Row((), words) for words in joined(source.pieces(workers), blank=True))

    with Display(not quiet and not piped) as display:
        counting = counted(rows(), display, "documents", "documents")
        made = write(trained.wv, counting, output, [group_by] if group_by else columns, 1 if piped else None)
    lines = [f"{number_of(made.documents, 'document')} x {made.dim} -> {output}"]
    zeros = [f"{n:,} {what}" for n, what in ((made.blank, "blank"), (made.unknown, "without a known word")) if n]
    if zeros:
        lines.append(f"{' and '.join(zeros)}: their rows are zeros")
    result = {"output": str(output), "documents": made.documents, "dim": made.dim, "blank": made.blank}
    emit({**result, "without_words": made.blank + made.unknown}, lines, as_json, report)


class Written(NamedTuple):
    """The result of :func:`write`, which has written ``documents`` rows of ``dim`` numbers. ``blank`` documents have no
    words, and ``unknown`` documents have no known word; the rows of these documents are zeros."""

    documents: int
    dim: int
    blank: int
    unknown: int


class Row(NamedTuple):
    """A document: the table cells to write next to its vector, and its words."""

    cells: Sequence[object]
    words: Sequence[str]


def write(
    vectors: WordVectors, documents: Iterable[Row], path: Path, keep: Sequence[str] = (), batch: int | None = None
) -> Written:
    """Write the vectors of documents as they arrive; see :func:`wordsparse.corpus.tables.writing.write`.

    Parameters
    ----------
    path : Path
        The output file, whose suffix decides the format: ``.npy`` or no suffix means a float32 NumPy matrix (n, dim),
        which cannot hold kept columns; other suffixes mean a table with a column ``vector`` after the kept columns.
    keep : sequence of str
        Column names of the kept cells.
    batch : int, optional
        Number of documents encoded at a time, by default BATCH; 1 answers each document as it arrives.
    """
    if keep and path.suffix.lower() in ("", ".npy") and not outputs.is_stream(path):
        raise InputError(f"{path}: a NumPy matrix cannot keep {', '.join(keep)}: write .parquet or .jsonl")
    n = blank = zeros = 0

    def parts() -> Iterator[writing.Part]:
        nonlocal n, blank, zeros
        for rows in batches(documents, batch or BATCH):
            encoded = vectors.encode([row.words for row in rows])
            n, blank = n + len(encoded), blank + sum(not len(row.words) for row in rows)
            zeros += int((~encoded.any(axis=1)).sum())
            yield {**{name: [row.cells[i] for row in rows] for i, name in enumerate(keep)}, VECTOR: encoded}
        if n == 0:
            yield {**dict.fromkeys(keep, ()), VECTOR: np.zeros((0, vectors.dim), np.float32)}

    writing.write(path, parts(), WRITERS)
    return Written(n, vectors.dim, blank, zeros - blank)


def _write_npy(file: IO[bytes], parts: Iterable[writing.Part]) -> None:
    # NumPy pads the header of an .npy file, so it can be rewritten in place once the number of rows is known.
    n = 0
    for part in parts:
        rows = np.ascontiguousarray(part["vector"], "<f4")
        if n == 0:
            _write_header(file, (0, rows.shape[1]))
        file.write(rows.tobytes())
        n += len(rows)
    file.seek(0)
    _write_header(file, (n, rows.shape[1]))


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


WRITERS: dict[str, writing.Writer] = {"": _write_npy, ".npy": _write_npy, **writing.WRITERS}

"""``wordsparse documents``: the vectors of the lines, or of the rows, of a text."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from wordsparse.cli.common import counted, emit, json_option, output_option, quiet_option, report_stream
from wordsparse.cli.options import column_options, corpus_argument, text_for
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of


@click.command("documents")
@click.argument("model")
@corpus_argument
@output_option("Parquet (.parquet), JSON lines (.jsonl) or NumPy (.npy) file, replaced; - for JSON lines.")
@click.option("--keep", metavar="NAME,NAME", help="Columns to keep beside the vectors, with --column.")
@column_options
@quiet_option
@json_option
def command(
    model: str,
    corpus: tuple[Path, ...],
    output: Path,
    keep: str | None,
    format: str | None,
    column: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write the vector of each line, or of each row, of a text.

    With --column the text is in rows. The text is split into words as the model's own text was. A vector is the mean of
    the words' vectors, rare words weighing more, scaled to length one. A line without a word that has a vector, an
    empty one too, has zeros. The text is read as it comes: any number of lines takes the same memory. - is standard
    input; to standard output each of its lines is answered as it comes.
    """
    from wordsparse.corpus.reading import joined
    from wordsparse.files.storage import check_apart
    from wordsparse.machine.threads import resolve_threads
    from wordsparse.unseen.documents import Row, write
    from wordsparse.words.model_directory import files_of, load

    kept = keep.split(",") if keep else []
    report = report_stream(output, as_json)
    check_apart(output, [*files_of(model), *corpus])
    trained = load(model, mapped=True)
    source = text_for(trained, corpus, format, column)
    if kept and source.column is None:
        raise InputError("--keep names columns of rows: name the column of their text too, --column")
    workers = resolve_threads(None)
    are_lines = source.column is None and format in (None, "lines")
    piped = report is not None and list(corpus) == [STANDARD_INPUT] and are_lines

    def rows() -> Iterator[Row]:
        if source.column is not None:
            yield from (
                Row(cells, [*itertools.chain(*sentences)]) for _, cells, sentences in source.rows(kept, workers)
            )
        elif piped:
            yield from (Row((), trained.split(line)) for line in sys.stdin)
        else:
            yield from (Row((), words) for words in joined(source.pieces(workers), blank=True))

    with Display(not quiet and not piped) as display:
        counting = counted(rows(), display, "documents", "documents")
        made = write(trained.wv, counting, output, kept, 1 if piped else None)
    said = [f"{number_of(made.documents, 'document')} x {made.dim} -> {output}"]
    zeros = [f"{n:,} {what}" for n, what in ((made.blank, "blank"), (made.unknown, "without a known word")) if n]
    if zeros:
        said.append(f"{' and '.join(zeros)}: their rows are zeros")
    result = {"output": str(output), "documents": made.documents, "dim": made.dim, "blank": made.blank}
    emit({**result, "without_words": made.blank + made.unknown}, said, as_json, report)

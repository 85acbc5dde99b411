"""``wordsparse documents``: the vectors of the lines, or of the rows, of a text."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import counted, emit, json_option, output_option, quiet_option
from wordsparse.cli.text_options import corpus_argument, model_text_options, text_for
from wordsparse.display import Display
from wordsparse.errors import InputError


@click.command("documents")
@click.argument("model")
@corpus_argument
@output_option("NumPy matrix (.npy) or Parquet file (.parquet), replaced if it exists.")
@click.option(
    "--sif", is_flag=True, help="The weighted mean of the words' vectors instead, which is better for similarity."
)
@click.option("--both", is_flag=True, help="Both, one after the other: better as features of a classifier.")
@model_text_options
@quiet_option
@json_option
def command(
    model: str, corpus: tuple[Path, ...], output: Path, sif: bool, both: bool, quiet: bool, as_json: bool, **text: Any
) -> None:
    """Write the vector of each line of a text, or with --column of each row, a row of float32 numbers, by MODEL.

    The text is split into words as the model's own text was. By default a vector is the exact input whose targets are
    the words of the line. A line without a known word, an empty one too, has zeros. The text is read as it comes: any
    number of lines takes the same memory. - is standard input.
    """
    from wordsparse.unseen.documents import write
    from wordsparse.words.model_directory import load

    if sif and both:
        raise InputError("give --sif or --both, one of the two")
    trained = load(model)
    with Display(not quiet) as display:
        documents = counted(text_for(trained, corpus, **text).documents(), display, "documents", "documents")
        made = write(trained, documents, output, sif=sif, both=both)
    said = [f"{made.documents:,} documents x {made.dim} -> {output}"]
    zeros = [f"{n:,} {what}" for n, what in ((made.blank, "are blank"), (made.unknown, "hold no known word")) if n]
    if zeros:
        said.append(f"{' and '.join(zeros)}: their rows are zeros")
    result = {"documents": made.documents, "dim": made.dim, "without_words": made.blank + made.unknown}
    emit({"output": str(output), **result, "blank": made.blank}, said, as_json)

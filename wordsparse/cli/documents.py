"""``wordsparse documents``: the vectors of the lines, or of the rows, of a text."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import counted, emit, json_option, output_option, quiet_option
from wordsparse.cli.text_options import corpus_argument, model_text_options, text_for
from wordsparse.display import Display


@click.command("documents")
@click.argument("model")
@corpus_argument
@output_option("NumPy matrix (.npy) or Parquet file (.parquet), replaced if it exists.")
@model_text_options
@quiet_option
@json_option
def command(model: str, corpus: tuple[Path, ...], output: Path, quiet: bool, as_json: bool, **text: Any) -> None:
    """Write the vector of each line of a text, or with --column of each row, a row of float32 numbers, by MODEL.

    The text is split into words as the model's own text was. A vector is the mean of the words' vectors, rare words
    weighing more, scaled to length one. A line without a word that has a vector, an empty one too, has zeros. The text
    is read as it comes: any number of lines takes the same memory. - is standard input.
    """
    from wordsparse.unseen.documents import write
    from wordsparse.words.model_directory import load

    trained = load(model)
    with Display(not quiet) as display:
        documents = counted(text_for(trained, corpus, **text).documents(), display, "documents", "documents")
        made = write(trained.wv, documents, output)
    said = [f"{made.documents:,} documents x {made.dim} -> {output}"]
    zeros = [f"{n:,} {what}" for n, what in ((made.blank, "are blank"), (made.unknown, "hold no known word")) if n]
    if zeros:
        said.append(f"{' and '.join(zeros)}: their rows are zeros")
    result = {"documents": made.documents, "dim": made.dim, "without_words": made.blank + made.unknown}
    emit({"output": str(output), **result, "blank": made.blank}, said, as_json)

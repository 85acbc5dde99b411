"""``wordsparse documents``: the vectors of the lines of a text."""

from pathlib import Path

import click

from wordsparse.cli.common import counted, emit, json_option, quiet_option
from wordsparse.cli.text_options import corpus_argument
from wordsparse.display import Display
from wordsparse.errors import InputError


@click.command("documents")
@click.argument("model")
@corpus_argument
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="NumPy file (.npy), replaced if it exists."
)
@click.option(
    "--sif", is_flag=True, help="The weighted mean of the words' vectors instead, which is better for similarity."
)
@click.option("--both", is_flag=True, help="Both, one after the other: better as features of a classifier.")
@quiet_option
@json_option
def command(
    model: str, corpus: tuple[Path, ...], output: Path, sif: bool, both: bool, quiet: bool, as_json: bool
) -> None:
    """Write the vector of each line of a text, a float32 matrix with a row for each line, by the vectors of MODEL.

    By default a vector is the exact input whose targets are the words of the line. A line without a known word, an
    empty one too, has zeros. The text is read as it comes: any number of lines takes the same memory. - is standard
    input.
    """
    from wordsparse.unseen.documents import lines, write_npy
    from wordsparse.words.model_directory import load

    if sif and both:
        raise InputError("give --sif or --both, one of the two")
    trained = load(model)
    with Display(not quiet) as display:
        text = counted(lines(list(corpus)), display, "documents", "documents")
        count, unknown, dim = write_npy(trained, text, output, sif=sif, both=both)
    said = [f"{count:,} documents x {dim} -> {output}"]
    if unknown:
        said.append(f"{unknown:,} of them hold no known word and have zeros")
    emit({"output": str(output), "documents": count, "dim": dim, "without_words": unknown}, said, as_json)

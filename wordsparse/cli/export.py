"""``wordsparse export``: word vectors written in another format."""

import sys
from pathlib import Path

import click

from wordsparse.cli.common import Completed, emit, json_option
from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.vectors.formats import FORMATS, PRECISIONS, READABLE

_ONE_WAY = " and ".join(name for name in FORMATS if name not in READABLE)


@click.command("export")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write, replaced if it exists; - for standard output. model2vec makes a new directory.",
)
@click.option(
    "--format",
    "format_name",
    type=Completed(list(FORMATS)),
    required=True,
    metavar="F",
    help=f"One of {', '.join(FORMATS)}. {_ONE_WAY} are for other programs: wordsparse does not read them.",
)
@click.option(
    "--precision",
    type=Completed(list(PRECISIONS)),
    metavar="P",
    default=PRECISIONS[0],
    show_default=True,
    help=f"Number type of the stored vectors: one of {', '.join(PRECISIONS)}.",
)
@click.option(
    "--whiten",
    type=click.Choice(["zipf"]),
    help="Centre and whiten the vectors first, each word weighted by its frequency, for vectors of sentences.",
)
@json_option
def command(model: str, output: str, format_name: str, precision: str, whiten: str | None, as_json: bool) -> None:
    """Write the vectors of a model, or of any file that evaluate reads, in another format."""
    from wordsparse.vectors.formats import save_vectors
    from wordsparse.vectors.whitening import zipf_whitened
    from wordsparse.words.model_directory import read_vectors

    to_standard_output = outputs.is_standard_output(Path(output))
    if to_standard_output and as_json:
        raise InputError("--json and --output name both standard output: write the vectors to a file")
    word_vectors = read_vectors(model)
    if whiten:
        word_vectors = zipf_whitened(word_vectors)
    files = [str(path) for path in save_vectors(word_vectors, output, format_name, precision)]
    result = {
        "files": files,
        "format": format_name,
        "precision": precision,
        "whiten": whiten,
        "vocab_size": len(word_vectors),
        "dim": word_vectors.dim,
    }
    said = [f"{len(word_vectors):,} words x {word_vectors.dim} -> {', '.join(files)}"]
    if word_vectors.subwords is not None:
        result["subwords"] = format_name == "npz"
        if not result["subwords"]:
            said.append(
                "the n-grams are left out: of these formats only npz holds them, so unknown words have no vector"
            )
    emit(result, said, as_json, sys.stderr if to_standard_output else sys.stdout)

"""``wordsparse export``: word vectors written in another format."""

import sys
from pathlib import Path

import click

from wordsparse.cli.common import Choice, Completed, emit, json_option
from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.vectors.formats import FORMATS, READABLE, named, of_suffix
from wordsparse.vectors.precision import PRECISIONS

_ONE_WAY = ", ".join(name for name in FORMATS if name not in READABLE)
_LISTED = "\n".join(f"{name}: {format.about}" for name, format in FORMATS.items())


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
    metavar="F",
    help=f"The format.  [default: as the suffix of FILE says] {_ONE_WAY} are for other programs: wordsparse does not "
    f"read them.\n\n\b\n{_LISTED}",
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
    type=Choice(["zipf"]),
    help="Centre and whiten the vectors first, each word weighted by its frequency, for vectors of sentences.",
)
@json_option
def command(
    model: str, output: str, format_name: str | None, precision: str, whiten: str | None, as_json: bool
) -> None:
    """Write the vectors of a model, or of any file that evaluate reads, in another format."""
    from wordsparse.vectors.whitening import zipf_whitened
    from wordsparse.vectors.word_vectors import save_vectors
    from wordsparse.words.model_directory import read_vectors

    to_standard_output = outputs.is_standard_output(Path(output))
    if to_standard_output and as_json:
        raise InputError("--json and --output name both standard output: write the vectors to a file")
    format_name = (of_suffix(Path(output)) if format_name is None else named(format_name)).name
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
        result["subwords"] = FORMATS[format_name].composes
        if not result["subwords"]:
            said.append("the n-grams are left out: only npz has some, so unknown words have no vector")
    emit(result, said, as_json, sys.stderr if to_standard_output else sys.stdout)

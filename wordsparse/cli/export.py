"""``wordsparse export``: word vectors written in another format."""

import click

from wordsparse.cli.common import emit, json_option
from wordsparse.vectors.formats import FORMATS


@click.command("export")
@click.argument("model")
@click.option("-o", "--output", required=True, metavar="FILE", help="File to write; replaced if it exists.")
@click.option("--format", "format_name", required=True, metavar="F", help=f"One of {', '.join(FORMATS)}.")
@json_option
def command(model: str, output: str, format_name: str, as_json: bool) -> None:
    """Write the vectors of a model, or of any file that evaluate reads, in another format."""
    from wordsparse.vectors.formats import save_vectors
    from wordsparse.words.model import load_vectors

    word_vectors = load_vectors(model)
    files = [str(path) for path in save_vectors(word_vectors, output, format_name)]
    result = {
        "files": files,
        "format": format_name,
        "vocab_size": len(word_vectors),
        "dim": word_vectors.dim,
    }
    emit(result, f"{len(word_vectors)} words x {word_vectors.dim} -> {', '.join(files)}", as_json)

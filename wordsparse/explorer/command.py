"""``wordsparse explore``, which writes a page to explore word vectors in a browser."""

from pathlib import Path

import click

from wordsparse.cli.common import emit, json_option, output_option, quiet_option, report_stream
from wordsparse.explorer import DEFAULT_MAP, DEFAULT_WORDS


@click.command("explore")
@click.argument("model", metavar="MODEL")
@output_option("File to write, replaced if it exists; - for standard output.", "PAGE.html")
@click.option(
    "--words",
    type=click.IntRange(min=1),
    default=DEFAULT_WORDS,
    show_default=True,
    metavar="N",
    help="Number of most frequent words on the page.",
)
@click.option(
    "--map",
    "map_words",
    type=click.IntRange(min=1),
    default=DEFAULT_MAP,
    show_default=True,
    metavar="N",
    help="Number of most frequent words on the map.",
)
@json_option
@quiet_option
def command(model: str, output: Path, words: int, map_words: int, as_json: bool, quiet: bool) -> None:
    """Write one HTML page that shows the vectors of MODEL.

    MODEL: a model directory, or a file in any format that evaluate reads. The page has search, nearest neighbours,
    analogies and a map of the vocabulary. The map uses t-SNE if scikit-learn is installed, otherwise the first two
    principal components.
    """
    from wordsparse.explorer import explore

    report = report_stream(output, as_json)
    result = explore(model, output, words=words, map_words=map_words)
    line = f"{result['file']}: {result['bytes'] / 1e6:.1f} MB; open it in a browser"
    emit(result, [line], as_json, report)

"""``wordsparse search``: the documents that answer a question."""

import sys
from pathlib import Path

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import PATH, check_order, emit, json_option
from wordsparse.corpus.tables import format_of_name
from wordsparse.errors import InputError
from wordsparse.search import Hit

# The number of characters of a cell that are printed.
_WIDTH = 80


@click.command("search")
@click.argument("model", type=PATH)
@click.argument("documents", type=PATH)
@click.argument("question", nargs=-1, required=True)
@click.option("-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of documents to show.")
@click.option("--column", metavar="NAME", help="Column of the texts.  [default: as in MODEL's training table]")
@click.option("--keep", metavar="NAME,NAME", help="Columns of the table to print.  [default: the text]")
@click.option(
    "--weight", default=1.0, show_default=True, help="Weight of shared words; 2 suits names, 0 uses vectors alone."
)
@click.option(
    "--stem",
    metavar="LANGUAGE",
    help="Language of the stems by which words are compared, or none.  [default: told by MODEL]",
)
@click.option("--fit-weights", is_flag=True, help="Compute the weights of words from DOCUMENTS.")
@json_option
def command(
    model: Path,
    documents: Path,
    question: tuple[str, ...],
    n: int,
    column: str | None,
    keep: str | None,
    weight: float,
    stem: str | None,
    fit_weights: bool,
    as_json: bool,
) -> None:
    """Show the documents that answer QUESTION best.

    DOCUMENTS is a table, a text with a document on each line, or the file that `documents --keep` has written, whose
    vectors are used. The score of a document is the cosine of its vector with the vector of QUESTION, plus a number for
    the words that both hold; in brackets are these words. With -, each line of standard input is a question, answered
    as it arrives.
    """
    from wordsparse.search import Search
    from wordsparse.words.model_directory import load

    check_order(model, [str(documents)])
    trained = load(model, mapped=True)
    if column is None and format_of_name(documents) is not None:
        column = trained.call.get("column")
    columns = keep.split(",") if keep else [column] if column else []
    index = Search(trained, documents, column=column, keep=columns, stem=stem, fit_weights=fit_weights)
    lines = (line.strip() for line in sys.stdin) if question == ("-",) else [" ".join(question)]
    for asked in lines:
        hits = index.search(asked, n, weight)
        if not hits and question != ("-",):
            raise InputError(f"no word of {asked!r:.80} is in the documents or in the model: ask with other words")
        emit({"question": asked, "documents": [hit.to_dict() for hit in hits]}, map(_line, hits), as_json)
        if not hits:
            terminal.say([f"wordsparse: no word of {asked!r:.80} is in the documents or in the model"])


def _line(hit: Hit) -> str:
    """Return the score and its parts, the kept cells or the number of the line, and the matched words."""
    cells = [" ".join(str(cell).split())[:_WIDTH] for cell in hit.document.values()]
    parts = f"{hit.score:.3f} = {hit.cosine:.3f} + {hit.score - hit.cosine:.3f}"
    return f"{parts}  {' | '.join(cells) or f'line {hit.row + 1}'}  [{' '.join(hit.matched)}]"

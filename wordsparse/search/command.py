"""``wordsparse search``: the documents that answer a question."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import PATH, check_order, emit, given, json_option
from wordsparse.corpus.tables import format_of_name
from wordsparse.errors import InputError
from wordsparse.search import MANIFEST, Hit, Search
from wordsparse.vectors.ranking import WEIGHT

# The number of characters of a cell, or of a text, that are printed.
_WIDTH = 80
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def index_options(function: Decorated) -> Decorated:
    """Add the options of an index of documents."""
    for option in (
        click.option(
            "--stem",
            metavar="LANGUAGE",
            help="Language of the stems by which words are compared, or none.  [default: told by MODEL]",
        ),
        click.option("--keep", metavar="NAME,NAME", help="Columns of the table to print, and for --filter."),
        click.option(
            "--passages",
            metavar="N",
            type=click.IntRange(min=1),
            help="Rank long documents by their best passage of N words, and show this passage.",
        ),
        click.option(
            "--column",
            metavar="NAME,NAME",
            help="Columns of the texts; in title^3,text, the title counts three times.  [default: as in MODEL's "
            "training table]",
        ),
    ):
        function = option(function)
    return function


def index_of(model: Path, documents: Path, column: str | None = None, keep: str | None = None, **how: Any) -> Search:
    """Return an index of documents, with the options of :func:`index_options`."""
    from wordsparse.words.model_directory import load

    check_order(model, [str(documents)])
    trained = load(model, mapped=True)
    if column is None and format_of_name(documents) is not None:
        column = trained.call.get("column")
    return Search(trained, documents, column=column, keep=keep.split(",") if keep else [], **how)


@click.command("search")
@click.argument("index", type=PATH)
@click.argument("question", nargs=-1, required=True)
@click.option("-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of documents to show.")
@click.option(
    "--filter", metavar="SQL", help="Rank only these documents, such as \"year >= 2003 AND section = 'art'\"."
)
@click.option(
    "--word-weight",
    default=WEIGHT,
    show_default=True,
    help="Weight of shared words; 1 suits topics, 0 uses vectors.",
)
@index_options
@json_option
def command(
    index: Path, question: tuple[str, ...], n: int, filter: str | None, word_weight: float, as_json: bool, **how: Any
) -> None:
    """Show the documents that answer QUESTION best.

    INDEX is written by `wordsparse index`. In its place, MODEL DOCUMENTS makes an index for this question, which takes
    longer: DOCUMENTS is a table, or a text with a document on each line. The score of a document is the cosine of its
    vector with the vector of QUESTION, plus a number for the words that both hold; in brackets are these words. With -,
    each line of standard input is a question, answered as it arrives.
    """
    if (index / MANIFEST).is_file():
        if options := given(how):
            raise InputError(f"--{next(iter(options)).replace('_', '-')} is an option of `wordsparse index`")
        searched = Search.load(index)
    else:
        documents, *question = question  # type: ignore[assignment]
        if not question:
            raise InputError(f"{index}: is no index: name an index, or a model and documents, and then ask a question")
        searched = index_of(index, Path(str(documents)), **given(how))
    lines = (line.strip() for line in sys.stdin) if [*question] == ["-"] else [" ".join(question)]
    for asked in lines:
        hits = searched.search(asked, n, word_weight, filter=filter)
        if not hits and filter is None and [*question] != ["-"]:
            raise InputError(f"no word of {asked!r:.80} is in the documents or in the model: ask with other words")
        shown = (_line(hit, searched.column is not None) for hit in hits)
        emit({"question": asked, "documents": [hit.to_dict() for hit in hits]}, shown, as_json)
        if not hits:
            terminal.say([f"wordsparse: no document{' of the filter' * (filter is not None)} answers {asked!r:.80}"])


def _line(hit: Hit, in_table: bool) -> str:
    """Return the score and its parts, the kept cells, the text or the number of the line, and the matched words."""
    cells = [" ".join(str(cell).split())[:_WIDTH] for cell in hit.document.values()]
    parts = f"{hit.score:.3f} = {hit.cosine:.3f} + {hit.score - hit.cosine:.3f}"
    other = hit.snippet(_WIDTH) if in_table else f"line {hit.row + 1}"
    return f"{parts}  {' | '.join(cells) or other}  [{' '.join(hit.matched)}]"

"""``wordsparse index``: an index of documents, for `wordsparse search`."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH, emit, given, json_option, lines_of, quiet_option
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of
from wordsparse.search import MANIFEST, Search
from wordsparse.search.command import index_of, index_options


@click.command("index")
@click.argument("model", type=PATH)
@click.argument("documents", type=PATH, required=False)
@click.option("-o", "--output", type=PATH, help="Index to write.  [default: the index that changes]")
@index_options
@click.option("--id", metavar="NAME", help="Column that identifies documents, which is kept, for changes.")
@click.option("--delete", type=PATH, metavar="FILE", help="Delete the documents whose ids are the lines of a file.")
@click.option("--overwrite", is_flag=True, help="Replace an index at the output, when the new one is complete.")
@quiet_option
@json_option
def command(
    model: Path,
    documents: Path | None,
    output: Path | None,
    delete: Path | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Write an index of documents, or change an index.

    DOCUMENTS is a table, or a text with a document on each line. If MODEL is itself an index, the rows of DOCUMENTS
    take the place of its documents with the same ids, and other rows are added; an index without ids only grows. The
    index is replaced in one step, and programs that have loaded the old index keep using it.
    """
    if (model / MANIFEST).is_file():
        if options := given(how):
            raise InputError(f"--{next(iter(options)).replace('_', '-')} cannot change in an index: make a new one")
        index = Search.load(model)
        if delete is not None:
            # If both the number 7 and the text "7" are ids, a line 7 names the text.
            known = {str(each): each for each in sorted(index.ids, key=lambda each: isinstance(each, str))}
            index.delete([known.get(line, line) for line in lines_of(delete)])
        if documents is not None:
            (index.add if index.id is None else index.update)(documents)
        output, overwrite = output or model, overwrite or output is None
    elif documents is None or output is None or delete is not None:
        raise InputError(f"{model}: is no index: name an index to change, or MODEL DOCUMENTS -o INDEX to make one")
    else:
        index = index_of(model, documents, **given(how))
    index.save(output, overwrite=overwrite)
    result = {"output": str(output), "documents": len(index), "dim": index.model.dim, "stem": index.stem}
    words = f"stems: {index.stem}"
    emit(result, [f"{number_of(len(index), 'document')} x {index.model.dim} -> {output} ({words})"], as_json)

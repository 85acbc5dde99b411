"""``wordsparse subwords``: n-grams fitted to the vectors of a model or of a file."""

import os
from pathlib import Path

import click

from wordsparse.cli.common import emit, json_option, output_option
from wordsparse.errors import InputError
from wordsparse.words import form as words_form


@click.command("subwords")
@click.argument("model", required=False)
@click.option("--vectors", metavar="FILE", help="File of word vectors from any tool, most frequent words first.")
@output_option("A model directory for MODEL; an npz file for --vectors, replaced if it exists.")
@click.option("--shortest", type=int, help="Length of the shortest n-grams.")
@click.option("--longest", type=int, help="Length of the longest n-grams.")
@click.option(
    "--form",
    type=float,
    default=1.0,
    show_default=True,
    metavar="STRENGTH",
    help="How strongly each word's n-grams are blended into its vector. 0 does not blend; 2 improves analogies of "
    "inflected forms, at the expense of names.",
)
@json_option
def command(
    model: str | None,
    vectors: str | None,
    output: Path,
    shortest: int | None,
    longest: int | None,
    form: float,
    as_json: bool,
) -> None:
    """Fit n-grams of characters to finished vectors.

    Each word's n-grams are blended into its vector. A word that is not in the vocabulary gets the mean of the vectors
    of its n-grams. MODEL: a model directory. The length of an n-gram is its number of characters in <word>, brackets
    included. By default, n-grams have 1 to 3 characters if words have fewer than 4 characters on average, as in
    Japanese and Chinese; 1 to 5 for an agglutinative language, such as Hungarian; otherwise 3 to 6.
    """
    from wordsparse.files import storage
    from wordsparse.vectors.formats import read_file, save_vectors
    from wordsparse.words.model_directory import load

    if (model is None) == (vectors is None):
        raise InputError("give a MODEL or --vectors FILE, not both")
    if model is not None:
        if not os.path.isdir(model):
            raise InputError(f"{model}: is not a model directory; for a file of word vectors give --vectors {model}")
        storage.check_new_directory(output)
        extended = load(model).fit_ngrams(shortest, longest, form)
        extended.save(output)
        fitted = extended.wv
    else:
        assert vectors is not None
        storage.check_file(output)
        storage.check_apart(output, [vectors])
        fitted = words_form.with_form(read_file(vectors), shortest, longest, form)
        save_vectors(fitted, output, "npz")
    rows = fitted.ngrams
    assert rows is not None
    result = {"output": str(output), "ngrams": len(rows), "ngram_bytes": rows.rows.nbytes}
    result |= {"vocab_size": len(fitted), "dim": fitted.dim}
    result |= {"shortest": rows.index.shortest, "longest": rows.index.longest}
    emit(result, [f"{len(rows):,} n-grams fitted to {len(fitted):,} words x {fitted.dim} -> {output}"], as_json)

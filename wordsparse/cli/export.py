"""``wordsparse export``: word vectors written in another format."""

from pathlib import Path

import click

from wordsparse import validation
from wordsparse.cli.common import Choice, emit, json_option, report_stream, words_in
from wordsparse.errors import InputError
from wordsparse.files.escaping import number_of
from wordsparse.files.unpacking import suffix_of
from wordsparse.tokens.tokenizers import DIGEST
from wordsparse.vectors.compact import DTYPES
from wordsparse.vectors.formats import FORMATS, READABLE, format_of, save_vectors
from wordsparse.vectors.neighbours import kept
from wordsparse.vectors.word_vectors import WordVectors

_ONE_WAY = ", ".join(name for name in FORMATS if name not in READABLE)
_LOSSY = ", ".join(name for name, format in FORMATS.items() if format.is_lossy)
_LISTED = "\n".join(f"{name}: {format.about}" for name, format in FORMATS.items())


@click.command("export")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="File to write, replaced if it exists; - for standard output. For the format model2vec, a new directory.",
)
@click.option(
    "--format",
    "format_name",
    type=Choice(list(FORMATS)),
    metavar="F",
    help=f"Format; the default depends on the suffix of FILE. {_ONE_WAY} are for other programs: wordsparse cannot "
    f"read these formats.\n\n\b\n{_LISTED}",
)
@click.option(
    "--dim", type=click.IntRange(min=1), metavar="K", help="Keep the first K numbers of each vector, which tell most."
)
@click.option(
    "--dtype",
    type=Choice(DTYPES),
    default=DTYPES[0],
    show_default=True,
    metavar="T",
    help=f"Type of the numbers: float32; or, with the formats {_LOSSY}, float16 or int8, which have fewer bits.",
)
@click.option(
    "--words",
    metavar="N|FILE",
    help="Keep the N most frequent words, or the words in FILE, one per line; and at most as many n-grams.",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="Make the vectors of rare words shorter, so that inner products with a vector of length one rank words as "
    "`similar` does.",
)
@json_option
def command(
    model: str,
    output: str,
    format_name: str | None,
    dim: int | None,
    dtype: str,
    words: str | None,
    evidence: bool,
    as_json: bool,
) -> None:
    """Write vectors in the format of another program. MODEL: a model, or any file that evaluate reads.

    --dim, --dtype and --words make smaller files. A line says which share of the ten nearest neighbours of frequent
    words stay the same with fewer numbers or bits.
    """
    from wordsparse.corpus.tables import format_of_name
    from wordsparse.files.storage import check_apart
    from wordsparse.words.model_directory import files_of, read_vectors

    report = report_stream(output, as_json)
    check_apart(output, files_of(model))
    format_name = format_of(Path(output), format_name).name
    if dtype != DTYPES[0] and not FORMATS[format_name].is_lossy:
        raise InputError(f"{format_name} stores {DTYPES[0]}: choose one of the formats {_LOSSY}, or leave --dtype out")
    if evidence and format_name == "model2vec":
        raise InputError("model2vec scales vectors by the weights of words in texts: leave --evidence out")
    whole = _selected(read_vectors(model), words)
    word_vectors = whole if dim is None else whole.truncated(dim)
    if evidence:
        word_vectors = word_vectors.with_evidence()
    if dtype != DTYPES[0]:
        word_vectors = word_vectors.rounded(dtype)
    files = [str(path) for path in save_vectors(word_vectors, output, format_name)]
    result = {
        "files": files,
        "format": format_name,
        "vocab_size": len(word_vectors),
        "dim": word_vectors.dim,
    }
    lines = [f"{number_of(len(word_vectors), 'word')} x {word_vectors.dim} -> {', '.join(files)}"]
    if dim is not None or dtype != DTYPES[0]:
        result["neighbours_kept"] = share = kept(whole, word_vectors)
        lines.append(f"neighbours kept: {share:.0%} of the ten nearest of frequent words")
    if word_vectors.ngrams is not None:
        result["subwords"] = FORMATS[format_name].composes
        # If the model has a tokenizer file, model2vec stores a row for each token in that file. The n-grams give
        # vectors to the tokens that are not in the vocabulary, so no warning is needed.
        if not result["subwords"] and not (format_name == "model2vec" and word_vectors.tokens.startswith(DIGEST)):
            lines.append("the n-grams are left out, so unknown words have no vector: only npz stores n-grams")
    suffix, own = suffix_of(Path(output)), FORMATS[format_name].suffixes
    if suffix not in own and (
        format_of_name(Path(output)) or any(suffix in each.suffixes for each in FORMATS.values())
    ):
        lines.append(f"{output} is in the format {format_name} (--format), although its name suggests another format")
    emit(result, lines, as_json, report)


def _selected(vectors: WordVectors, words: str | None) -> WordVectors:
    """Return the vectors of the words that ``--words`` names: a number of words, or a file."""
    if words is None:
        return vectors
    if words.isdecimal():
        return vectors.selected(vectors.most_frequent(validation.whole("--words", int(words), 1)))
    return vectors.selected(words_in(Path(words), vectors))

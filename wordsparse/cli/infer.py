"""``wordsparse infer``: vectors of new words from a text that holds them."""

from collections import Counter
from pathlib import Path

import click

from wordsparse.cli.common import emit, json_option
from wordsparse.cli.text_options import corpus_argument
from wordsparse.errors import InputError


@click.command("infer")
@click.argument("model")
@corpus_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="npz file, replaced if it exists.")
@click.option("--word", "words", multiple=True, help="A word to infer; repeatable.  [default: all unknown words]")
@click.option(
    "--min-count", type=click.IntRange(min=1), default=2, show_default=True, help="Minimum count of an unknown word."
)
@click.option("--format", help="Format of the text, as of encode.  [default: lines]")
@json_option
def command(
    model: str,
    corpus: tuple[Path, ...],
    output: Path,
    words: tuple[str, ...],
    min_count: int,
    format: str | None,
    as_json: bool,
) -> None:
    """Infer vectors of words that MODEL does not know from the sentences of a text; the model stays as it is.

    The vectors are comparable with those of the model. Where the model has n-grams, they help words that occur rarely.
    - is standard input, which is kept in memory.
    """
    from wordsparse.corpus.reading import sentences
    from wordsparse.corpus.sources import STANDARD_INPUT
    from wordsparse.files import storage
    from wordsparse.vectors.formats import save_vectors
    from wordsparse.words.infer import infer
    from wordsparse.words.model_directory import load

    storage.check_file(output)
    trained = load(model)
    # A text is read twice; standard input is kept, since it comes once.
    kept = list(sentences(list(corpus), format)) if STANDARD_INPUT in corpus else None
    chosen = list(dict.fromkeys(words))
    if not chosen:
        text = kept or sentences(list(corpus), format)
        counts = Counter(token for sentence in text for token in sentence if token not in trained)
        chosen = [word for word, count in counts.most_common() if count >= min_count]
    if not chosen:
        raise InputError(
            f"the text holds no word that occurs {min_count} times and is not in the vocabulary: lower --min-count, "
            "or give more text"
        )
    found = infer(trained, kept or sentences(list(corpus), format), chosen)
    save_vectors(found, output, "npz")
    result = {"output": str(output), "words": len(found), "dim": found.dim, "without_context": len(chosen) - len(found)}
    emit(result, [f"{len(found):,} words x {found.dim} -> {output}"], as_json)

"""``wordsparse vectors``: the vectors of words, a line each."""

import click
import numpy as np

from wordsparse.cli import terminal
from wordsparse.cli.common import asked_lines, check_order, emit, json_option


@click.command("vectors")
@click.argument("model")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@json_option
def command(model: str, words: tuple[str, ...], as_json: bool) -> None:
    """Print the vectors of words. They are composed from n-grams where MODEL does not know a word.

    Each line holds a word and its numbers. A WORD is written as the model's tokeniser writes it. With - the words are
    those of standard input, and each line is answered as it comes; a word that has no vector has zeros there.
    """
    from wordsparse.errors import UnknownWordError
    from wordsparse.vectors.formats._decimals import texts
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    vectors = read_vectors(model)
    zeros = np.zeros(vectors.dim, np.float32)
    for asked in asked_lines(words):
        rows = {}
        for word in asked:
            meant = vectors.meant(word)
            try:
                rows[word] = vectors[meant[0] if len(meant) == 1 else word]
            except UnknownWordError as error:
                if words != ("-",):
                    raise
                terminal.say([f"wordsparse: {error}: zeros"])
                rows[word] = zeros
        lines = (f"{word} {texts(row[None])[0].decode()}" for word, row in rows.items())
        emit({"vectors": {word: row.tolist() for word, row in rows.items()}}, lines, as_json)

"""``wordsparse vectors``: the vectors of words, one per line."""

import click
import numpy as np

from wordsparse.cli.common import Questions, check_order, emit, json_option


@click.command("vectors")
@click.argument("model")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@json_option
def command(model: str, words: tuple[str, ...], as_json: bool) -> None:
    """Print the vectors of words. Words that MODEL does not know get vectors composed from n-grams.

    Each line of the output holds a word and its numbers. WORD is looked up as the model's tokeniser writes it. With -,
    words are read from standard input, and each line is answered as it arrives; a word without a vector gets zeros. A
    line may be a JSON list, whose words may contain spaces.
    """
    from wordsparse.vectors import queries
    from wordsparse.vectors.formats._decimals import texts
    from wordsparse.words.model_directory import read_vectors

    check_order(model, words)
    vectors = read_vectors(model)
    questions = Questions(words, vectors)
    for names in questions:
        rows = dict.fromkeys(names, np.zeros(vectors.dim, np.float32))
        for word in rows:
            meant = queries.meant(vectors, word)
            with questions.answering():
                rows[word] = vectors[meant[0] if len(meant) == 1 else word]
        lines = (f"{word} {texts(row[None])[0].decode()}" for word, row in rows.items())
        emit({"vectors": {word: row.tolist() for word, row in rows.items()}}, lines, as_json)

"""The two tab-separated files of the TensorFlow embedding projector: vectors, and words in the same order."""

from pathlib import Path

from wordsparse.errors import InputError
from wordsparse.vectors.word_vectors import WordVectors


def check_words(word_vectors: WordVectors) -> None:
    """Raise InputError if a word holds a tab or a line end: the files know no quoting."""
    for word in word_vectors.words:
        if "\t" in word or word.splitlines() != [word]:
            raise InputError(
                f"the word {word!r} holds a tab or a line end, which the projector's files cannot;"
                f" the formats npz, safetensors and gensim can hold it"
            )


def write(word_vectors: WordVectors, path: Path) -> None:
    """Write the vectors to ``path`` and the words to ``NAME-metadata.SUFFIX`` beside it.

    The projector wants a header in the metadata exactly if they have several columns: here, if counts are
    known.
    """
    numbers = "\t".join(["%.9g"] * word_vectors.dim)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for vector in word_vectors.vectors:
            file.write(f"{numbers % tuple(vector.tolist())}\n")
    with path.with_stem(f"{path.stem}-metadata").open("w", encoding="utf-8", newline="\n") as file:
        if word_vectors.counts is None:
            file.writelines(f"{word}\n" for word in word_vectors.words)
        else:
            file.write("word\tcount\n")
            counts = word_vectors.counts.tolist()
            file.writelines(f"{word}\t{count}\n" for word, count in zip(word_vectors.words, counts, strict=True))

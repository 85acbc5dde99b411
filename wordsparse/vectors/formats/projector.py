"""The two tab-separated files of the TensorFlow embedding projector: vectors, and words in the same order.

The projector reads a word up to the next tab or line end, without quotes or escapes, so words are written unchanged. A
spreadsheet may interpret some words as formulas, which the author of a text may have intended: a log message counts
these words.
"""

import logging
from pathlib import Path

from wordsparse.errors import InputError
from wordsparse.vectors.formats.base import Content, Format

logger = logging.getLogger(__name__)

# Spreadsheets interpret a cell that begins with one of these as a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@")


class Projector(Format):
    """See the head of this file."""

    name, about, suffixes = "projector", "two files for the TensorFlow embedding projector", (".tsv",)
    readable = False

    def check(self, content: Content) -> None:
        for word in content.words:
            if "\t" in word or word.splitlines() != [word]:
                raise InputError(
                    f"the word {word!r:.80} is empty or holds a tab or a line end, which the projector's files cannot;"
                    f" choose npz, safetensors or gensim, which can hold it"
                )

    def write(self, content: Content, target: Path, precision: str) -> None:
        """Write the vectors to ``path`` and the words to ``NAME-metadata.SUFFIX`` beside it.

        The projector requires a header in the metadata if and only if they have several columns: here, if counts are
        known.
        """
        numbers = "\t".join(["%.9g"] * content.dim)
        with target.open("w", encoding="utf-8", newline="\n") as file:
            for vector in content.vectors:
                file.write(f"{numbers % tuple(vector.tolist())}\n")
        formulas = sum(word.startswith(_FORMULA_STARTS) and len(word) > 1 for word in content.words)
        if formulas:
            logger.warning(
                "%d words begin with one of %s: a spreadsheet may run them as formulas; import the file as text there",
                *(formulas, " ".join(_FORMULA_STARTS)),
            )
        with target.with_stem(f"{target.stem}-metadata").open("w", encoding="utf-8", newline="\n") as file:
            if content.counts is None:
                file.writelines(f"{word}\n" for word in content.words)
            else:
                file.write("word\tcount\n")
                counts = content.counts.tolist()
                file.writelines(f"{word}\t{count}\n" for word, count in zip(content.words, counts, strict=True))

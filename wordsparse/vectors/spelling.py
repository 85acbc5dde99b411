"""Words as people write them: ``Cat,`` stands for the word ``cat`` of a vocabulary whose text was cut at white space.

If the tokeniser is white space, a word without a vector is tried without its outer punctuation, and then in lower case.
Other tokenisers define their words themselves.
"""

import unicodedata


def spellings(word: str) -> tuple[str, str, str]:
    """Return the word, the word without outer punctuation (unless it is only that), and the second in lower case."""
    start, end = 0, len(word)
    while start < end and _is_mark(word[start]):
        start += 1
    while start < end and _is_mark(word[end - 1]):
        end -= 1
    bare = word[start:end] or word
    return word, bare, bare.lower()


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P")

"""Looks at the words of a text for signs that another tokeniser would suit it better, and gives advice."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wordsparse.files.escaping import number_of
from wordsparse.tokens.tokenizers import DIGEST, folded

_PUNCTUATION = frozenset('.,;:!?…。、，；：！？)]»”"।॥،؛؟۔')
_LETTER = re.compile(r"\w")
_HAN = r"\u3400-\u9fff\uf900-\ufaff"
_KANA = r"\u3040-\u30ff"
_OTHERS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_UNSPACED = re.compile(f"[{_HAN}{_KANA}{_OTHERS}]")

PUNCTUATED_SHARE = 0.02
"""The share of tokens ending in punctuation above which the tokeniser has not separated punctuation from words."""
MARKED_SHARE = 0.1
"""The share of words with combining marks (as in Hindi), among words ending in punctuation, above which --tokens
unicode is advised."""
DOUBLE_SHARE = 0.002
"""The share of words that are another word with a mark or another apostrophe, above which a warning says so."""
FEW_WORDS, MANY_TOKENS = 10, 10_000
"""A text with fewer than FEW_WORDS distinct words in more than MANY_TOKENS tokens is probably the wrong text or
column."""
LONG_WORD = 6
"""The minimum length of a word that is probably several words, in a script without spaces."""
MAX_WORDS = 100_000
"""The maximum number of words that are examined for hints."""


def hint(
    words: Sequence[str], counts: NDArray[np.int64], total: int, tokens: str | None, *, are_items: bool = False
) -> str | None:
    """Return advice about the words of a text, or None. ``words`` are the MAX_WORDS most frequent words, ``total`` is
    the number of tokens, and ``tokens`` is the tokeniser's name, or None if it has no name. With ``are_items``, the
    words are names of items, which may be spelt in any way.
    """
    if not words:
        return None
    if len(words) < FEW_WORDS and total > MANY_TOKENS:
        return f"{total:,} tokens of {number_of(len(words), 'distinct word')}: is this the right text or column?"
    if are_items or (tokens or "").startswith(DIGEST):  # a tokenizer file splits words into subwords on purpose
        return None
    if (advice := unspaced(words, LONG_WORD if tokens in ("split", None) else 1)) is not None:
        in_use = f"--tokens {(tokens or '').removesuffix('-base')} "
        return None if in_use in advice else advice
    return (_punctuated(words, counts) if tokens in ("split", None) else None) or _doubled(words)


def _punctuated(words: Sequence[str], counts: NDArray[np.int64]) -> str | None:
    ends = np.fromiter(map(_is_punctuated, words), bool, len(words))
    share = counts[ends].sum() / counts.sum()
    if not share > PUNCTUATED_SHARE:
        return None
    punctuated = [words[i] for i in np.flatnonzero(ends).tolist()]
    remedy = "--tokens simple (tokens='simple') separates it"
    if sum(map(_has_mark, punctuated)) > MARKED_SHARE * len(punctuated):
        remedy = "--tokens unicode (tokens='unicode') separates it"
    if 2 * sum(_UNSPACED.search(word) is not None for word in punctuated) > len(punctuated):
        remedy = f"words are not separated by spaces: {_splitter_of(''.join(punctuated))}"
    return f"{share:.0%} of the words end in punctuation ({', '.join(map(repr, punctuated[:3]))}): {remedy}"


def _doubled(words: Sequence[str]) -> str | None:
    known = set(words)
    doubles = [(bare, word) for word in words if (bare := _bare(word)) != word and bare in known]
    if not len(doubles) > DOUBLE_SHARE * len(words):
        return None
    bare, word = doubles[0]
    remedy = "--tokens unicode (tokens='unicode') unites them"
    share = f"{len(doubles) / len(words):.1%} of the words"
    return f"{share} differ from other words only by a mark or an apostrophe ({word!r}, {bare!r}): {remedy}"


def _bare(word: str) -> str:
    """Return a word with marks and apostrophes folded as search engines fold them."""
    return word if word.isascii() else folded(word)


def unspaced(words: Iterable[str], least: int = LONG_WORD) -> str | None:
    """Return advice if most words look unsplit: they have at least ``least`` characters, most of which belong to a
    script without spaces. Otherwise return None."""
    sample = [word for word, _ in zip(words, range(MAX_WORDS), strict=False)]
    long = [word for word in sample if not word.isascii() and _is_unspaced(word, least)]
    if 2 * len(long) <= len(sample):
        return None
    return "the text seems not to be split into words, because its script has no spaces: " + _splitter_of("".join(long))


def _splitter_of(text: str) -> str:
    """Return advice on how to split a text whose words are not separated by spaces."""
    if re.search(f"[{_KANA}]", text):
        return "--tokens japanese (tokens='japanese') splits it"
    if re.search(f"[{_HAN}]", text):
        return "--tokens chinese (tokens='chinese') splits it"
    return "split it first, with a tokeniser of its language"


def _is_punctuated(word: str) -> bool:
    """Return whether a word ends in punctuation, with a letter or a digit before it."""
    return word[-1:] in _PUNCTUATION and _LETTER.search(word, 0, len(word) - 1) is not None


def _has_mark(word: str) -> bool:
    """Return whether a word holds a combining mark."""
    return not word.isascii() and any(unicodedata.category(letter).startswith("M") for letter in word)


def _is_unspaced(word: str, least: int) -> bool:
    return len(word) >= least and len(_UNSPACED.findall(word)) > len(word) / 2

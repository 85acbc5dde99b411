"""Tokenisers: functions from a text to its tokens, by name."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, cached_property, partial
from itertools import chain, groupby
from typing import NamedTuple, TypeAlias

from wordsparse import optional
from wordsparse.errors import InputError

Tokenizer: TypeAlias = Callable[[str], list[str]]

# Words of Unicode's default boundaries (UAX 29) that hold a letter, a digit or an emoji.
_UNICODE_WORD = r"(?w)\b(?:[\w\p{Emoji_Presentation}]|\p{Emoji}\uFE0F).*?\b"
# Sudachi refuses a text of more than 49,149 bytes. A part ends at the end of a sentence, or at white space.
_PART = re.compile(r".{1,8000}[。．！？\s]|.{1,8000}", re.DOTALL)


class NamedTokenizer(NamedTuple):
    """A tokeniser: its line in a help text, and the function that makes it."""

    about: str
    make: Callable[[], Tokenizer]


def tokenizer(name: str) -> Tokenizer:
    """The tokeniser with this name.

    InputError if there is none; MissingDependencyError if the package that it needs is not installed.
    """
    if name not in TOKENIZERS:
        raise InputError(f"unknown tokeniser {name!r}: choose one of {', '.join(TOKENIZERS)}")
    return TOKENIZERS[name].make()


class Splitter:
    """Splits texts into words, line by line, as a text was split that is encoded.

    Parameters
    ----------
    tokens : str
        The name of the tokeniser; its package is needed when the first text is split.
    """

    def __init__(self, tokens: str) -> None:
        self.tokens = tokens

    def __call__(self, text: str) -> list[str]:
        return [word for line in text.split("\n") for word in self._tokenize(line)]

    @cached_property
    def _tokenize(self) -> Tokenizer:
        return tokenizer(self.tokens)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        """A copy makes its tokeniser anew: that of another package may refuse to be copied."""
        return Splitter, (self.tokens,)


def _split() -> Tokenizer:
    return str.split


def _simple() -> Tokenizer:
    """The words of gensim's ``utils.tokenize`` (lower-case runs of letters), in NFC, but not cut at marks."""
    words = _runs_of_letters().findall
    return lambda text: words(unicodedata.normalize("NFC", text.lower()))


@cache
def _runs_of_letters() -> re.Pattern[str]:
    """Runs of letters, with the combining marks and joiners that follow a letter; re has no class of marks."""
    places = chain(range(0x300, 0x20000), range(0xE0100, 0xE01F0))  # all marks are in these
    marks = [place for place in places if unicodedata.category(chr(place)).startswith("M")]
    runs = ([mark for _, mark in run] for _, run in groupby(enumerate(marks), lambda pair: pair[1] - pair[0]))
    ranges = "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
    # The look-ahead spares Latin words the search among 300 ranges.
    return re.compile(rf"[^\W\d]+(?:(?=[\u0300-\U0010ffff])[{ranges}\u200c\u200d]+[^\W\d]*)*")


def _unicode(lower: bool) -> Tokenizer:
    regex = optional.load("a Unicode tokeniser", "regex")
    words = regex.compile(_UNICODE_WORD, regex.DOTALL).findall
    if lower:
        return lambda text: list(words(unicodedata.normalize("NFKC", text).lower()))
    return lambda text: list(words(unicodedata.normalize("NFKC", text)))


def _japanese() -> Tokenizer:
    optional.load("the Japanese tokeniser", "sudachidict_small")
    sudachi = optional.load("the Japanese tokeniser", "sudachipy").Dictionary(dict="small").tokenizer()

    def tokenize(text: str) -> list[str]:
        text = unicodedata.normalize("NFKC", text).lower()
        parts = [text] if len(text) <= 8000 else _PART.findall(text)
        return [word for part in parts for found in sudachi.tokenize(part) if _is_word(word := found.surface())]

    return tokenize


def _chinese() -> Tokenizer:
    cut = optional.load("the Chinese tokeniser", "rjieba").cut
    return lambda text: list(filter(_is_word, cut(unicodedata.normalize("NFKC", text).lower())))


def _is_word(token: str) -> bool:
    """Whether a token holds a letter or a digit."""
    return token.isalnum() or any(map(str.isalnum, token))


TOKENIZERS = {
    "split": NamedTokenizer("words are separated by white space; nothing is changed", _split),
    "simple": NamedTokenizer("lower-case runs of letters and marks; digits and punctuation are left out", _simple),
    "unicode": NamedTokenizer(
        "lower-case words, numbers and emoji in any script that writes spaces; needs wordsparse[unicode]",
        partial(_unicode, lower=True),
    ),
    "unicode-cased": NamedTokenizer("the same with capital letters kept", partial(_unicode, lower=False)),
    "japanese": NamedTokenizer("words of Japanese, by Sudachi; needs wordsparse[japanese]", _japanese),
    "chinese": NamedTokenizer("words of Chinese, by jieba; needs wordsparse[chinese]", _chinese),
}

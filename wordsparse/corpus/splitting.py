"""How a text becomes words of a finished vocabulary: the tokeniser and the phrases of the text that it comes from."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from wordsparse.corpus.phrases import DELIMITER
from wordsparse.corpus.tokens import Tokenizer, tokenizer
from wordsparse.corpus.vocabulary import Vocabulary

# A phrase has at most this number of words.
LONGEST = 32


class Splitter:
    """Splits texts into words as the text of a vocabulary was split.

    Parameters
    ----------
    tokens : str
        The name of the tokeniser; its package is needed when the first text is split.
    phrases : bool
        Whether words that stand together in the vocabulary as one, ``new_york``, are joined.
    vocabulary : Vocabulary
    """

    def __init__(self, tokens: str, phrases: bool, vocabulary: Vocabulary) -> None:
        self.tokens, self.phrases, self._vocabulary = tokens, phrases, vocabulary

    def __call__(self, text: str) -> list[str]:
        """The words of a text; phrases do not go over the end of a line."""
        return [word for line in text.split("\n") for word in self.joined(self._tokenize(line))]

    def joined(self, tokens: Sequence[str]) -> Sequence[str]:
        """The tokens of a sentence with their phrases joined, from left to right, the longest first."""
        return list(self._joined(tokens)) if self.phrases else tokens

    def _joined(self, tokens: Sequence[str]) -> Iterator[str]:
        at = 0
        while at < len(tokens):
            word, taken = tokens[at], 1
            for size in range(min(self._longest.get(word, 1), len(tokens) - at), 1, -1):
                if (phrase := DELIMITER.join(tokens[at : at + size])) in self._vocabulary:
                    word, taken = phrase, size
                    break
            yield word
            at += taken

    @cached_property
    def _longest(self) -> dict[str, int]:
        """The largest number of words of the phrases that begin with a word."""
        longest: dict[str, int] = {}
        for phrase in self._vocabulary.words:
            first, *others = phrase.split(DELIMITER, LONGEST - 1)
            if others:
                longest[first] = max(longest.get(first, 0), 1 + len(others))
        return longest

    @cached_property
    def _tokenize(self) -> Tokenizer:
        return tokenizer(self.tokens)

    def __getstate__(self) -> dict[str, object]:
        """Without what is made again when it is needed: a tokeniser of another package may refuse to be copied."""
        return {name: value for name, value in vars(self).items() if name not in ("_tokenize", "_longest")}

"""Stems and stop words of a language, and the language of the texts that word vectors were trained on."""

import logging
from collections.abc import Sequence

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.options import meant

# Stop words are the words of the language's list, which is long, among the most frequent words of the vectors. On
# search collections, more stop words lowered the scores of short questions (docs/searching.md).
_FREQUENT = 25
# The share of the most frequent words that the list of their language holds, at least. It is .4 to 1 for English.
_SHARE = 0.3

logger = logging.getLogger(__name__)


class Language:
    """The stems of a language, and its stop words among some words, most frequent first. Raise InputError if the
    language is unknown, and MissingDependencyError if a package for stems is not installed."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        snowball, stopping = (optional.load("stemming", module) for module in ("Stemmer", "stop_words"))
        if name not in snowball.algorithms():
            raise InputError(f"the language {name!r} has no stemmer: {meant(name, snowball.algorithms())}")
        self.name, self._stem = name, snowball.Stemmer(name).stemWords
        listed = stopping.get_stop_words(name) if name in stopping.AVAILABLE_LANGUAGES else ()
        self.stop_words = frozenset(words[:_FREQUENT]).intersection(listed)

    def stems(self, words: list[str]) -> list[str]:
        """Return the stem of each word."""
        stems: list[str] = self._stem(words)
        return stems

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        """Copy or pickle only the language, because Snowball's stemmers cannot be pickled."""
        return Language, (self.name, tuple(self.stop_words))


def language_of(words: Sequence[str]) -> str | None:
    """Return the language of some words, most frequent first: the language with stems whose stop words hold most of the
    25 most frequent words. Return None if they hold few, or as many as those of another language, or if a package for
    stems is not installed."""
    if not (optional.installed("Stemmer") and optional.installed("stop_words")):
        logger.info("words are compared as they are: %s compares their stems", optional.command("Stemmer"))
        return None
    snowball, stopping = (optional.load("stemming", module) for module in ("Stemmer", "stop_words"))
    frequent = {word for word in words[:_FREQUENT] if len(word) > 1}  # some lists hold all letters
    languages = {*snowball.algorithms()} & {*stopping.AVAILABLE_LANGUAGES}
    shares = sorted((len(frequent.intersection(stopping.get_stop_words(name))) / _FREQUENT, name) for name in languages)
    (second, _), (share, name) = shares[-2:]
    if share < _SHARE or share == second:
        return None
    logger.info("the texts look like %s: words are compared by their stems, without stop words", name.capitalize())
    return str(name)

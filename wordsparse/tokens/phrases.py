"""Phrases: words that occur together far more often than by chance, such as new york, and are joined into one token,
``new_york``.

Phrases are found in one or more passes over a text (:mod:`wordsparse.corpus.phrases`). Each pass joins pairs of tokens,
so the second pass joins phrases of the first: ``new_york`` and ``city``. Connectors, such as *of*, stand inside a
phrase but not at its ends: ``bank_of_america``. A text is joined from left to right.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

JOINT = "_"
# The number of phrases that reports show.
SHOWN = 20
# The articles, prepositions and conjunctions that gensim's ENGLISH_CONNECTOR_WORDS has.
ENGLISH = ("a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or")


class Pass(NamedTuple):
    """The phrases of one pass, best first: the tokens of each phrase, and its score."""

    phrases: Sequence[Sequence[str]]
    scores: Sequence[float]


class Phrases:
    """A function that joins the phrases in a list of tokens."""

    def __init__(self, connectors: Sequence[str], passes: Sequence[Pass]) -> None:
        self.connectors, self.passes = tuple(connectors), tuple(passes)

    def __call__(self, tokens: Sequence[str]) -> list[str]:
        """Return the tokens with the phrases joined."""
        joined = list(tokens)
        for words in self._words:
            joined = self._pass(joined, words)
        return joined

    @cached_property
    def _words(self) -> list[dict[str, dict[tuple[str, ...], str]]]:
        """For each pass, a map from the first token of phrases to the other tokens of each phrase, and from these to
        the word that replaces the phrase."""
        passes = []
        for found in self.passes:
            words: dict[str, dict[tuple[str, ...], str]] = {}
            for first, *others in found.phrases:
                words.setdefault(first, {})[tuple(others)] = JOINT.join([first, *others])
            passes.append(words)
        return passes

    @cached_property
    def _are_connectors(self) -> frozenset[str]:
        return frozenset(self.connectors)

    def as_json(self) -> str:
        """Return the text from which :func:`read` makes equal phrases."""
        passes = [found._asdict() for found in self.passes]
        return json.dumps({"connectors": self.connectors, "passes": passes}, ensure_ascii=False)

    def _pass(self, tokens: Iterable[str], words: dict[str, dict[tuple[str, ...], str]]) -> list[str]:
        joined: list[str] = []
        phrases: dict[tuple[str, ...], str] | None = None  # the phrases that begin with the last token, which is no end
        between: list[str] = []  # the connectors after this token
        for token in tokens:
            if token in self._are_connectors:
                between.append(token)
            elif phrases and (word := phrases.get((*between, token))):
                joined[-1], phrases = word, None
                between.clear()
            else:
                joined += between
                joined.append(token)
                phrases = words.get(token)
                between.clear()
        return joined + between


def read(content: str) -> Phrases:
    """Make phrases from the text that :meth:`Phrases.as_json` returned."""
    phrases = json.loads(content)
    return Phrases(phrases["connectors"], [Pass(**found) for found in phrases["passes"]])


def report(tokenization: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the number of phrases in the record of a tokeniser, and the SHOWN phrases of largest score with their
    scores, best first. Return {} if the tokeniser joins no phrases."""
    if not tokenization or "phrases" not in tokenization:
        return {}
    passes = read(tokenization["phrases"]).passes
    scored = [(JOINT.join(phrase), score) for found in passes for phrase, score in zip(*found, strict=True)]
    best = sorted(scored, key=lambda each: (-each[1], each[0]))[:SHOWN]
    return {"phrases": len(scored), "best_phrases": dict(best)}


def lines(report: Mapping[str, Any]) -> list[str]:
    """Return what :func:`report` returns as lines for a terminal."""
    if "phrases" not in report:
        return []
    return [f"{report['phrases']:,} phrases; the best: {', '.join(report['best_phrases'])}"]

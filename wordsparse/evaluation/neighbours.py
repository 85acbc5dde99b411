"""Nearest neighbours, judged by WordNet's files: what a person sees first.

Pairs of a test set never compete with the other words of a vocabulary, but neighbours do. Of the ``NEAREST`` neighbours
of each asked word, these shares are computed:

    related   the word and the neighbour have a common ancestor, at most ``STEPS`` steps above each of them
    class     both are in the same class of WordNet, such as noun.person or noun.food
    own       the neighbour is a form of the word, or begins with its first ``SAME`` letters
    rare      the neighbour occurs fewer than ``RARE`` times

A neighbour is reduced to its base form by WordNet's exceptions and rules of endings. A form of the word itself is in
its class, but not related to it. Without WordNet, a file of words is asked, and only ``own`` and ``rare`` are known.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files.regular import read_text
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors

NEAREST, STEPS, SAME, RARE = 10, 2, 4, 10
# The ASKED most frequent nouns are asked, without the first SKIPPED, which are mostly names of time and amount.
ASKED, SKIPPED = 1500, 100
LARGEST_FILE = 2**26
MEASURES = ("related", "class", "own", "rare")
# The endings of plurals, and what replaces them in the singular (morphy, WordNet 3.0).
ENDINGS = (("ies", "y"), ("ses", "s"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("men", "man"), ("s", ""))


# The symbols of pointers to more general synsets, and from adjectives to similar ones.
ABOVE = ("@", "@i", "&")


@dataclass(frozen=True)
class Lexicon:
    """The words of a part of speech with their synsets, the classes of synsets, and the synsets above each. ``asked``
    holds the words to ask, for a file of words; otherwise, they are chosen from the vocabulary."""

    asked: Sequence[str] | None = None
    synsets: Mapping[str, set[str]] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def base(self, word: str) -> str:
        """Return the base form of a word, or the word itself if WordNet does not have its base form."""
        if word in self.synsets:
            return word
        stems = (word[: -len(old)] + new for old, new in ENDINGS if word.endswith(old))
        return self.exceptions.get(word) or next((stem for stem in stems if stem in self.synsets), word)

    def ancestors(self, word: str) -> set[str]:
        """Return the synsets of a word, and the synsets at most ``STEPS`` steps above them."""
        found = level = set(self.synsets.get(word, ()))
        for _ in range(STEPS):
            level = {above for synset in level for above in self.above.get(synset, ())}
            found = found | level
        return found

    def classes_of(self, word: str) -> set[str]:
        """Return the classes of a word's synsets."""
        return {self.classes[synset] for synset in self.synsets.get(word, ())}


def read_lexicon(path: str | PathLike[str], part: str = "noun") -> Lexicon:
    """Read the files of a part of speech in a directory of WordNet's database, or a file with a word per line."""
    if not Path(path).is_dir():
        words = [line.strip() for line in read_text(path, LARGEST_FILE).split("\n") if line.strip()]
        if not words:
            raise InputError(f"{path}: holds no words: give a word per line, or a directory with WordNet's files")
        return Lexicon(list(dict.fromkeys(words)))
    synsets, classes, above = defaultdict[str, set[str]](set), dict[str, str](), dict[str, list[str]]()
    data, exceptions = (Path(path, name) for name in (f"data.{part}", f"{part}.exc"))
    try:
        for fields in _records(data):
            synset, size = fields[0], int(fields[3], 16)
            classes[synset] = fields[1]
            for word in fields[4 : 4 + 2 * size : 2]:
                synsets[word.lower()].add(synset)
            # A pointer has a symbol, a synset, a part of speech, and two numbers of words.
            pointers = fields[5 + 2 * size :][: 4 * int(fields[4 + 2 * size])]
            above[synset] = [to for symbol, to in zip(pointers[::4], pointers[1::4], strict=True) if symbol in ABOVE]
        irregular = dict(line.split()[:2] for line in read_text(exceptions, LARGEST_FILE).splitlines())
    except (IndexError, ValueError) as error:
        raise InputError(f"{path}: data.{part} or {part}.exc is no file of WordNet's database ({error})") from error
    return Lexicon(None, synsets, classes, above, irregular)


def _records(path: Path) -> Iterator[list[str]]:
    """Yield the fields of each synset in a data file of WordNet (wndb(5WN))."""
    for line in read_text(path, LARGEST_FILE).splitlines():
        if line and not line.startswith("  "):  # the licence is indented
            yield line.split("|")[0].split()


def answer_neighbours(word_vectors: WordVectors, lexicon: Lexicon, evidence: bool = True) -> Array:
    """Return, for each asked word, the shares MEASURES and the median count of its neighbours, (asked, 5). Unknown
    values are NaN. With ``evidence``, words are ranked as :meth:`wordsparse.WordVectors.similar` ranks them; otherwise,
    by cosine."""
    asked = _asked(word_vectors, lexicon)
    known = [word for word in asked if word in word_vectors]
    result = np.full((len(asked), len(MEASURES) + 1), np.nan)
    if not known:
        return result
    near, _ = word_vectors.similar_to_each(known, NEAREST, evidence=evidence)
    places = [place for place, word in enumerate(asked) if word in word_vectors]
    for place, row in zip(places, near.tolist(), strict=True):
        result[place] = _shares(asked[place], [word for word in row if word is not None], lexicon, word_vectors)
    return result


def _shares(word: str, near: Sequence[Any], lexicon: Lexicon, word_vectors: WordVectors) -> list[float]:
    """Return a row of :func:`answer_neighbours` for the neighbours of a word."""
    bases, ancestors, classes = [*map(lexicon.base, map(str, near))], lexicon.ancestors(word), lexicon.classes_of(word)
    own = [base == word or base[:SAME] == word[:SAME] for base in bases]
    related = [base != word and not ancestors.isdisjoint(lexicon.ancestors(base)) for base in bases]
    same = [not classes.isdisjoint(lexicon.classes_of(base)) for base in bases]
    by_wordnet: list[Any] = [np.mean(related), np.mean(same)] if lexicon.synsets else [np.nan, np.nan]
    by_count: list[Any] = [np.nan, np.nan]
    if word_vectors.counts is not None:
        counts = word_vectors.counts[[*map(word_vectors.row, near)]]
        by_count = [np.mean(counts < RARE), np.median(counts)]
    return [float(share) for share in (*by_wordnet, np.mean(own), *by_count)]


def _asked(word_vectors: WordVectors, lexicon: Lexicon) -> Sequence[str]:
    """Return the words to ask: those of the file, or frequent words of WordNet."""
    if lexicon.asked is not None:
        return lexicon.asked
    frequent = (word_vectors.words[row] for row in word_vectors.most_frequent(len(word_vectors)).tolist())
    words = [word for word in frequent if isinstance(word, str) and word in lexicon.synsets and _is_telling(word)]
    return words[SKIPPED : SKIPPED + ASKED] or words


def _is_telling(word: str) -> bool:
    return len(word) > 2 and word.isalpha()

"""Cuts long runs of combining marks, joiners and flags, which other libraries process in quadratic time.

Python's normalisation sorts the marks of a letter by insertion, and package ``regex`` counts the flags (pairs of
regional indicators), marks and joiners before a place to find out whether a word ends there. A hostile text of 1 MB
would take half an hour. Genuine letters have at most 30 marks (the stream-safe format of Unicode's annex 15).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain, groupby, pairwise

LONGEST = 30
"""The maximum number of marks, joiners and regional indicators in a row. It is even, so no flag is cut."""
# Every character of a run matches.
_SAMPLED = re.compile("[\u00ad\u0300-\U0010ffff]{2}")
# Regional indicators, the skin colours of emoji, and the halfwidth voiced marks, which become marks by normalisation.
_OTHERS = {*range(0x1F1E6, 0x1F200), *range(0x1F3FB, 0x1F400), 0xFF9E, 0xFF9F}


def in_parts(tokenize: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Wrap a tokeniser, so that a text is cut within runs of more than LONGEST characters, and each part of the text is
    tokenised separately."""

    def words_of(text: str) -> list[str]:
        # A long run holds two consecutive characters of each LONGEST/2-th one. This finds no run in most Latin text.
        if text.isascii() or not _SAMPLED.search(text[:: LONGEST // 2]) or not _patterns()[0].search(text):
            return tokenize(text)
        ends = [run.end() for run in _patterns()[1].finditer(text)]
        return [word for start, end in pairwise((0, *ends, len(text))) for word in tokenize(text[start:end])]

    return words_of


def places_of(categories: str) -> list[int]:
    """Return the code points whose category begins with one of some letters: M for marks; C for joiners and other
    invisible characters, and for unassigned code points, which are marks in a newer version of Unicode."""
    places = chain(range(0xAD, 0x20000), range(0xE0000, 0xE1000))  # these ranges contain all marks and joiners
    return [place for place in places if unicodedata.category(chr(place))[0] in categories]


def ranges(places: Iterable[int]) -> str:
    """Return code points, in ascending order, as ranges in a class of a regular expression."""
    runs = ([place for _, place in run] for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]))
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile the pattern of a long run, after a pattern that matches all characters beyond U+FFFF too. The first
    pattern is eight times as fast, because ``re`` has a table of the characters up to U+FFFF, but compares a larger
    character with one range after another."""
    places = sorted({*places_of("MC"), *_OTHERS})
    first = ranges(place for place in places if place < 2**16) + "\U00010000-\U0010ffff"
    return re.compile(f"[{first}]{{{LONGEST}}}"), re.compile(f"[{ranges(places)}]{{{LONGEST}}}")

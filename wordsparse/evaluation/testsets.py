"""Test sets for word vectors, read from files: pairs of words or sentences with human judgements, and analogies."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.evaluation.neighbours import read_lexicon
from wordsparse.evaluation.retrieval_files import read_collection
from wordsparse.files.regular import read_text

TEST_SET_BYTES = 2**26
DEFAULT_SETS = {"pairs": ("wordsim353.tsv", "simlex999.txt"), "analogies": ("questions-words.txt",)}


class Pair(NamedTuple):
    """Two words, or two sentences, and the human judgement of their similarity."""

    first: str
    second: str
    score: float


class Question(NamedTuple):
    """An analogy "a is to b as c is to d": ``words`` are a, b, c and the expected d."""

    section: str
    words: tuple[str, str, str, str]


def read_pairs(path: str | PathLike[str]) -> list[Pair]:
    """Read lines ``word1 word2 score``, separated by tabs, commas or spaces; further columns are ignored.

    Empty lines and lines that begin with # are skipped. A first line whose third column is not a number is a header
    and is skipped too.
    """
    pairs: list[Pair] = []
    may_be_header = True
    for where, line in _lines(path):
        separator = "\t" if "\t" in line else "," if line.count(",") >= 2 else None
        fields = [field.strip() for field in line.split(separator)]
        score = _finite_number(fields[2]) if len(fields) >= 3 else None
        if score is not None and fields[0] and fields[1]:
            pairs.append(Pair(fields[0], fields[1], score))
        elif not (may_be_header and len(fields) >= 3):
            raise InputError(f"{where}: expected two words and a number, found {line[:100]!r}")
        may_be_header = False
    if not pairs:
        raise InputError(f"{path}: holds no word pairs: it needs lines of two words and a number")
    return pairs


def read_sentences(path: str | PathLike[str]) -> list[Pair]:
    """Read lines of a score and two sentences, separated by tabs; empty lines and comments (#) are skipped."""
    pairs: list[Pair] = []
    for where, line in _lines(path):
        fields = [part.strip() for part in line.split("\t")]
        score = _finite_number(fields[0])
        if score is None or len(fields) != 3 or not all(fields):
            raise InputError(f"{where}: expected a number and two sentences between tabs, found {line[:100]!r}")
        pairs.append(Pair(fields[1], fields[2], score))
    if not pairs:
        raise InputError(f"{path}: holds no pairs of sentences: it needs lines 'score TAB sentence TAB sentence'")
    return pairs


def read_related(path: str | PathLike[str]) -> list[tuple[str, str]]:
    """Read lines of two related words. A line gives two items: each word should be near the other word."""
    items: list[tuple[str, str]] = []
    for where, line in _lines(path):
        words = line.split("\t") if "\t" in line else line.split()
        if len(words) != 2:
            raise InputError(f"{where}: expected two words, found {line[:100]!r}")
        first, second = (word.strip() for word in words)
        items += [(first, second), (second, first)]
    if not items:
        raise InputError(f"{path}: holds no related words: it needs lines of two words")
    return items


def read_analogies(path: str | PathLike[str]) -> list[Question]:
    """Read questions, each a line of four words; a line ``: NAME`` begins a section.

    Questions before the first section line form a section with the file's name. Empty lines and lines that begin with
    # are skipped.
    """
    questions: list[Question] = []
    section = Path(path).stem
    for where, line in _lines(path):
        if line.startswith(":"):
            section = line.lstrip(": ")
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(f"{where}: expected four words, or ': ' and a section's name, found {line[:100]!r}")
        questions.append(Question(section, (words[0], words[1], words[2], words[3])))
    if not questions:
        raise InputError(f"{path}: holds no analogies: it needs lines of four words")
    return questions


def _finite_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _lines(path: str | PathLike[str]) -> Iterator[tuple[str, str]]:
    """Yield ("file, line number", line) for each line of a test set that is neither empty nor a comment."""
    for number, line in enumerate(read_text(path, TEST_SET_BYTES).split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield f"{path}, line {number}", line.strip()


READERS: dict[str, Callable[[Path], Any]] = {
    "pairs": read_pairs,
    "analogies": read_analogies,
    "sentences": read_sentences,
    "related": read_related,
    "neighbours": read_lexicon,
    "retrieval": read_collection,
}
TestSets: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The items of test sets, by kind and name. The name is the file name without its suffix."""


def load_test_sets(
    readers: Mapping[str, Callable[[Path], Any]] = READERS, **paths: Sequence[str | PathLike[str]] | None
) -> TestSets:
    """Read test sets, given by kind; without paths, WordSim-353, SimLex-999 and questions-words.

    Raise InputError if a file is missing or malformed (the message names the line), if two files of one kind have the
    same stem, or if the default test sets are needed but missing: gensim, which ships them, is not installed, and they
    were not fetched.
    """
    chosen = paths if any(paths.values()) else _default_sets()
    return {
        kind: {name: read(path) for name, path in named(chosen.get(kind) or ()).items()}
        for kind, read in readers.items()
    }


def named(paths: Iterable[str | PathLike[str]]) -> Mapping[str, Path]:
    """Return a dict from the names of test sets to their paths. Raise InputError if two names are equal."""
    if isinstance(paths, str | PathLike):
        raise InputError(f"test sets must be a list of files, not one path: give [{os.fspath(paths)!r}]")
    named: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.stem in named:
            raise InputError(f"{named[path.stem]} and {path}: two test sets named {path.stem}; rename one")
        named[path.stem] = path
    return named


def fetched_sets() -> Path:
    """Return the folder in the user's cache into which ``corpora fetch gensim-sets`` writes the default test sets."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "wordsparse", "gensim-sets")


def _default_sets() -> dict[str, list[Path]]:
    """Return the files of the default test sets: gensim's files if it is installed, otherwise the fetched files."""
    folder = optional.gensim_data() or fetched_sets()
    if not folder.is_dir():
        raise InputError(
            "WordSim-353, SimLex-999 and questions-words are not on this machine: run `wordsparse corpora fetch "
            "gensim-sets`, or name other test sets (--pairs, --analogies)"
        )
    return {kind: [folder / name for name in names] for kind, names in DEFAULT_SETS.items()}

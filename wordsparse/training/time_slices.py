"""A text cut into slices by the names of its files, such as years: one model each, all over one vocabulary.

The vocabulary is that of the whole text; a slice's model has those of its words that occur in the slice.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wordsparse.corpus.sources import STANDARD_INPUT, find_files
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.members import MAX_COUNT
from wordsparse.training.texts import TrainingText

# 1999, 1999-12, 199912 or 19991231, and no other number.
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?:\d{2}){0,2}(?!\d)")


def year(path: Path) -> str:
    """The first year in a file's name, else in the name of its nearest directory that has one.

    Raises
    ------
    InputError
        If no part of the path has a year from 1000 to 2999.
    """
    for part in reversed(path.parts):
        if found := _YEAR.search(part):
            return found[1]
    raise InputError(f"{path}: slice-by year: there is no year in its name or in those of its directories")


NAMES: dict[str, Callable[[Path], str]] = {
    "year": year,
    "directory": lambda path: path.absolute().parent.name,
    "file": lambda path: path.name.partition(".")[0] or path.name,
}
"""How the name of a file's slice is found."""


@contextmanager
def time_slices(
    text: TrainingText, slice_by: str, progress: Callable[[int], None] | None = None
) -> Iterator[dict[str, TrainingText]]:
    """The slices of a text, encoded in a temporary directory, by their names in order.

    Raises
    ------
    InputError
        If the text is not in files, there are fewer than two slices, or a slice has none of the text's words.
    """
    parts = _files_of_slices(text, slice_by)
    if text.phrases:
        raise InputError("slice-by: phrases would differ from slice to slice: join them before")
    with storage.staging(Path(tempfile.gettempdir()) / "wordsparse-slices", mode=0o700) as temporary:
        words = text.encode(temporary / "all", progress=progress).vocabulary.words
        storage.remove_directory(temporary / "all")
        slices = {}
        for number, (name, files) in enumerate(parts.items()):
            # Only known words are frequent enough for this minimum.
            part = replace(text, corpus=files, min_count=MAX_COUNT, max_vocab=None)
            slices[name] = TrainingText(part.encode(temporary / str(number), words), threads=text.threads)
        yield slices


def _files_of_slices(text: TrainingText, slice_by: str) -> dict[str, list[Path]]:
    """The files of each slice, slices in the order of their names."""
    sources = text.corpus
    is_files = isinstance(sources, list) and all(isinstance(path, Path) for path in sources)
    if not is_files or STANDARD_INPUT in sources or text.encoded() is not None:
        raise InputError("slice-by needs files of text, whose names say which slice they belong to")
    parts: dict[str, list[Path]] = {}
    for path in find_files(sources):
        parts.setdefault(NAMES[slice_by](path), []).append(path)
    if len(parts) < 2:
        raise InputError(f"slice-by {slice_by}: all files belong to one slice, {next(iter(parts))}: two are needed")
    return {name: parts[name] for name in sorted(parts)}

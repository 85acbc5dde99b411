"""A text cut into slices, such as years: one model each, all over one vocabulary.

Slices are found by the names of files, by a column of rows, or are given by name. The vocabulary is counted in the
whole text; a slice's model has the words of it that occur in the slice.
"""

import json
import logging
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import RawText, joined
from wordsparse.corpus.sources import STANDARD_INPUT, find_files
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.members import MAX_COUNT
from wordsparse.training.run_directory import SUFFIX
from wordsparse.training.texts import TrainingText
from wordsparse.words.model_directory import OPTIONS

logger = logging.getLogger(__name__)

MAX_SLICES = 500
# 1999, 1999-12, 199912 or 19991231, and no other number.
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?:\d{2}){0,2}(?!\d)")


def year(path: Path) -> str:
    """The first year in a file's name, else in the name of its nearest directory that has one. InputError without a
    year from 1000 to 2999."""
    for part in reversed(path.parts):
        if found := _YEAR.search(part):
            return found[1]
    raise InputError(
        f"{path}: slice-by year: there is no year in its name or in those of its directories: rename it, or cut by "
        "directory or file"
    )


NAMES: dict[str, Callable[[Path], str]] = {
    "year": year,
    "directory": lambda path: path.absolute().parent.name,
    "file": lambda path: path.name.partition(".")[0] or path.name,
}
"""How the name of a file's slice is found."""


@contextmanager
def time_slices(
    text: TrainingText,
    slice_by: str | None = None,
    slice_column: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[dict[str, TrainingText]]:
    """The slices of a text, encoded in a temporary directory, by their names in order. InputError if the text cannot be
    cut so, there are fewer than two slices or more than 500, a name cannot be that of a directory, or a slice has
    none of the text's words."""
    if text.options.phrases:
        raise InputError("slices: phrases would differ from slice to slice: join them before")
    with storage.staging(Path(tempfile.gettempdir()) / "wordsparse-slices", mode=0o700) as temporary:
        parts = _parts(text, slice_by, slice_column, temporary)
        whole = text if all(isinstance(part, list) for part in parts.values()) else _all_of(text, parts.values())
        words = whole.encode(temporary / "all", progress=progress).vocabulary.words
        storage.remove_directory(temporary / "all")
        slices = {}
        for number, name in enumerate(sorted(parts)):
            # Only known words are frequent enough for this minimum.
            limits = replace(whole.options, min_count=MAX_COUNT, max_vocab=None)
            part = replace(whole, corpus=parts[name], options=limits)
            slices[name] = TrainingText(part.encode(temporary / str(number), words), threads=text.threads)
        yield slices


@dataclass(frozen=True)
class _Spooled:
    """Sentences that were read, and written to temporary files."""

    files: tuple[Path, ...]

    def __iter__(self) -> Iterator[list[str]]:
        for path in self.files:
            with open(path, encoding="ascii") as file:
                yield from map(json.loads, file)


def _parts(text: TrainingText, slice_by: str | None, slice_column: str | None, temporary: Path) -> dict[str, Any]:
    """The source of each slice."""
    if slice_by is not None and slice_by not in NAMES:
        raise InputError(f"slice-by must be one of {', '.join(NAMES)}, not {slice_by!r}")
    parts: Mapping[str, Any]
    if isinstance(text.corpus, Mapping):
        if slice_by is not None or slice_column is not None:
            raise InputError("slices: a dict of texts names its slices: leave out slice_by and slice_column")
        parts = _spooled(_labelled(text), temporary)
    elif slice_column is not None:
        parts = _spooled(_by_column(text, slice_by, slice_column), temporary)
    elif slice_by is not None:
        parts = _files_of_slices(text, slice_by)
    else:
        raise InputError(
            "slices: name them: slice_by (year, directory or file), slice_column (a column of rows), or a dict of texts"
        )
    if len(parts) < 2:
        raise InputError(
            f"slices: all of the text belongs to one, {next(iter(parts), 'none')}: two are needed: "
            "add text, or cut it in another way"
        )
    for name in parts:
        # Beside the models stand options.toml, and their run directories with temporary and lock files.
        is_taken = name.startswith(".") or name.endswith(SUFFIX) or name == OPTIONS
        if not name or is_taken or "/" in name or not name.isprintable() or len(name.encode()) > 200:
            raise InputError(
                f"slices: {name!r:.80} cannot be the name of a directory: change it, or cut by year (slice_by)"
            )
    return dict(parts)


def _files_of_slices(text: TrainingText, slice_by: str) -> dict[str, list[Path]]:
    """The files of each slice."""
    sources = [text.corpus] if isinstance(text.corpus, str | Path) else text.corpus
    is_files = isinstance(sources, list | tuple) and all(isinstance(path, str | Path) for path in sources)
    if not is_files or STANDARD_INPUT in sources or text.encoded() is not None:
        raise InputError(
            "slice-by needs files of text, whose names say which slice they belong to; rows are cut by slice_column"
        )
    parts: dict[str, list[Path]] = {}
    for path in find_files(sources):
        parts.setdefault(NAMES[slice_by](path), []).append(path)
    return parts


def _labelled(text: TrainingText) -> Iterator[tuple[str, list[str]]]:
    """The sentences of a dict of texts, each with the name of its slice."""
    for name, source in text.corpus.items():
        if not isinstance(name, str):
            raise InputError(f"slices: the names of a dict of texts must be str, not {name!r}")
        for sentence in joined(RawText.of(source, text.options).pieces()):
            yield name, sentence


def _by_column(text: TrainingText, slice_by: str | None, column: str) -> Iterator[tuple[str, list[str]]]:
    """The sentences of rows, each with the name of its slice; rows without a name are left out, and counted."""
    if slice_by not in (None, "year"):
        raise InputError("slice_column names the column: leave slice_by out, or make it year, of a date")
    without = 0
    for row, cell, tokens in RawText.of(text.corpus, text.options).rows(column):
        name = "" if cell is None else str(cell).strip()
        if name and slice_by == "year":
            found = _YEAR.search(name)
            if found is None:
                raise InputError(f"{row}: there is no year in its {column!r}, {name!r:.60}: leave out slice_by")
            name = found[1]
        without += not name
        if name:
            yield name, tokens
    if without:
        logger.warning("%s sentences are in no slice: their rows have no %r", f"{without:,}", column)


def _spooled(labelled: Iterable[tuple[str, list[str]]], temporary: Path) -> dict[str, _Spooled]:
    """Write the sentences of each slice to a file of its own."""
    files: dict[str, Any] = {}
    with ExitStack() as opened:
        for name, sentence in labelled:
            if name not in files:
                if len(files) == MAX_SLICES:
                    raise InputError(f"slices: there are more than {MAX_SLICES}: cut them by year (slice_by)")
                path = temporary / f"{len(files)}.jsonl"
                files[name] = opened.enter_context(open(path, "w", encoding="ascii"))
            files[name].write(json.dumps(sentence) + "\n")
    return {name: _Spooled((Path(file.name),)) for name, file in files.items()}


def _all_of(text: TrainingText, parts: Iterable[_Spooled]) -> TrainingText:
    """The whole text of spooled slices: tokens already, so that only the limits of the vocabulary are options."""
    corpus = _Spooled(tuple(path for part in parts for path in part.files))
    limits = TextOptions(min_count=text.options.min_count, max_vocab=text.options.max_vocab)
    return TrainingText(corpus, limits, text.threads, text.preset)

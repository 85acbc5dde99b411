"""Recognises the form of the corpus that a user gives, finds its files and opens them. Every message names the file."""

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from wordsparse.corpus.shards import EncodedCorpus, is_encoded
from wordsparse.errors import InputError
from wordsparse.files import outputs
from wordsparse.files.storage import naming
from wordsparse.files.streams import BoundedStream

STANDARD_INPUT = Path("/dev/stdin")

_NAMED = 3  # number of files that a message names

# The open files of each thread. Open files are kept per thread, so that two threads that read the same file do not
# report each other's progress.
_reading = threading.local()

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The corpus that the user gave. The form of the corpus is recognised only once.

    ``form`` is "source" for an object that yields training data, "encoded" for an EncodedCorpus or its directory,
    "files" for paths, "frame" for a data frame, and "items" for everything else: an iterable of sentences, texts or
    rows, or an object such as a graph. ``paths`` are the files or directories; None if the corpus has no paths.
    """

    given: Any
    form: Literal["source", "encoded", "files", "frame", "items"]
    paths: Sequence[str | os.PathLike[str]] | None = None

    @classmethod
    def of(cls, given: Any) -> "Corpus":
        """Recognise ``given``. Raise InputError if ``given`` is a list that mixes paths and other items."""
        if isinstance(given, Corpus):
            return given
        if is_frame(given):
            return cls(given, "frame")
        if hasattr(given, "passes"):
            return cls(given, "source")
        if isinstance(given, EncodedCorpus):
            return cls(given, "encoded")
        paths = _paths(given)
        if paths is None:
            return cls(given, "items")
        return cls(given, "encoded" if len(paths) == 1 and is_encoded(paths[0]) else "files", paths)


def is_frame(given: Any) -> bool:
    """Return whether ``given`` is a data frame from pandas or from a library that exports Arrow columns, such as
    polars.

    Lazy frames do not count, because they have no shape, and computing their columns takes time.
    """
    return hasattr(given, "shape") and hasattr(given, "columns")


def _paths(corpus: Any) -> Sequence[str | os.PathLike[str]] | None:
    if isinstance(corpus, str | os.PathLike):
        return [corpus]
    if not isinstance(corpus, list | tuple):
        return None
    are_paths = [isinstance(item, str | os.PathLike) for item in corpus]
    if all(are_paths) and _are_texts(corpus):
        return None
    if any(are_paths) and not all(are_paths):
        raise InputError("a list of texts must hold paths only, or lists of tokens only")
    return corpus if all(are_paths) else None


def _are_texts(items: Sequence[str | os.PathLike[str]]) -> bool:
    """Return whether a list of str holds texts, not paths: there is none with this path, and there are spaces."""
    are_new = all(isinstance(item, str) and not os.path.lexists(item) for item in items)
    return are_new and any(" " in str(item) for item in items)


def some_of(paths: Sequence[Path]) -> str:
    """Return the first few paths of a list, as text for a message."""
    return ", ".join(map(str, paths[:_NAMED])) + (", …" if len(paths) > _NAMED else "")


def find_files(sources: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the files named by ``sources``, in order. A directory stands for all files below it, sorted by name.

    Empty files are skipped. Below a directory, entries with names that begin with ``_`` or ``.`` (``_SUCCESS``,
    ``.DS_Store``), links to directories, and special files are skipped. A warning names the skipped files. Raise
    InputError if there is no source; if a source is missing, unreadable, an address, an encoded corpus or a directory
    without files; or if all files are empty.
    """
    if not sources:
        raise InputError("no text is given: name a file or a directory")
    paths: list[Path] = []
    skipped: list[Path] = []
    for source in sources:
        path = _existing(source)
        if (path / "model.json").is_file():
            raise InputError(f"{path}: is a model, not a text: --resume trains it further, --init uses its vectors")
        below = files_at(path, skipped)
        if not below:
            raise InputError(f"{path}: contains no file: name a directory of text files")
        paths += below
    for file in paths:
        if not os.access(file, os.R_OK):
            raise InputError(f"{file}: cannot be read: check its permissions")
    files = [file for file in paths if not file.is_file() or file.stat().st_size]
    if not files:
        raise InputError(f"{paths[0]}: is empty" + (", and the other files too: name a text" if len(paths) > 1 else ""))
    if len(distinct := set(files)) < len(files):
        logger.warning(
            "%s: named twice, so its text counts twice", next(file for file in files if files.count(file) > 1)
        )
    skipped += [file for file in paths if file not in distinct]
    if skipped:
        logger.warning("%s hidden, special or empty files are not read: %s", f"{len(skipped):,}", some_of(skipped))
    return files


@contextmanager
def opened(path: Path) -> Iterator[BoundedStream | BinaryIO]:
    """Open ``path`` for reading bytes. A compressed file is decompressed.

    Every exception in the body of the ``with`` statement becomes a read error, so the body should only read. Raise
    InputError if the file cannot be read, or if a compressed file unpacks to far more than compressed text would.
    """
    with naming(path):
        try:
            if path.is_fifo() or path.is_char_device():
                with open(path, "rb") as pipe:
                    yield pipe
                return
            with BoundedStream(path) as file:
                vars(_reading)[str(path)] = file
                try:
                    yield file
                finally:
                    vars(_reading).pop(str(path), None)
        except InputError:
            raise
        except Exception as error:  # the XML parser, for example, has its own exceptions
            raise InputError(
                f"cannot be read ({error or type(error).__name__}): is it damaged or cut short?"
            ) from error


class ReadShare:
    """A function that returns the share of the files' bytes that this thread has read so far, or None if the share is
    unknown."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._before: dict[str, int] = {}
        self._total = 0
        for file in files:
            self._before.setdefault(str(file), self._total)
            self._total += file.stat().st_size if file.is_file() else 0

    def __call__(self) -> float | None:
        """Return the current share."""
        for file, stream in vars(_reading).items():
            if file in self._before and self._total:
                return float((self._before[file] + stream.position) / self._total)
        return None


def _existing(source: str | os.PathLike[str]) -> Path:
    name = os.fspath(source)
    if not name:
        raise InputError("a path is empty: name a file or a directory")
    path = Path(name)
    try:
        path.stat()
    except (OSError, ValueError) as error:  # ValueError if the name has a zero byte
        raise InputError(_missing(name, error)) from None
    return path


def _missing(name: str, error: OSError | ValueError) -> str:
    if address := outputs.address(name):
        return (
            f"{address}: is an address, and only local files are read: download it first, or pipe it in: "
            "… | wordsparse train -"
        )
    if len(name) > 255 or "\n" in name or (len(name.split()) > 2 and os.sep not in name):
        short = name if len(name) <= 80 else f"{name[:80]}…"
        return (
            f"{short!r} is text, not the path of a file: a str is a path; give lists of tokens, or iter(documents) "
            "for a list of documents, with tokens='unicode'"
        )
    if isinstance(error, PermissionError):
        return f"{name}: cannot be read: check the permissions of its directories"
    return f"{name}: no such file or directory"


def files_at(path: Path, skipped: list[Path]) -> list[Path]:
    """Return a file itself, or the regular files below a directory, sorted by name, and add all other entries of the
    directory to ``skipped``.

    Raise InputError if one of the directories is an encoded corpus.
    """
    if not path.is_dir():
        return [path]
    if is_encoded(path):
        raise InputError(f"{path}: is an encoded corpus: train on it alone, without other text")
    files: list[Path] = []
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"{path}: cannot be listed: {error.strerror or error}") from error
    for entry in entries:
        is_hidden = entry.name.startswith(("_", "."))
        if entry.is_file() and not is_hidden:
            files.append(entry)
        elif entry.is_dir() and not entry.is_symlink() and not is_hidden:
            files += files_at(entry, skipped)
        else:
            skipped.append(entry)
    return files

"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from wordsparse.errors import InputError, WordsparseError
from wordsparse.storage import sync


def write_atomically(path: Path, write: Callable[[Path], None]) -> list[Path]:
    """Let ``write`` fill a file, and files beside it, in a temporary directory; then put them in place.

    Parameters
    ----------
    path : Path
        Where the file shall stand. Its directory must exist; the temporary one is made inside it.
    write : callable
        Is given a path of the same name in the temporary directory.

    Returns
    -------
    list of Path
        What was put in place, ``path`` first. It comes last on the disk, so that whoever sees it finds its
        companions.

    Raises
    ------
    InputError
        If ``path`` cannot be written there; ``write`` has not been called then.
    WordsparseError
        If writing fails; nothing has been put in place then.
    """
    _check_place(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".wordsparse-", dir=path.parent) as directory:
            staged = Path(directory) / path.name
            write(staged)
            companions = sorted(file for file in Path(directory).iterdir() if file != staged)
            for file in (*companions, staged):
                sync(file)
            for file in (*companions, staged):
                os.replace(file, path.with_name(file.name))
            sync(path.parent)
    except OSError as error:
        raise WordsparseError(f"{path}: could not be written: {error}") from error
    return [path, *(path.with_name(file.name) for file in companions)]


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a directory; name a file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no directory {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the directory {path.parent} cannot be written to")

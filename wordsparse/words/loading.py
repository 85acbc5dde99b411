"""Loads what a program has saved: a model, or an index that holds a model."""

import importlib
from os import PathLike
from typing import Any, NoReturn

from wordsparse import validation
from wordsparse.doors import INDEXES
from wordsparse.options import refuse_unknown
from wordsparse.words import model_directory


def load(path: str | PathLike[str], *, mapped: bool = False, **unknown: NoReturn) -> Any:
    """Read a model directory, or an index of :class:`wordsparse.Search`. With ``mapped``, the rows of words stay on the
    disk until they are used. The vectors of an index always stay on the disk.

    If another process replaces the directory during reading, reading starts again and returns the new one as a whole.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version. The message names the file.
    """
    refuse_unknown(unknown, ["mapped"])
    directory = validation.path(path)
    for manifest, place in INDEXES.items():
        if (directory / manifest).is_file():
            module, _, name = place.partition(":")
            return getattr(importlib.import_module(module), name).load(directory)
    return model_directory.load(directory, mapped=mapped)

"""Replaces gensim's classes by ours, for packages that import gensim."""

import importlib
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from wordsparse import optional
from wordsparse.gensim.doc2vec import Doc2Vec
from wordsparse.gensim.keyed_vectors import KeyedVectors
from wordsparse.gensim.word2vec import Word2Vec

# The modules that export the classes. Other uses inside gensim are unchanged: FastText builds on them.
_PLACES = {
    "gensim.models": ("Word2Vec", "Doc2Vec", "KeyedVectors"),
    "gensim.models.word2vec": ("Word2Vec",),
    "gensim.models.doc2vec": ("Doc2Vec",),
    "gensim.models.keyedvectors": ("KeyedVectors",),
}
_OURS: dict[str, Any] = {"Word2Vec": Word2Vec, "Doc2Vec": Doc2Vec, "KeyedVectors": KeyedVectors}


@contextmanager
def in_place() -> Iterator[None]:
    """Inside the block ``gensim.models.Word2Vec``, ``Doc2Vec`` and ``KeyedVectors`` are ours, for every package.

    Modules that hold a class by its name, imported before or inside the block, use ours too; after the block, all hold
    gensim's again. Blocks may be nested, or overlap in several threads: the last one to end restores gensim's classes.
    gensim's own FastText trains, but cannot be saved or loaded inside the block. The whole process is affected, so the
    block is not safe while other threads need gensim's classes.

    Raises
    ------
    MissingDependencyError
        If gensim is not installed.
    """
    models = optional.load("in_place", "gensim.models")
    with _blocks.lock:
        if not _blocks.open:
            _blocks.theirs = {name: getattr(models, name) for name in _OURS}
            # Modules that already hold our classes imported them explicitly, and keep them.
            _blocks.own = {(id(module), held) for module, held, _ in _holders(_OURS)}
            _put(_blocks.theirs, _OURS)
        _blocks.open += 1
    try:
        yield
    finally:
        with _blocks.lock:
            _blocks.open -= 1
            if not _blocks.open:
                _put(_OURS, _blocks.theirs, _blocks.own)


class _Blocks:
    """The number of open blocks of this process, gensim's classes, and the modules that keep ours."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open = 0
        self.theirs: dict[str, Any] = {}
        self.own: set[tuple[int, str]] = set()


_blocks = _Blocks()


def _put(old: dict[str, Any], new: dict[str, Any], but: Collection[tuple[int, str]] = ()) -> None:
    """Replace the old classes by the new ones in every module, except for the (module id, name) in ``but``."""
    for place, names in _PLACES.items():
        for name in names:
            setattr(importlib.import_module(place), name, new[name])
    for module, held, name in _holders(old):
        if (id(module), held) not in but:
            setattr(module, held, new[name])


def _holders(classes: dict[str, Any]) -> list[tuple[ModuleType, str, str]]:
    """The modules outside gensim and wordsparse that hold a class, as (module, name there, name of the class)."""
    return [
        (module, held, name)
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType) and module.__name__.partition(".")[0] not in ("gensim", "wordsparse")
        for held, value in list(vars(module).items())
        for name, found in classes.items()
        if value is found
    ]

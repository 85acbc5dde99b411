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

# The modules that export the classes.
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
    gensim's again. gensim's own code keeps its classes: FastText and models made before the block work inside it.
    Blocks may be nested, or overlap in several threads: the last one to end restores gensim's classes. They hold for
    all threads of the process: a thread that has gensim's class or a model of it keeps it, one that looks a class up
    in a module gets ours. A module that imports our class by name inside the block holds gensim's after it; import it
    before. gensim can neither save nor load its own Word2Vec, Doc2Vec and KeyedVectors inside the block,
    because pickles look up classes by name.

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
            for place, names in _PLACES.items():
                importlib.import_module(place).__class__ = _shows({name: _OURS[name] for name in names})
            _put(_blocks.theirs, _OURS)
        _blocks.open += 1
    try:
        yield
    finally:
        with _blocks.lock:
            _blocks.open -= 1
            if not _blocks.open:
                for place in _PLACES:
                    importlib.import_module(place).__class__ = ModuleType
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
    """Replace the old classes by the new ones in every module but those at (module id, name) in ``but``."""
    for module, held, name in _holders(old):
        if (id(module), held) not in but:
            setattr(module, held, new[name])


def _shows(classes: dict[str, Any]) -> type[ModuleType]:
    """A type of module that shows these classes to others; the module's own functions find the names that it holds."""

    class InPlace(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            return classes[name] if name in classes else super().__getattribute__(name)

    return InPlace


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

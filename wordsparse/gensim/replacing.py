"""Replaces gensim's classes by ours, for packages that import gensim."""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from wordsparse import optional
from wordsparse.gensim.models.doc2vec import Doc2Vec
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.models.word2vec import Word2Vec

# Ours, by the module of gensim.models that defines gensim's class of that name.
_OURS: dict[str, type] = {"word2vec": Word2Vec, "doc2vec": Doc2Vec, "keyedvectors": KeyedVectors}
_lock = threading.Lock()
_open_blocks: list["_Replacement"] = []


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
    with _lock:
        _open_blocks.append(_open_blocks[0] if _open_blocks else _Replacement(models))
    try:
        yield
    finally:
        with _lock:
            block = _open_blocks.pop()
            if not _open_blocks:
                block.undo()


class _Replacement:
    """Names that mean ours in the place of gensim's: in ``sys.modules``, in gensim.models, and in others' modules.

    The modules that define gensim's classes are replaced by copies, so that gensim's functions find their own.
    """

    def __init__(self, models: ModuleType) -> None:
        self._models = models
        self._pairs: list[tuple[Any, Any]] = []
        for name, ours in _OURS.items():
            theirs = importlib.import_module(f"gensim.models.{name}")
            shown = ModuleType(theirs.__name__)
            vars(shown).update(vars(theirs), **{ours.__name__: ours})
            self._pairs += [(theirs, shown), (vars(theirs)[ours.__name__], ours)]
        # Modules that already hold our classes imported them explicitly, and keep them.
        self._kept = [(id(names), key) for names, key, _ in self._found([(ours, ours) for ours in _OURS.values()])]
        for names, key, new in self._found(self._pairs):
            names[key] = new

    def undo(self) -> None:
        """Let the names mean what they meant."""
        for names, key, new in self._found([(new, old) for old, new in self._pairs]):
            if (id(names), key) not in self._kept:
                names[key] = new

    def _found(self, pairs: list[tuple[Any, Any]]) -> list[tuple[dict[str, Any], str, Any]]:
        """Every name that means the first of a pair, and the second."""
        others = [
            module
            for module in list(sys.modules.values())
            if isinstance(module, ModuleType) and module.__name__.partition(".")[0] not in ("gensim", "wordsparse")
        ]
        return [
            (names, key, new)
            for names in (sys.modules, vars(self._models), *map(vars, others))
            for key, value in list(names.items())
            for old, new in pairs
            if value is old
        ]

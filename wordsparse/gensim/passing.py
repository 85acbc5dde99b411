"""Access to gensim's names that this package lacks: ``wordsparse.gensim.corpora`` is ``gensim.corpora``."""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from wordsparse import optional

OURS = "wordsparse.gensim"


def gensims(module: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for ``module``: search gensim's module of the same path, then gensim.models."""

    def attribute(name: str) -> Any:
        if not name.startswith("_"):
            for place in (_theirs(module, f"{module}.{name}"), _theirs(f"{OURS}.models", name)):
                if hasattr(place, name):
                    return getattr(place, name)
        raise AttributeError(f"neither {module} nor gensim has {name!r}")

    return attribute


def _theirs(module: str, name: str) -> ModuleType:
    """Return gensim's counterpart of ``module``. Without gensim, raise a MissingDependencyError that names ``name``."""
    optional.load(f"{name} is gensim's own, and", "gensim")
    return importlib.import_module(module.removeprefix("wordsparse."))


class _Finder(MetaPathFinder, Loader):
    """An import hook that finds gensim's module in place of a module that wordsparse lacks."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(f"{OURS}.") or path is None:
            return None
        ours = any(Path(part).is_relative_to(Path(__file__).parent) for part in path)
        return None if ours and PathFinder.find_spec(name, path) else spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = _theirs(module.__name__, module.__name__)


# The finder must come first: otherwise Python would find gensim's folders by their paths and import them a second time.
sys.meta_path.insert(0, _Finder())

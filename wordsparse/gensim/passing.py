"""gensim's own names where this package has none: ``wordsparse.gensim.corpora`` is ``gensim.corpora``, and so on."""

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
    """The ``__getattr__`` of a module of ours: what gensim has by that name in the same place, or in its models."""

    def found(name: str) -> Any:
        if not name.startswith("_"):
            for place in (_theirs(module, f"{module}.{name}"), _theirs(f"{OURS}.models", name)):
                if hasattr(place, name):
                    return getattr(place, name)
        raise AttributeError(f"neither {module} nor gensim has {name!r}")

    return found


def _theirs(module: str, wanted: str) -> ModuleType:
    """gensim's module in the place of ``module``; MissingDependencyError, which names ``wanted``, without gensim."""
    optional.load(f"{wanted} is gensim's own, and", "gensim")
    return importlib.import_module(module.removeprefix("wordsparse."))


class _Finder(MetaPathFinder, Loader):
    """Finds gensim's module for a module of ours that is not there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(f"{OURS}.") or path is None:
            return None
        ours = any(Path(part).is_relative_to(Path(__file__).parent) for part in path)
        return None if ours and PathFinder.find_spec(name, path) else spec_from_loader(name, self)

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = _theirs(module.__name__, module.__name__)


# First, since gensim's folders would be found by their paths, and imported a second time.
sys.meta_path.insert(0, _Finder())

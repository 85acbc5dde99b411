"""Imports optional packages on demand. Only this module knows the commands that install these packages.

If a package is missing or cannot be imported, :class:`MissingDependencyError` names the package, the feature that needs
it, and the install command.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from wordsparse.errors import MissingDependencyError

# A map from import names to the common name of the package and the extra that installs it.
PACKAGES = {
    "Stemmer": ("PyStemmer", "search"),
    "cupy": ("CuPy", None),
    "gensim": ("gensim", "gensim"),
    "matplotlib": ("matplotlib", "plot"),
    "mpi4py": ("mpi4py", "mpi"),
    "pandas": ("pandas", None),
    "pyarrow": ("pyarrow", "tables"),
    "regex": ("regex", "unicode"),
    "rjieba": ("rjieba", "chinese"),
    "safetensors": ("safetensors", "safetensors"),
    "sklearn": ("scikit-learn", "labels"),
    "stop_words": ("stop-words", "search"),
    "sudachidict_core": ("SudachiDict-core", "japanese"),
    "sudachidict_small": ("SudachiDict-small", "japanese"),
    "sudachipy": ("SudachiPy", "japanese"),
    "tokenizers": ("tokenizers", "tokenizers"),
    "torch": ("PyTorch", "torch"),
    "wikitextparser": ("WikiTextParser", "wiki"),
}
_CUPY = "pip install 'wordsparse[cuda13]' (driver 580 or newer) or 'wordsparse[cuda12]' (driver 525 or newer)"


def command(package: str) -> str:
    """Return the command that installs the package with this import name."""
    if package == "gensim" and sys.version_info >= (3, 14):
        return "it has no wheel for this Python; use 3.13"
    name, extra = PACKAGES[package]
    return f"pip install 'wordsparse[{extra}]'" if extra else _CUPY if package == "cupy" else f"pip install {name}"


def installed(package: str) -> bool:
    """Return whether a package is installed, without importing it."""
    return importlib.util.find_spec(package) is not None


def gensim_data() -> Path | None:
    """Return the folder of the data that come with gensim, or None if gensim is not installed. This function does not
    import gensim."""
    spec = importlib.util.find_spec("gensim")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "test" / "test_data"


def load(purpose: str, module: str) -> Any:
    """Import and return ``module``, which is an optional package or a module in one.

    Raise MissingDependencyError if the package is not installed or cannot be imported.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        reason = "which is not installed" if missing else f"which cannot be imported ({error})"
        raise MissingDependencyError(f"{purpose} needs {PACKAGES[package][0]}, {reason}: {command(package)}") from None


def not_compiled() -> MissingDependencyError:
    """Return the error for a missing compiled module of wordsparse."""
    return MissingDependencyError(
        f"{Path(__file__).parent} is the source tree of wordsparse, not compiled: leave this directory, or "
        "pip install -e ."
    )

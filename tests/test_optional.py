"""If an optional package is missing, the error names the command that installs it."""

import importlib.util
import re
import sys
from importlib import metadata

import pytest

import wordsparse as ws
from wordsparse import optional
from wordsparse.errors import MissingDependencyError
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors


@pytest.mark.parametrize("package", optional.PACKAGES)
def test_a_missing_package_is_named_with_its_command(package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, package, None)
    message = f"the test needs {optional.PACKAGES[package][0]}, which is not installed: {optional.command(package)}"
    with pytest.raises(MissingDependencyError) as caught:
        optional.load("the test", package)
    assert str(caught.value) == message
    extras = re.findall(r"wordsparse\[([^\]]+)\]'", optional.command(package))
    assert set(extras) <= set(metadata.metadata("wordsparse").get_all("Provides-Extra", []))


# Uses of optional packages: the package, the extra that installs the package, and a call that needs the package.
VECTORS = WordVectors(["a", "b"], [[1, 2], [3, 4]])
USES = [
    ("safetensors", "safetensors", lambda folder: save_vectors(VECTORS, folder / "v", "safetensors")),
    ("gensim.models", "gensim", lambda folder: save_vectors(VECTORS, folder / "v", "gensim")),
    ("regex", "unicode", lambda folder: ws.encode(iter(["a b"]), folder / "v", tokens="unicode")),
    ("sudachipy", "japanese", lambda folder: ws.encode(iter(["a b"]), folder / "v", tokens="japanese")),
    ("rjieba", "chinese", lambda folder: ws.encode(iter(["a b"]), folder / "v", tokens="chinese")),
    ("torch", "torch", lambda folder: importlib.import_module("wordsparse.torch")),
]


@pytest.mark.parametrize(("package", "extra", "use"), USES, ids=[use[0] for use in USES])
def test_a_use_without_its_package_writes_nothing(package, extra, use, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "wordsparse.torch", raising=False)
    has_no_wheel = extra == "gensim" and sys.version_info >= (3, 14)
    command = "use 3.13" if has_no_wheel else rf"pip install 'wordsparse\[{extra}\]'"
    with pytest.raises(MissingDependencyError, match=command):
        use(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [ImportError("it says"), ModuleNotFoundError("it says", name="another")], ids=repr)
def test_a_package_that_cannot_be_imported(error, monkeypatch):
    def fail(module):
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(MissingDependencyError, match=r"the test needs CuPy, which cannot be imported \(it says\): pip"):
        optional.load("the test", "cupy")

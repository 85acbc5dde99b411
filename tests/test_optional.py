"""If an optional package is missing, the error names the command that installs it."""

import importlib.util
import re
import sys
from importlib import metadata

import pytest

from wordsparse import optional
from wordsparse.errors import MissingDependencyError


@pytest.mark.parametrize("package", optional.PACKAGES)
def test_a_missing_package_is_named_with_its_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, package, None)
    message = f"the test needs {optional.PACKAGES[package][0]}, which is not installed: {optional.command(package)}"
    with pytest.raises(MissingDependencyError) as caught:
        optional.load("the test", package)
    assert str(caught.value) == message
    extras = re.findall(r"wordsparse\[([^\]]+)\]'", optional.command(package))
    assert set(extras) <= set(metadata.metadata("wordsparse").get_all("Provides-Extra", []))


@pytest.mark.parametrize("error", [ImportError("it says"), ModuleNotFoundError("it says", name="another")], ids=repr)
def test_a_package_that_cannot_be_imported(error: ImportError, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(MissingDependencyError, match=r"the test needs CuPy, which cannot be imported \(it says\): pip"):
        optional.load("the test", "cupy")

"""Modules import only from lower levels of the package, and every public name exists."""

import ast
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import wordsparse
from wordsparse.doors import SOURCES

PACKAGE = Path(__file__).resolve().parents[1] / "wordsparse"
PYX = PACKAGE.parent / "pyx"
SOURCE_ROOMS = {module.split(".")[1] for module, _ in SOURCES.values()}
# The levels of subpackages, from the highest to the lowest. A subpackage may import from lower levels only.
LEVELS = (
    ("__main__",),
    ("advice", "demo"),
    ("comparison", "explorer", "labels", "torch", "gensim", "cards", "distributed", "search", *SOURCE_ROOMS),
    ("cli",),
    ("training",),
    ("unseen",),
    ("words",),
    ("evaluation",),
    ("items",),
    ("corpus", "vectors"),
    ("layer",),
    ("kernels",),
    ("machine", "display", "tokens"),
    ("files",),
    ("options",),
    ("validation",),
    ("optional", "processes", "signals"),
    ("errors", "types", "doors"),
)
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}


def module_name(path):
    """Return ``wordsparse.subpackage.file`` for a source file, and the package's name for an ``__init__.py``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def statements(tree, *, in_functions):
    """Yield every node of a file, or only the nodes outside functions."""
    for node in ast.iter_child_nodes(tree):
        if in_functions or not isinstance(node, ast.FunctionDef):
            yield node
            yield from statements(node, in_functions=in_functions)


def imports(path, *, in_functions=True):
    """Yield the modules of the package that a file imports, including imports for type checkers only."""
    for node in statements(ast.parse(path.read_text()), in_functions=in_functions):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "wordsparse":
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module


def subpackage(module):
    """Return a module's subpackage: ``kernels`` for ``wordsparse.kernels.cpu``, or "" for the package itself."""
    return module.partition(".")[2].partition(".")[0]


# The methods infer, encode and train of Model call modules of higher levels.
HANDS_OVER = "wordsparse.words.model"


def test_imports_go_down_the_levels():
    up = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if subpackage(module)
        for imported in imports(path, in_functions=module != HANDS_OVER)
        if subpackage(imported) not in ("", subpackage(module))
        and not LEVEL[subpackage(imported)] > LEVEL[subpackage(module)]
    ]
    assert not up, "\n".join(up)


def test_no_imports_in_circles():
    """Two kinds of import are exempt: an __init__ may import its package's files, and a method may import modules
    that build on its class."""
    files = {module for module, path in MODULES.items() if path.stem != "__init__"}
    graph = {module: {*imports(MODULES[module], in_functions=False)} & files - {module} for module in files}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(error.args[1])) from error


def test_public_names_are_there():
    assert all(hasattr(wordsparse, name) for name in wordsparse.__all__)
    assert set(wordsparse.__all__) <= set(dir(wordsparse))
    with pytest.raises(AttributeError, match="module 'wordsparse' has no attribute 'no_such_name'"):
        wordsparse.no_such_name  # noqa: B018


def test_type_checkers_see_the_names_that_are_imported_when_used():
    (block,) = (node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(seen) == set(wordsparse.__all__)
    assert {name: seen[name] for name in wordsparse._MODULES} == wordsparse._MODULES


def test_importing_the_package_imports_none_of_its_parts():
    program = (
        "import sys, wordsparse; print(*(m for m in sys.modules if m.startswith(('wordsparse.', 'numpy', 'gensim'))))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"


def test_a_source_tree_that_is_not_compiled_is_named(tmp_path):
    # Previously, the error was "cannot import name '_build' … (most likely due to a circular import)".
    shutil.copytree(PACKAGE, tmp_path / "wordsparse", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    for program in (["-c", "from wordsparse import train"], ["-m", "wordsparse", "doctor"]):
        run = subprocess.run([sys.executable, *program], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode != 0
        assert "is the source tree of wordsparse, not compiled: leave this directory, or pip install -e ." in run.stderr
        assert "circular" not in run.stderr


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
@pytest.mark.parametrize(
    "name", ["column_blocks", "csr_rows", "gemm", "loss_terms", "ngrams", "sweeps", "text_scan", "window_pull"]
)
def test_headers_are_cpp_without_gnu_extensions(name):
    compiler = ["c++", "-std=c++17", "-pedantic-errors", "-Wno-attributes", "-fsyntax-only"]
    done = subprocess.run([*compiler, PYX / f"{name}.hpp"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

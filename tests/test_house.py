"""The rooms of the package: imports go down its floors."""

import ast
from collections.abc import Iterator
from pathlib import Path

import wordsparse

PACKAGE = Path(__file__).resolve().parents[1] / "wordsparse"
# From the top floor down: a room may import from the floors below its own. Rooms of one floor do not know each other.
FLOORS = (
    ("__main__",),
    ("cli", "torch", "gensim"),
    ("comparison",),
    ("training",),
    ("distributed",),
    ("words", "labels"),
    ("evaluation",),
    ("corpus", "vectors"),
    ("layer",),
    ("kernels",),
    ("machine",),
    ("files",),
    ("validation", "optional"),
    ("errors",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def module_name(path: Path) -> str:
    """``wordsparse.room.file`` of a source file; a package's own name for its ``__init__.py``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports anywhere, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "wordsparse":
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module


def room(module: str) -> str:
    """``kernels`` of ``wordsparse.kernels.cpu``; the empty string for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def test_every_file_stands_in_a_room() -> None:
    assert {room(module) for module in MODULES} <= {"", *FLOOR}


def test_imports_go_down_the_floors() -> None:
    up = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if room(module)
        for imported in imports(path)
        if room(imported) != room(module) and not FLOOR[room(imported)] > FLOOR[room(module)]
    ]
    assert not up, "\n".join(up)


def test_public_names_are_there() -> None:
    assert all(hasattr(wordsparse, name) for name in wordsparse.__all__)

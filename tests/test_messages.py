"""Every error that a user can cause names the next step."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import wordsparse

PACKAGE = Path(wordsparse.__file__).parent
MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
ERRORS = {"InputError", "CutShortError", "MissingDependencyError", "TrainingError", "NothingGivenError"}
# A verb that tells the reader to do something, or a wish (must be, needs, expected, at least). Names in capitals are
# remedies that several messages share.
STEP = re.compile(
    r"\b(must|needs?|expected|at least|add|call|change|check|choose|continue|convert|copy|correct|count|cut|delete|"
    r"encode|exchange|export|fetch|finish|give|hold|install|join|keep|leave|load|lower|make|move|name|put|raise|"
    r"remove|rename|replace|restore|resume|run|save|scale|set|skip|split|start|store|take|train|unpack|unset|update|"
    r"use|wait|write|free some|AGAIN|INSTALL|REBUILD|REPLACE)\b",
    re.IGNORECASE,
)


def errors(module: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each error that a module makes, but for texts that end with a text made elsewhere."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
        if not made or not node.args:
            continue
        text = node.args[0]
        ends_elsewhere = isinstance(text, ast.JoinedStr) and isinstance(text.values[-1], ast.FormattedValue)
        if isinstance(text, ast.Constant) or (isinstance(text, ast.JoinedStr) and not ends_elsewhere):
            yield node.lineno, ast.unparse(text)


@pytest.mark.parametrize("module", MODULES)
def test_every_error_names_the_next_step(module: str) -> None:
    silent = [f"{module}:{line}: {text}" for line, text in errors(module) if not STEP.search(text)]
    assert not silent

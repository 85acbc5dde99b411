"""The docstrings of Python and the installed NumPy and SciPy, read from source files; nothing is imported.

A paragraph is a line of lower-case words. "See Also" sections are left out: the names in them are the test set.
"""

import importlib.util
import inspect
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("numpy", "scipy")
_LEFT_OUT = {"tests", "test", "site-packages", "idlelib", "lib2to3"}
_STRING = re.compile(r'[rR]?"""(.*?)"""', re.DOTALL)
_DEFINED = re.compile(r"\b(?:def|class)\s+(\w+)")
_QUOTED = re.compile(r"""['"](\w+)['"]""")
_SEE_ALSO = re.compile(r"^See [Aa]lso\n-+\n(.*?)(?=\n\n?[A-Z][A-Za-z ]+\n-{3,}|\Z)", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]\w*")
# The number of characters before the docstring, in a call of add_newdoc, that are searched for the documented name.
_CALL = 200


def text_and_pairs() -> tuple[list[str], list[tuple[str, str]]]:
    """Return the paragraphs, and pairs of names in which one name is in the other name's "See Also" section."""
    paragraphs, pairs = list[str](), set[tuple[str, str]]()
    for file in _files():
        for name, docstring in _docstrings(file.read_text("utf-8", "replace")):
            if (section := _SEE_ALSO.search(docstring)) is not None:
                pairs |= {(min(name, other), max(name, other)) for other in _names(section[1]) if name != other}
                docstring = docstring[: section.start()] + docstring[section.end() :]
            paragraphs += _paragraphs(docstring)
    return paragraphs, sorted(pair for pair in pairs if all(pair))


def _files() -> Iterator[Path]:
    specs = (importlib.util.find_spec(package) for package in PACKAGES)
    folders = [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin is not None]
    for folder in [*folders, Path(sysconfig.get_path("stdlib"))]:
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).parts
            # Debian's Python has a link to a file in /etc, which containers may lack.
            if file.is_file() and not any(part in _LEFT_OUT or part.startswith("test_") for part in parts):
                yield file


def _docstrings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the lower-case name of each object with a docstring (empty for a module), and the docstring."""
    at = 0
    for string in _STRING.finditer(source):
        before, is_first, at = source[at : string.start()], at == 0, string.end()
        name = None
        if before.rstrip().endswith(":") and (defined := _DEFINED.findall(before)):
            name = defined[-1]
        elif "add_newdoc" in before[-_CALL:] and (quoted := _QUOTED.findall(before[-_CALL:])):
            name = quoted[-1]
        elif is_first and all(line.startswith("#") for line in before.split("\n") if line):
            name = ""
        if name is not None:
            yield name.lower(), inspect.cleandoc(string[1])


def _names(section: str) -> Iterator[str]:
    """Yield the last parts of the names in a "See Also" section: ``eigh`` of ``scipy.linalg.eigh : For symmetric…``."""
    for line in section.split("\n"):
        if line[:1].strip():
            for part in line.partition(":")[0].split(","):
                name = part.strip().strip("`").rpartition(".")[2]
                if name.isidentifier():
                    yield name.lower()


def _paragraphs(docstring: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", docstring):
        prose = [line for line in paragraph.split("\n") if not line.lstrip().startswith((">>>", "..."))]
        words = _WORD.findall("\n".join(prose).lower())
        if len(words) > 1:
            yield " ".join(words)

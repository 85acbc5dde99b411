"""The report of a comparison: report.json, a self-contained report.html, and its pictures as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.files import storage
from wordsparse.files.escaping import page_bytes

__all__ = ["require", "write"]


def require() -> None:
    """Raise MissingDependencyError unless the packages that the report needs are installed."""
    optional.check("the report", "matplotlib", "jinja2")


def write(content: Mapping[str, Any], folder: Path) -> None:
    """Write the report of a comparison into ``folder``.

    Raises
    ------
    WordsparseError
        If a file cannot be written.
    """
    from wordsparse.comparison.report.page import page
    from wordsparse.comparison.report.pictures import draw

    pictures = draw(content)
    with storage.writing(folder):
        (folder / "pictures").mkdir()
    for picture in pictures:
        storage.write_file(folder / "pictures" / f"{picture.name}.svg", picture.svg)
    storage.write_file(folder / "report.json", (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    storage.write_file(folder / "report.html", page_bytes(page(content, pictures)))

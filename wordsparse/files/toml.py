"""Files of TOML, a format that people read and edit: options, and cards of texts."""

import os
import tomllib
from typing import Any

from wordsparse.errors import InputError
from wordsparse.files import regular

MAX_BYTES = 2**20


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a table.

    InputError if the file cannot be read, is too large or is not TOML; the message names it, and the line.
    """
    text = regular.read_text(path, MAX_BYTES)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the ValueErrors include numbers of thousands of digits
        said = "is JSON, not TOML: for a model's options name its directory"
        said = said if text.lstrip().startswith("{") else f"is not valid TOML: {error}; correct it"
        raise InputError(f"{path}: {said}") from error

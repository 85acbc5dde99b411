"""Options as TOML, a format that people read and edit."""

import json
import os
import tomllib
from collections.abc import Mapping
from typing import Any

from wordsparse.errors import InputError
from wordsparse.files import regular

MAX_BYTES = 2**20


def dumps(content: Mapping[str, Any]) -> str:
    """A table of numbers, Booleans, strings, lists and tables; what is None, or a string without UTF-8, is left out."""
    return "\n".join(_lines(content, ""))


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a table.

    InputError if the file cannot be read, is too large or is not TOML; the message names it, and the line.
    """
    return loads(regular.read_text(path, MAX_BYTES), os.fspath(path))


def loads(text: str, where: str) -> dict[str, Any]:
    """The table that ``text`` holds; InputError names ``where`` if it is not TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the ValueErrors include numbers of thousands of digits
        said = "is JSON: a model's options are in the options.toml beside it"
        said = said if text.lstrip().startswith("{") else f"is not valid TOML: {error}; correct it"
        raise InputError(f"{where}: {said}") from error


def _is_utf8(text: str) -> bool:
    """Whether it has no lone surrogates, which stand for bytes of a file's name."""
    return text.encode(errors="replace").decode() == text


def _lines(table: Mapping[str, Any], name: str) -> list[str]:
    values = {key: _value(value) for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    for key, value in table.items():
        if isinstance(value, Mapping):
            full = f"{name}.{key}" if name else key
            lines += ["", f"[{full}]", *_lines(value, full)]
    return lines if name else [*lines, ""]


def _value(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        parts = [part for part in map(_value, value) if part is not None]
        return f"[{', '.join(parts)}]"
    if not isinstance(value, str) or (not value.isascii() and not _is_utf8(value)):
        return None
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

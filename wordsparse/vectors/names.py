"""Converts the keys of vectors to text or JSON for files. In JSON, numbers remain numbers."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from wordsparse.errors import InputError


def as_text(keys: Sequence[Any]) -> list[str]:
    """Return the keys as text. A key that is a str is unchanged, and any other key becomes ``str(key)``.

    Raise InputError if two keys have the same text, or a word is not valid Unicode.
    """
    texts = [key if isinstance(key, str) else str(key) for key in keys]
    if len(set(texts)) != len(texts):
        raise InputError(
            "two keys have the same text (1 and '1'), so a file of words cannot represent both; rename one, or "
            "choose the format npz"
        )
    check_unicode(texts)
    return texts


def check_unicode(keys: Iterable[Any]) -> None:
    """Raise InputError if a word among the keys has a lone surrogate, which cannot be written as UTF-8."""
    try:
        "".join(key for key in keys if isinstance(key, str)).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a word is not valid Unicode: {error}; rename it, or leave it out") from None


def to_json(keys: Iterable[Any]) -> list[str]:
    """Return each key as JSON. Keys may be words, numbers, truth values, None, and tuples of these.

    Raise InputError if a key has another type.
    """
    try:
        texts = [json.dumps(_plain(key), ensure_ascii=False) for key in keys]
    except TypeError as error:
        raise InputError(
            f"only words, numbers and tuples of these can be stored as keys: {error}; rename the other keys"
        ) from error
    check_unicode(texts)
    return texts


def from_json(texts: Iterable[str]) -> list[Any]:
    """Invert :func:`to_json`. Raise InputError if a text is not an output of :func:`to_json`."""
    try:
        return [_tuple(json.loads(text)) for text in texts]
    except (ValueError, RecursionError) as error:
        raise InputError(f"a key is not JSON: {error}; copy or write the file again") from error


def _plain(key: Any) -> Any:
    """Return a key converted to types that JSON can store. NumPy numbers and strings become Python numbers and
    strings."""
    if isinstance(key, tuple):
        return [_plain(part) for part in key]
    return key.item() if hasattr(key, "item") else key


def _tuple(value: Any) -> Any:
    """Replace each list by a tuple."""
    return tuple(map(_tuple, value)) if isinstance(value, list) else value

"""Attributes of keys (gensim's ``expandos``) as arrays of an npz file.

``attributes`` (bytes,) uint8 holds a line for each attribute, the JSON list of its name and whether it is JSON too;
``attribute_0``, ``attribute_1`` … hold their values in this order: (V,) numbers, or (bytes,) uint8, a line of JSON for
each key.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.types import Array
from wordsparse.vectors.formats import names

NAMES, PREFIX = "attributes", "attribute_"
_NUMBERS = "biuf"


def arrays(attributes: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that hold the attributes; none if there are no attributes.

    Raises
    ------
    InputError
        If a value is not a number, a word, or a tuple of these.
    """
    if not attributes:
        return {}
    are_json = [values.dtype.kind not in _NUMBERS for values in attributes.values()]
    stored = {NAMES: _lines(zip(attributes, are_json, strict=True))}
    for place, (values, is_json) in enumerate(zip(attributes.values(), are_json, strict=True)):
        stored[f"{PREFIX}{place}"] = _lines(values.tolist()) if is_json else values
    return stored


def from_arrays(stored: Mapping[str, Array], length: int) -> dict[str, Array]:
    """The inverse of :func:`arrays`, for ``length`` keys; InputError if the arrays do not agree."""
    attributes: dict[str, Array] = {}
    for place, entry in enumerate(_values(stored[NAMES])):
        values = stored.get(f"{PREFIX}{place}")
        if values is None or not (isinstance(entry, tuple) and [*map(type, entry)] == [str, bool]):
            raise InputError(f"the array {NAMES!r} does not name the attributes that are stored")
        name, is_json = entry
        if is_json:
            objects = _values(values)
            values = np.empty(len(objects), object)
            for i, value in enumerate(objects):  # NumPy would make axes of tuples
                values[i] = value
        if len(values) != length:
            raise InputError(f"the attribute {name!r} has {len(values)} values for {length} words")
        attributes[name] = values
    return attributes


def _lines(values: Iterable[Any]) -> Array:
    """Values as lines of JSON, which has no line breaks of its own, in UTF-8."""
    return np.frombuffer("\n".join(names.to_json(values)).encode(), np.uint8)


def _values(lines: Array) -> list[Any]:
    if lines.dtype != np.uint8:
        raise InputError("the text of attributes must be uint8")
    try:
        return names.from_json(lines.tobytes().decode().split("\n"))
    except UnicodeDecodeError as error:
        raise InputError(f"the text of attributes is not valid UTF-8: {error}") from error

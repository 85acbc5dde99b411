"""Changes that make hostile inputs of good ones: of bytes, and of the members of JSON values."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

INTERESTING: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2, 3.5, -0.0, 1e-320, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, 10**30, 10**400),
    *(float("nan"), float("inf"), "", "x", "0", "<f8", "../x", "\x1b[31m", [], {}, [1], [[]], {"a": 1}),
)
TOKENS = (
    *(b"\0", b"\xff", b"\n", b"\r", b"\t", b" ", b"\xef\xbb\xbf", b"-1", b"0", b"1e999", b"nan", b"9" * 30),
    *(b"{", b"}", b"[", b"]", b'"', b"\\u0000", b"\\ud800", b"</page>", b"<!--", b"[[File:a|", b"{{", b": ", b"\xf0"),
)
SIZES = (1, 2, 4, 8, 64, 1000)


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """One to four changes, of which one may put a part of ``other`` in."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, size = random.randint(0, len(changed)), random.choice(SIZES)
        match random.randrange(8):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1 if at < len(changed):
                changed[at] = random.randrange(256)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size] * random.choice((1, 2, 50))
            case 4:
                changed[at:at] = random.choice(TOKENS) * random.choice((1, 1, 1, 100))
            case 5:
                del changed[at:]
            case 6:
                changed[at:] = other[random.randint(0, len(other)) :]
            case _:
                changed[at : at + size] = random.randbytes(size)
    return bytes(changed)


def altered(content: Any, random: Random) -> Any:
    """A copy of a JSON value with one to three members replaced, changed a little, doubled or removed."""
    content = copy.deepcopy(content)
    for _ in range(random.randint(1, 3)):
        ways = list(_ways(content))
        if not ways:
            break
        *way, last = random.choice(ways)
        parent = content
        for key in way:
            parent = parent[key]
        value = parent[last]
        match random.randrange(4):
            case 0:
                del parent[last]
            case 1 if type(value) in (int, float):
                parent[last] = random.choice((-value, value + 1, value - 1, value * 1000))
            case 2 if isinstance(value, list):
                parent[last] = value * 2
            case _:
                parent[last] = copy.deepcopy(random.choice(INTERESTING))
    return content


def _ways(content: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every member of a JSON value."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from _ways(value, (*way, key))

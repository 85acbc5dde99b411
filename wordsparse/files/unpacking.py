"""Compressed files: how they are recognised, and their maximum unpacked size, since a few kilobytes can fill a disk."""

import re
from pathlib import PurePath

from wordsparse.errors import InputError

EXPANSION = 200
"""Text rarely unpacks to more than 20 times its size; a decompression bomb unpacks to 1,000 times or more."""

ALWAYS_ALLOWED = 64 * 2**20
"""Bytes to which any file may unpack: small files of repeated lines have unbounded compression ratios."""


COMPRESSIONS = {
    ".gz": rb"\x1f\x8b\x08",
    ".bz2": rb"BZh[1-9]1AY&SY",
    ".xz": rb"\xfd7zXZ\0",
    ".zst": rb"\x28\xb5\x2f\xfd",
}
"""Suffixes of compressed files, which smart_open knows, and the first bytes of each as a pattern."""


def compression_of(start: bytes) -> str | None:
    """Return the suffix of the compression whose files begin with ``start``; None if there is no match."""
    return next((suffix for suffix, pattern in COMPRESSIONS.items() if re.match(pattern, start)), None)


def compression_of_name(path: PurePath) -> str | None:
    """Return the suffix of a name, in lower case, if it belongs to a compression; else None."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


def suffix_of(path: PurePath) -> str:
    """Return the last suffix of a name, in lower case, after removing a compression's; empty if there is none left."""
    return (path.with_suffix("") if compression_of_name(path) else path).suffix.lower()


def unpacked_limit(size: int) -> int:
    """Return the maximum number of bytes to which a compressed file of ``size`` bytes may unpack."""
    return max(ALWAYS_ALLOWED, EXPANSION * size)


def too_large(limit: int) -> InputError:
    """Return the error for a file that unpacks to more than ``limit`` bytes."""
    return InputError(
        f"unpacks to more than {limit:,} bytes, far more than a file of its size does: unpack it yourself if you trust "
        "it"
    )

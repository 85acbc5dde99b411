"""Compressed files: how to recognise them, and how much they may unpack to, since some kilobytes can fill a disk."""

import re
from pathlib import PurePath

from wordsparse.errors import InputError

EXPANSION = 200
"""The largest factor by which files may unpack. Text rarely exceeds 20; a decompression bomb exceeds 1,000."""

ALWAYS_ALLOWED = 64 * 2**20
"""The bytes to which any file may unpack, because small files of repeated lines compress without limit."""


COMPRESSIONS = {
    ".gz": rb"\x1f\x8b\x08",
    ".bz2": rb"BZh[1-9]1AY&SY",
    ".xz": rb"\xfd7zXZ\0",
    ".zst": rb"\x28\xb5\x2f\xfd",
}
"""The suffixes of compressed files that smart_open knows, each with a pattern of its first bytes."""


def compression_of(start: bytes) -> str | None:
    """Return the suffix of the compression whose files begin with ``start``, or None."""
    return next((suffix for suffix, pattern in COMPRESSIONS.items() if re.match(pattern, start)), None)


def compression_of_name(path: PurePath) -> str | None:
    """Return the suffix of a name in lower case if it belongs to a compression, or else None."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


def suffix_of(path: PurePath) -> str:
    """Return the last suffix of a name in lower case, without the suffix of a compression; "" if there is no other."""
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

"""Recognises compressed files, and limits the size of their unpacked content. A few compressed kilobytes can fill a
disk."""

import re
from pathlib import PurePath

from wordsparse.errors import InputError

EXPANSION = 200
"""The largest factor by which a file may grow when it is unpacked. The factor is rarely above 20 for text, and above
1,000 for a decompression bomb."""

ALWAYS_ALLOWED = 64 * 2**20
"""The number of bytes to which any file may unpack, whatever its size, because files of repeated lines compress to very
few bytes."""


COMPRESSIONS = {
    ".gz": rb"\x1f\x8b\x08",
    ".bz2": rb"BZh[1-9]1AY&SY",
    ".xz": rb"\xfd7zXZ\0",
    ".zst": rb"\x28\xb5\x2f\xfd",
}
"""The suffixes of compressed files that smart_open knows, each with a pattern of the first bytes of such files."""


def compression_of(start: bytes) -> str | None:
    """Return the suffix of the compression whose files begin with ``start``, or None if there is no such
    compression."""
    return next((suffix for suffix, pattern in COMPRESSIONS.items() if re.match(pattern, start)), None)


def compression_of_name(path: PurePath) -> str | None:
    """Return the suffix of a name, in lower case, if it is the suffix of a compression, and None otherwise."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


def suffix_of(path: PurePath) -> str:
    """Return the last suffix of a name, in lower case, after removing the suffix of a compression. Return "" if no
    suffix is left."""
    return (path.with_suffix("") if compression_of_name(path) else path).suffix.lower()


def unpacked_limit(size: int) -> int:
    """Return the maximum number of bytes to which a compressed file of ``size`` bytes may unpack."""
    return max(ALWAYS_ALLOWED, EXPANSION * size)


def too_large(limit: int) -> InputError:
    """Return the error for a file that unpacks to more than ``limit`` bytes."""
    return InputError(
        f"unpacks to more than {limit:,} bytes, far more than is usual for its size: unpack it yourself if you trust it"
    )

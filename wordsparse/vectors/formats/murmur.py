"""MurmurHash3 (Austin Appleby, public domain) of many short texts at once: 128 bits, made for 64-bit machines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)


def hashed(texts: Sequence[bytes], seed: int) -> NDArray[np.uint32]:
    """The hash of each text as four numbers, (n, 4)."""
    found = np.empty((len(texts), 4), np.uint32)
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    for size in np.unique(sizes).tolist():
        places = np.flatnonzero(sizes == size)
        data = b"".join(texts[place] for place in places.tolist())
        letters = np.frombuffer(data, np.uint8).reshape(len(places), size)
        found[places] = _of_one_size(letters, seed)
    return found


def _of_one_size(letters: NDArray[np.uint8], seed: int) -> NDArray[np.uint32]:
    """The hashes of texts (n, size), as (n, 4)."""
    n, size = letters.shape
    whole = size // 16 * 16
    # The last block is filled with zeros; it is mixed in only where it holds a letter.
    padded = np.zeros((n, whole + 16), np.uint8)
    padded[:, :size] = letters
    blocks: Any = padded.view("<u8").astype(np.uint64, copy=False)
    first, second = np.full(n, seed, np.uint64), np.full(n, seed, np.uint64)
    for at in range(0, whole // 8, 2):
        first ^= _turned(blocks[:, at] * _C1, 31) * _C2
        first = (_turned(first, 27) + second) * np.uint64(5) + np.uint64(0x52DCE729)
        second ^= _turned(blocks[:, at + 1] * _C2, 33) * _C1
        second = (_turned(second, 31) + first) * np.uint64(5) + np.uint64(0x38495AB5)
    second ^= _turned(blocks[:, -1] * _C2, 33) * _C1
    first ^= _turned(blocks[:, -2] * _C1, 31) * _C2
    first ^= np.uint64(size)
    second ^= np.uint64(size)
    first += second
    second += first
    first, second = _mixed(first), _mixed(second)
    first += second
    second += first
    return np.stack([first, second], axis=1).astype("<u8").view("<u4").astype(np.uint32)


def _turned(words: Words, bits: int) -> Words:
    """Each word rotated to the left."""
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def _mixed(words: Words) -> Words:
    """Each word with all its bits mixed into all others."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        words = (words ^ (words >> np.uint64(33))) * np.uint64(factor)
    return words ^ (words >> np.uint64(33))

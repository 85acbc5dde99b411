"""Arrays of npz archives, read without trusting the sizes that they state. No pickle is read."""

import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError


def read_array(archive: zipfile.ZipFile, name: str, kinds: str, ndim: int, described: str) -> NDArray[Any]:
    """An array of one of NumPy's ``kinds`` of numbers with ``ndim`` axes; messages call it ``described``.

    Its header is compared with the size of the archive's member before anything is allocated. InputError if it is
    missing, has another kind or other axes, or states another size than its member has.
    """
    try:
        stored = archive.getinfo(f"{name}.npy").file_size
    except KeyError:
        raise InputError(f"has no array {name!r}") from None
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise InputError(f"the array {name!r} has npy version {version}, not (1, 0)")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.kind == "O":
            raise InputError(
                f"the array {name!r} holds Python objects, a pickle, which is never read: save it as "
                f"{described} (words: numpy.array(words, dtype=str))"
            )
        if dtype.kind not in kinds or len(shape) != ndim or any(length < 0 for length in shape):
            raise InputError(f"the array {name!r} must be {described} with {ndim} axes")
        size = math.prod((dtype.itemsize, *shape))  # of Python's integers: it cannot overflow
        if file.tell() + size != stored:
            raise InputError(f"the array {name!r} claims {size} bytes, but {stored - file.tell()} are stored")
    with archive.open(f"{name}.npy") as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array

"""SciPy's npz files of CSR matrices, as ``scipy.sparse.save_npz`` writes them, read without trusting them."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.files import npy, regular
from wordsparse.machine import memory

Array = NDArray[Any]

AGAIN = "save it again with scipy.sparse.save_npz"


def read(path: Path) -> Any:
    """A CSR array of float32 with ascending columns.

    Raises
    ------
    InputError
        If the file is not such a file, is damaged, or unpacks to more than the memory holds; errors do not name it.
    """
    try:
        with regular.opened(path) as file, zipfile.ZipFile(file) as archive:
            memory.check(sum(member.file_size for member in archive.infolist()), "the arrays in it")
            if "format.npy" not in archive.namelist():
                raise InputError(f"holds no sparse matrix: {AGAIN}")
            kind = npy.read_array(archive, "format", "SU", 0, "a name").item()
            if kind not in (b"csr", "csr"):
                name = kind.decode("ascii", "replace") if isinstance(kind, bytes) else kind
                raise InputError(f"holds a matrix in the format {name!r:.20}: save matrix.tocsr()")
            shape = npy.read_array(archive, "shape", "iu", 1, "whole numbers").tolist()
            data = npy.read_array(archive, "data", "fiub", 1, "numbers")
            indices, indptr = (
                npy.read_array(archive, name, "iu", 1, "whole numbers") for name in ("indices", "indptr")
            )
    except InputError:
        raise
    except Exception as error:  # for damaged archives, zipfile and its decompressors raise many kinds of errors
        raise InputError(f"is not a matrix saved by scipy.sparse.save_npz, or is damaged: {error}; {AGAIN}") from error
    if len(shape) != 2 or not all(0 <= size < 2**31 for size in shape):
        raise InputError(f"states the shape {shape!r:.60}, which is not that of a matrix; {AGAIN}")
    matrix = sp.csr_array(tuple(shape), dtype=data.dtype)
    matrix.data, matrix.indices, matrix.indptr = data, indices, indptr  # unchecked: validation checks them
    return validation.csr("the matrix", matrix, np.dtype(np.float32))

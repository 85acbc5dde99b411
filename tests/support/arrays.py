"""Random arrays and sparse structures for the tests of kernels, and comparisons of their results."""

import numpy as np
import scipy.sparse as sp

from wordsparse.kernels import Csr

DTYPES = ["float32", "float64"]


def structure(rows, columns, entries):
    """Make a structure with repeated columns, empty rows, and one row that holds a third of the entries."""
    random = np.random.default_rng(0)
    row = np.sort(
        np.concatenate([random.integers(0, max(rows, 1), entries - entries // 3), [rows // 2] * (entries // 3)])
    )
    indptr = np.searchsorted(row, np.arange(rows + 1)).astype(np.int64)
    return Csr(indptr, random.integers(0, max(columns, 1), entries).astype(np.int32), columns)


def with_value(matrix, value, *index):
    """Return a copy of an array with ``value`` at an index. For a sparse matrix, ``index`` is a position among
    the stored values."""
    out = matrix.copy()
    (out.data if sp.issparse(out) else out)[index] = value
    return out


def normal(shape, dtype, seed):
    array = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    array.setflags(write=False)  # kernels only read inputs, which may be memory-mapped
    return array

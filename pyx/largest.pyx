"""Finds the few large numbers of a matrix in one pass. NumPy would write and read a mask of all entries.

Functions exceeding  the places of the entries that exceed the number of their row or of their column
dtypes    real = float32 or float64
memory    the caller allocates the places
threads   one, because a caller's threads search different blocks
"""

from cython cimport view
from libc.stdint cimport int32_t

from common cimport real, require, stride

cdef extern from "largest.hpp" nogil:
    Py_ssize_t exceeding_places "wordsparse::exceeding"[T](
        int, const T*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const T*, const T*, int32_t*)


def exceeding(int isa, const real[::view.strided, ::view.contiguous] matrix, const real[::1] of_rows,
              const real[::1] of_columns, int32_t[::1] places):
    """Write the places of entries into places (entries,), in ascending order, and return how many they are."""
    cdef Py_ssize_t rows = matrix.shape[0], columns = matrix.shape[1], count = 0
    cdef Py_ssize_t ld = stride(matrix)
    require(of_rows.shape[0] == rows and of_columns.shape[0] == columns, "each row and column must have a number")
    require(places.shape[0] == rows * columns < 2**31, "there must be a place for each entry")
    if rows and columns:
        with nogil:
            count = exceeding_places(isa, &matrix[0, 0], ld, rows, columns, &of_rows[0], &of_columns[0], &places[0])
    return count

"""Converts rows of float32 to decimal text and back, for the numbers in word2vec's text format.

Functions texts   the numbers of a row, separated by spaces, each with the fewest digits that identify the float32
          parse   the numbers of a line; if one of them is not a plain number, Python parses the line instead
cost      some 50 ns per number in either direction, a third of the time that Python takes
threads   texts frees the GIL for one row at a time
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libcpp.vector cimport vector

from common cimport require

cdef extern from * nogil:
    """
    #include <charconv>
    #include <cstddef>

    namespace wordsparse {

    /* The maximum length of a float32 and the space after it: sign, nine digits, point, four for the exponent. */
    constexpr ptrdiff_t WIDEST = 16;

    static ptrdiff_t write_row(const float *row, ptrdiff_t n, char *text) {
        char *to = text;
        for (ptrdiff_t i = 0; i < n; i++) {
            if (i) *to++ = ' ';
            to = std::to_chars(to, to + WIDEST, row[i]).ptr;
        }
        return to - text;
    }

    /* Reads n numbers that are separated by single spaces. Returns false if the text has any other form. */
    static bool read_row(const char *from, const char *end, double *row, ptrdiff_t n) {
        for (ptrdiff_t i = 0; i < n; i++) {
            if (i && (from == end || *from++ != ' ')) return false;
            const auto number = std::from_chars(from, end, row[i]);
            if (number.ec != std::errc()) return false;
            from = number.ptr;
        }
        return from == end;
    }

    } // namespace wordsparse
    """
    Py_ssize_t WIDEST "wordsparse::WIDEST"
    Py_ssize_t write_row "wordsparse::write_row"(const float* row, Py_ssize_t n, char* text)
    bint read_row "wordsparse::read_row"(const char* begin, const char* end, double* row, Py_ssize_t n)


def texts(const float[:, ::1] rows):
    """Return the text of each row, as bytes."""
    cdef Py_ssize_t n = rows.shape[0], d = rows.shape[1], i, size
    require(d > 0, "rows must have numbers")
    cdef vector[char] text = vector[char](d * WIDEST)
    lines = []
    for i in range(n):
        with nogil:
            size = write_row(&rows[i, 0], d, text.data())
        lines.append(PyBytes_FromStringAndSize(text.data(), size))
    return lines


def parse(bytes line, Py_ssize_t start, double[::1] row):
    """Read the numbers in the line, beginning at ``start``, into ``row``. Return False unless this part of the line is
    exactly len(row) numbers."""
    require(0 <= start <= PyBytes_GET_SIZE(line) and row.shape[0] > 0, "the numbers must start within the line")
    cdef const char* text = PyBytes_AS_STRING(line)
    return bool(read_row(text + start, text + PyBytes_GET_SIZE(line), &row[0], row.shape[0]))

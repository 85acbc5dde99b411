"""N-grams of words: numbered, their rows fitted to vectors, and added to them.

Functions number    the n-grams that enough words have, in the order of sweeps, and the words of each
          table     the slots by which n-grams are found
          sweep     the rows of 8 bits that are fitted to vectors, by ordered Gauss-Seidel sweeps
          add       V[w] += shares[w] · the mean of the rows of w's n-grams, looked up; and unit lengths
          pack, unpack   rows of 8 bits from float32, and back
dtypes    letters int32, code points; ends and starts int64; vectors float32; rows int8 with a float32 scale for each
          SPAN numbers, or float32
memory    of sweeps, 64 bytes a word and thread, from the caller
cost      a hash and a probe for each n-gram of each word: some 25 ns; 4 flops an entry, sweep and column
threads   number holds the GIL; spans of columns, words and rows are dealt to OpenMP threads, and bytes never depend on
          them, nor on the hashes, which are random
"""

import numpy as np

from common cimport address, blocks_of, require, require_line
from cpython.bytes cimport PyBytes_FromStringAndSize
from cython.parallel cimport prange, threadid
from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t
from libcpp cimport bool
from libcpp.vector cimport vector

cdef extern from "sweeps.hpp" namespace "wordsparse" nogil:
    Py_ssize_t SPAN
    Py_ssize_t WORDS_AHEAD
    cdef cppclass NgramKind:
        int64_t shortest, longest
        uint64_t addend, multiplier
    cdef cppclass NgramTable:
        const int32_t* letters
        const int64_t* ends
        uint64_t* slots
        uint64_t mask
        bool fill(const NgramKind&, int64_t)
    cdef cppclass Ngrams:
        vector[int32_t] text
        vector[int64_t] ends
        vector[int32_t] sizes
        Ngrams(const int32_t*, const int64_t*, size_t, const NgramKind&, int64_t) except +
        size_t entries()
        void words_of(int64_t*, int32_t*) except +
    cdef cppclass NgramRows[whole]:
        whole* numbers
        float* scales
        Py_ssize_t d
    cdef cppclass SweptWords:
        const int64_t* rows
        Py_ssize_t count
        const float* first
        const float* second
    cdef cppclass SweptNgrams:
        const int64_t* starts
        const int32_t* words
        const float* curvature
        Py_ssize_t count
    float curvature_of(const int32_t*, const int32_t*, const SweptWords*, float)
    void sweep_span "wordsparse::sweep<float>"(
        int, const float*, Py_ssize_t, const float*, const SweptWords*, const SweptNgrams*, float, int, Py_ssize_t,
        const NgramRows[int8_t]*, float*)
    void pack_span "wordsparse::pack_span<float>"(int, const float*, Py_ssize_t, int8_t*, float*)
    void unpack_row "wordsparse::unpack_row<float>"(int, const NgramRows[int8_t]*, Py_ssize_t, float*)
    void add_ngrams "wordsparse::add_ngrams"[whole](
        int, const NgramKind*, const NgramTable*, const NgramRows[whole]*, const int32_t*, const int64_t*, Py_ssize_t,
        Py_ssize_t, const float*, bint, float*, int32_t*) except +

ctypedef fused whole:
    int8_t
    float

cdef enum:
    # Words, and rows, that a thread takes at a time.
    BLOCK = 256


cdef NgramKind kind_of(const int64_t[::1] kind) except *:
    """Of the lengths of n-grams and two random numbers."""
    cdef NgramKind made
    require(kind.shape[0] == 4 and 1 <= kind[0] <= kind[1],
            "n-grams must have a character, and the longest be no shorter than the shortest")
    made.shortest, made.longest, made.addend, made.multiplier = kind[0], kind[1], kind[2], kind[3]
    return made


cdef NgramTable table_of(const int32_t[::1] letters, const int64_t[::1] ends, int64_t[::1] slots) except *:
    cdef NgramTable made
    cdef Py_ssize_t size = slots.shape[0]
    require_ends(letters, ends)
    require(size > 1 and size & (size - 1) == 0 and size >= 2 * ends.shape[0], "half of a power of two of slots is free")
    made.letters, made.ends, made.slots, made.mask = address(letters), address(ends), <uint64_t*> &slots[0], size - 1
    return made


cdef NgramRows[whole] rows_of(whole[:, ::1] numbers, float[:, ::1] scales) except *:
    cdef NgramRows[whole] made
    made.d = numbers.shape[1]
    made.numbers = &numbers[0, 0] if numbers.shape[0] and made.d else NULL
    made.scales = NULL
    if whole is int8_t:
        require(scales.shape[0] == numbers.shape[0] and scales.shape[1] == blocks_of(made.d, SPAN),
                "there must be a scale for each span of a row")
        made.scales = &scales[0, 0] if made.numbers else NULL
    return made


cdef int require_ends(const int32_t[::1] letters, const int64_t[::1] ends) except -1:
    cdef int64_t before = 0
    cdef Py_ssize_t i
    for i in range(ends.shape[0]):
        require(before <= ends[i], "words must end in ascending order")
        before = ends[i]
    return require(before == letters.shape[0], "the last word must end where the letters do")


def number(const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t at_least):
    """The n-grams that ``at_least`` of the words letters[ends[w - 1]:ends[w]] have, the longest first, and of one length
    the one first that the fewest words have.

    Returns
    -------
    letters, ends : (., int32), (B, int64)
        Of the n-grams.
    starts, of : (B + 1, int64), (n, int32)
        The words of each n-gram, of[starts[g]:starts[g + 1]], ascending, each as often as it has it. Zeros follow.
    sizes : (V, int32)
        How many of these n-grams each word has.
    """
    require_ends(letters, ends)
    cdef Ngrams* made = new Ngrams(address(letters), address(ends), ends.shape[0], kind_of(kind), at_least)
    try:
        starts = np.zeros(made.ends.size() + 1, np.int64)
        of = np.zeros(made.entries() + WORDS_AHEAD, np.int32)
        fill_words(made, starts, of)
        return (copied(made.text.data(), made.text.size(), np.int32), copied(made.ends.data(), made.ends.size(), np.int64),
                starts, of, copied(made.sizes.data(), made.sizes.size(), np.int32))
    finally:
        del made


cdef fill_words(Ngrams* ngrams, int64_t[::1] starts, int32_t[::1] of):
    ngrams.words_of(&starts[0], &of[0])


cdef object copied(const void* values, size_t count, dtype):
    return np.frombuffer(PyBytes_FromStringAndSize(<const char*> values, count * np.dtype(dtype).itemsize), dtype)


def table(const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t[::1] slots):
    """Fill the slots, zeros, with the n-grams letters[ends[i - 1]:ends[i]]; whether all are distinct."""
    return table_of(letters, ends, slots).fill(kind_of(kind), ends.shape[0])


def sweep(int isa, const float[:, ::1] vectors, const float[::1] mean, const int64_t[::1] rows, const float[::1] first,
          const float[::1] second, const int64_t[::1] starts, const int32_t[::1] of, float ridge, int sweeps, int8_t[:, ::1] numbers, float[:, ::1] scales, float[:, :, ::1] pulls):
    """The rows of n-grams that are fitted to vectors[rows] − mean; as many threads as there are pulls."""
    cdef Py_ssize_t d = vectors.shape[1], span, g
    cdef NgramRows[int8_t] made = rows_of[int8_t](numbers, scales)
    cdef SweptWords words
    cdef SweptNgrams ngrams
    words.rows, words.count, words.first, words.second = address(rows), rows.shape[0], address(first), address(second)
    cdef float[::1] curvature = np.empty(numbers.shape[0], np.float32)
    ngrams.starts, ngrams.words, ngrams.curvature = address(starts), address(of), address(curvature)
    ngrams.count = numbers.shape[0]
    require(mean.shape[0] == made.d == d, "vectors, their mean and rows must have as many numbers")
    require(first.shape[0] == second.shape[0] == words.count == pulls.shape[1] and 2 * pulls.shape[2] == SPAN,
            "each word must have its weights and pulls")
    require(starts.shape[0] == ngrams.count + 1 and of.shape[0] >= starts[ngrams.count] + WORDS_AHEAD,
            "each n-gram must have its words, and zeros must follow the last")
    if made.numbers == NULL:
        return
    require_line(&pulls[0, 0, 0])
    for g in range(ngrams.count):
        curvature[g] = curvature_of(&of[starts[g]], &of[starts[g + 1]], &words, ridge)
    for span in prange(blocks_of(d, SPAN), nogil=True, schedule="dynamic", num_threads=pulls.shape[0]):
        sweep_span(isa, &vectors[0, span * SPAN], d, &mean[span * SPAN], &words, &ngrams, ridge, sweeps, span, &made,
                   &pulls[threadid(), 0, 0])


def add(int isa, const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t[::1] slots,
        whole[:, ::1] numbers, float[:, ::1] scales, const int32_t[::1] words, const int64_t[::1] word_ends,
        const float[::1] shares, bint unit, float[:, ::1] to, int32_t[::1] sizes, int threads):
    """to[w] += shares[w] times the mean of the rows of the n-grams of w, of which there are sizes[w], as they are found;
    unit: to[w] has length one then, or is zeros."""
    cdef NgramKind kind_ = kind_of(kind)
    cdef NgramTable table = table_of(letters, ends, slots)
    cdef NgramRows[whole] rows = rows_of[whole](numbers, scales)
    cdef Py_ssize_t n = word_ends.shape[0], block
    cdef const int32_t* words_ = address(words)
    cdef const int64_t* word_ends_ = address(word_ends)
    require_ends(words, word_ends)
    require(numbers.shape[0] == ends.shape[0], "each n-gram must have a row")
    require(to.shape[0] == n and shares.shape[0] == n and sizes.shape[0] == n and to.shape[1] == rows.d,
            "each word must have a share, a size and a vector as long as rows")
    if n == 0 or rows.d == 0:
        return
    for block in prange(blocks_of(n, BLOCK), nogil=True, schedule="dynamic", num_threads=threads):
        add_ngrams(isa, &kind_, &table, &rows, words_, word_ends_, block * BLOCK, min(n, (block + 1) * BLOCK), &shares[0],
                   unit, &to[0, 0], &sizes[0])


def unpack(int isa, int8_t[:, ::1] numbers, float[:, ::1] scales, float[:, ::1] out, int threads):
    """out = the rows of 8 bits as float32."""
    cdef NgramRows[int8_t] rows = rows_of[int8_t](numbers, scales)
    cdef Py_ssize_t row
    for row in prange(numbers.shape[0], nogil=True, schedule="static", num_threads=threads):
        unpack_row(isa, &rows, row, &out[row, 0])


def pack(int isa, const float[:, ::1] rows, int8_t[:, ::1] numbers, float[:, ::1] scales, int threads):
    """The rows (n, d), as 8 bits: the largest number of a span becomes 127 or −127."""
    cdef NgramRows[int8_t] made = rows_of[int8_t](numbers, scales)
    cdef Py_ssize_t d = rows.shape[1], row, span
    require(rows.shape[0] == numbers.shape[0] and made.d == d, "packed rows must have the shape of rows")
    for row in prange(rows.shape[0], nogil=True, schedule="static", num_threads=threads):
        for span in range(blocks_of(d, SPAN)):
            pack_span(isa, &rows[row, span * SPAN], min(SPAN, d - span * SPAN), &numbers[row, span * SPAN],
                      &scales[row, span])

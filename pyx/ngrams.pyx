"""Assigns numbers to the n-grams of words, fits a row to each n-gram, and adds these rows to the vectors of words.

Functions number    list the n-grams that occur in enough words, in the order of sweeps, and the words of each n-gram
          fill      fill the hash table in which n-grams are looked up
          sweep     fit rows of 8 bits to vectors by ordered Gauss-Seidel sweeps
          add       look up the n-grams of each word w: V[w] += shares[w] · mean of their rows; then scale to length 1
          pack, unpack   convert float32 to rows of 8 bits, and back
dtypes    letters int32, code points; ends and starts int64; vectors float32; rows bytes (sweeps.hpp)
memory    sweeps need a cache line per word and thread, which the caller allocates
cost      look-up: a hash and a probe for each n-gram of each word, some 25 ns. Sweep: two cache lines for each word of
          each n-gram, per span of columns
threads   number and fill hold the GIL. The other functions distribute spans of columns, words or rows among OpenMP
          threads. Results do not depend on threads, nor on the hashes, which are random
"""

import numpy as np

from common cimport address, blocks_of, require, require_line
from cpython.bytes cimport PyBytes_FromStringAndSize
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp cimport bool
from libcpp.vector cimport vector

cdef extern from "sweeps.hpp" namespace "wordsparse" nogil:
    Py_ssize_t SPAN
    Py_ssize_t WORDS_AHEAD
    Py_ssize_t spans_of(Py_ssize_t)
    Py_ssize_t row_bytes(Py_ssize_t)
    float step_of(const int32_t*, const int32_t*, const float*, float)
    cdef cppclass NgramTable:
        const int64_t* kind
        const int32_t* letters
        const int64_t* ends
        int64_t* slots
        uint64_t mask
        bool fill(int64_t)
    cdef cppclass Ngrams:
        vector[int32_t] letters, sizes
        vector[int64_t] ends
        size_t entries
        Ngrams(const int64_t*, const int32_t*, const int64_t*, size_t, int64_t) except +
        void words_of(int64_t*, int32_t*) except +
    void sweep_span "wordsparse::sweep<float>"(
        int, const float*, const float*, Py_ssize_t, const int64_t*, Py_ssize_t, const float*, const float*,
        const int64_t*, const int32_t*, Py_ssize_t, const float*, float, int, Py_ssize_t, uint8_t*, float*)
    void pack_row "wordsparse::pack<float>"(int, const float*, Py_ssize_t, uint8_t*)
    void unpack_row "wordsparse::unpack<float>"(int, const uint8_t*, Py_ssize_t, float*)
    void add_ngrams "wordsparse::add_ngrams<float>"(
        int, const NgramTable*, const uint8_t*, const int32_t*, const int64_t*, Py_ssize_t, Py_ssize_t,
        const float*, bint, float*, Py_ssize_t, int32_t*) except +

cdef enum:
    # The number of words that a thread takes at a time.
    BLOCK = 256


cdef int require_ends(const int32_t[::1] letters, const int64_t[::1] ends) except -1:
    cdef int64_t before = 0
    cdef Py_ssize_t i
    for i in range(ends.shape[0]):
        require(before <= ends[i], "words must end in ascending order")
        before = ends[i]
    return require(before == letters.shape[0], "the last word must end where the letters do")


cdef int set_table(NgramTable& table, const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends,
                   int64_t[::1] slots) except -1:
    cdef Py_ssize_t size = slots.shape[0]
    require_kind(kind)
    require(size and size & (size - 1) == 0 and size >= 2 * ends.shape[0], "half of 2^n slots must be free")
    table.kind, table.letters, table.ends, table.slots = &kind[0], address(letters), address(ends), &slots[0]
    table.mask = size - 1
    return 0


cdef int require_kind(const int64_t[::1] kind) except -1:
    return require(kind.shape[0] == 4 and 1 <= kind[0] <= kind[1],
                   "n-grams need 1 character or more, and their shortest length may not exceed their longest")


def number(const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t at_least):
    """Assign numbers to the n-grams that occur in at least ``at_least`` words. The longest n-grams come first and,
    among n-grams of equal length, the rarest. Word w is letters[ends[w - 1]:ends[w]].

    Returns
    -------
    letters, ends : (., int32), (B, int64)
        The letters of the n-grams.
    starts, of : (B + 1, int64), (n, int32)
        The words of n-gram g, of[starts[g]:starts[g + 1]], ascending. A word is listed as often as it contains g.
        WORDS_AHEAD zeros follow the last list.
    sizes : (V, int32)
        The number of these n-grams in each word.
    """
    require_kind(kind)
    require_ends(letters, ends)
    cdef Ngrams* made = new Ngrams(&kind[0], address(letters), address(ends), ends.shape[0], at_least)
    cdef int64_t[::1] starts = np.zeros(made.ends.size() + 1, np.int64)
    cdef int32_t[::1] of = np.zeros(made.entries + WORDS_AHEAD, np.int32)
    try:
        made.words_of(&starts[0], &of[0])
        return (copied(made.letters.data(), 4 * made.letters.size(), np.int32),
                copied(made.ends.data(), 8 * made.ends.size(), np.int64), np.asarray(starts), np.asarray(of),
                copied(made.sizes.data(), 4 * made.sizes.size(), np.int32))
    finally:
        del made


cdef object copied(const void* values, size_t size, dtype):
    return np.frombuffer(PyBytes_FromStringAndSize(<const char*> values, size), dtype)


def fill(const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t[::1] slots):
    """Enter the n-grams letters[ends[i - 1]:ends[i]] into the empty slots. Return whether the n-grams are distinct."""
    cdef NgramTable table
    require_ends(letters, ends)
    set_table(table, kind, letters, ends, slots)
    return table.fill(ends.shape[0])


def sweep(int isa, const float[:, ::1] vectors, const float[::1] mean, const int64_t[::1] ids, const float[::1] pull,
          const float[::1] reach, const int64_t[::1] starts, const int32_t[::1] of, float ridge, int sweeps,
          uint8_t[:, ::1] rows, float[:, :, ::1] pulls):
    """Fit the rows of n-grams to vectors[ids] − mean. Each thread has its own array in `pulls` (threads, words,
    line)."""
    cdef Py_ssize_t d = vectors.shape[1], ngrams = rows.shape[0], words = ids.shape[0], span, g
    cdef float[::1] steps = np.empty(ngrams, np.float32)
    require(mean.shape[0] == d and rows.shape[1] == row_bytes(d), "vectors, mean and rows must have the same length")
    require(pull.shape[0] == reach.shape[0] == pulls.shape[1] == words and 2 * pulls.shape[2] == SPAN,
            "each word must have its weights and a line")
    require(starts.shape[0] == ngrams + 1 and of.shape[0] >= starts[ngrams] + WORDS_AHEAD,
            "each n-gram must have its words, and padding must follow the words of the last")
    if ngrams == 0 or d == 0:
        return
    require_line(&pulls[0, 0, 0])
    for g in range(ngrams):
        steps[g] = step_of(&of[starts[g]], &of[starts[g + 1]], &reach[0], ridge)
    for span in prange(spans_of(d), nogil=True, schedule="dynamic", num_threads=pulls.shape[0]):
        sweep_span(isa, &vectors[0, 0], &mean[0], d, &ids[0], words, &pull[0], &reach[0], &starts[0], &of[0], ngrams,
                   &steps[0], ridge, sweeps, span, &rows[0, 0], &pulls[threadid(), 0, 0])


def add(int isa, const int64_t[::1] kind, const int32_t[::1] letters, const int64_t[::1] ends, int64_t[::1] slots,
        const uint8_t[:, ::1] rows, const int32_t[::1] words, const int64_t[::1] word_ends, const float[::1] shares,
        bint unit, float[:, ::1] to, int32_t[::1] sizes, int threads):
    """Add the mean of the rows of the sizes[w] n-grams of word w, times shares[w], to the vector to[w]. With `unit`,
    also scale to[w] to unit length; zeros stay zeros."""
    cdef NgramTable table
    cdef Py_ssize_t n = word_ends.shape[0], d = to.shape[1], block
    set_table(table, kind, letters, ends, slots)
    require_ends(words, word_ends)
    require(rows.shape[0] == ends.shape[0] and rows.shape[1] == row_bytes(d),
            "each n-gram must have a row as long as vectors")
    require(to.shape[0] == n and shares.shape[0] == n and sizes.shape[0] == n, "each word must have a share")
    if n == 0 or d == 0:
        return
    cdef const uint8_t* rows_ = &rows[0, 0] if rows.shape[0] else NULL
    cdef const int32_t* words_ = address(words)
    for block in prange(blocks_of(n, BLOCK), nogil=True, schedule="dynamic", num_threads=threads):
        add_ngrams(isa, &table, rows_, words_, &word_ends[0], block * BLOCK, min(n, (block + 1) * BLOCK),
                   &shares[0], unit, &to[0, 0], d, &sizes[0])


def pack(int isa, const float[:, ::1] numbers, uint8_t[:, ::1] rows, int threads):
    """Pack numbers into rows of 8 bits, such that the number of largest magnitude in a span becomes 127 or −127."""
    cdef Py_ssize_t d = numbers.shape[1], i
    require(rows.shape[0] == numbers.shape[0] and rows.shape[1] == row_bytes(d), "there must be rows for numbers")
    for i in prange(numbers.shape[0] if d else 0, nogil=True, schedule="static", num_threads=threads):
        pack_row(isa, &numbers[i, 0], d, &rows[i, 0])


def unpack(int isa, const uint8_t[:, ::1] rows, float[:, ::1] numbers, int threads):
    """Unpack the numbers of rows of 8 bits."""
    cdef Py_ssize_t d = numbers.shape[1], i
    require(rows.shape[0] == numbers.shape[0] and rows.shape[1] == row_bytes(d), "there must be rows for numbers")
    for i in prange(numbers.shape[0] if d else 0, nogil=True, schedule="static", num_threads=threads):
        unpack_row(isa, &rows[i, 0], d, &numbers[i, 0])

"""The n-grams of a vocabulary: which ones enough words have, and which of them each word has.

Functions number    the n-grams of bracketed words, in the order of their characters, and the rows of each word
dtypes    letters uint32, code points; ends int64; starts int64, lengths, rows and sizes int32
memory    48 to 80 bytes a distinct n-gram and 4 to 8 an occurrence, until the results are made
cost      a hash and a probe for each n-gram of each word: some 0.1 µs
threads   holds the GIL; no result depends on the hashes, which are random
"""

import os

import numpy as np

from common cimport address, require
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

cdef extern from "ngrams.hpp" namespace "wordsparse" nogil:
    cdef cppclass Ngrams:
        vector[int64_t] starts
        vector[int32_t] lengths, rows, sizes
        Ngrams(const uint32_t*, const int64_t*, size_t, int64_t, int64_t, int64_t, uint64_t, uint64_t) except +


def number(const uint32_t[::1] letters, const int64_t[::1] ends, int64_t shortest, int64_t longest, int64_t at_least):
    """The n-grams of ``shortest`` to ``longest`` characters that ``at_least`` of the words letters[ends[w - 1]:ends[w]]
    have.

    Returns
    -------
    starts, lengths : (B,)
        Of each n-gram, a place among the letters where it stands.
    rows : (n,)
        Of each word in turn, its n-grams, ascending, each as often as it occurs.
    sizes : (V,)
        How many of ``rows`` belong to each word.
    """
    cdef Py_ssize_t words = ends.shape[0], i
    cdef int64_t before = 0
    for i in range(words):
        require(before <= ends[i], "words must end in ascending order")
        before = ends[i]
    require(before == letters.shape[0], "the last word must end where the letters do")
    require(1 <= shortest <= longest, "n-grams must have a character, and the longest be no shorter than the shortest")
    cdef uint32_t none = 0
    cdef const uint32_t* letters_ = &letters[0] if letters.shape[0] else &none
    cdef uint64_t addend = int.from_bytes(os.urandom(8), "little"), multiplier = int.from_bytes(os.urandom(8), "little")
    cdef Ngrams* found = new Ngrams(letters_, address(ends), words, shortest, longest, at_least, addend, multiplier)
    try:
        return longs(found.starts), ints(found.lengths), ints(found.rows), ints(found.sizes)
    finally:
        del found


cdef object ints(const vector[int32_t]& values):
    copy = np.empty(values.size(), np.int32)
    cdef int32_t[::1] into = copy
    if values.size():
        memcpy(&into[0], values.data(), values.size() * sizeof(int32_t))
    return copy


cdef object longs(const vector[int64_t]& values):
    copy = np.empty(values.size(), np.int64)
    cdef int64_t[::1] into = copy
    if values.size():
        memcpy(&into[0], values.data(), values.size() * sizeof(int64_t))
    return copy

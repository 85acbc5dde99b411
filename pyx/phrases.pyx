"""Counts pairs of neighbouring words in a text of ids, and joins the pairs that are phrases. `phrases.hpp` says what a
pair is, and how it is numbered.

Calls release the GIL, and several threads may pass parts of a text to one object at once.

The arguments of the methods are parts of a text, (n,) int32, with ids and negative numbers, which end a sentence; and
the number of the connector that each word is, from 1 on, or 0 for other words, (words,) uint8.
"""

import os

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libcpp.vector cimport vector

cdef extern from "phrases.hpp" namespace "wordsparse::text" nogil:
    cdef struct Numbering:
        const uint8_t* connectors
        uint64_t words
        uint64_t base
    cdef cppclass Counted:
        uint64_t pair
        uint64_t times
    cdef cppclass CppPairCounts "wordsparse::text::PairCounts":
        CppPairCounts(uint64_t multiplier, uint64_t part, uint64_t parts) except +
        void add(const int32_t*, size_t, Numbering) except +
        vector[Counted] above(uint64_t, size_t&) except +
    cdef cppclass CppJoints "wordsparse::text::Joints":
        CppJoints(size_t, uint64_t multiplier) except +
        void add(uint64_t, int32_t) except +
        size_t join(int32_t*, size_t, Numbering)
        vector[int64_t] times() except +


cdef inline Numbering numbering(const uint8_t[::1] connectors, uint64_t base) noexcept nogil:
    return Numbering(&connectors[0], connectors.shape[0], base)


cdef class PairCounts:
    """The counts of the pairs in one part of a text's pairs. The odd number `multiplier`, which should be random,
    divides the pairs into `parts` parts, a power of two. `base` is one more than the number of connectors."""

    cdef CppPairCounts* pairs
    cdef uint64_t base

    def __cinit__(self, uint64_t base, uint64_t multiplier, uint64_t part, uint64_t parts):
        self.pairs = new CppPairCounts(multiplier, part, parts)
        self.base = base

    def __dealloc__(self):
        del self.pairs

    def add(self, const int32_t[::1] values not None, const uint8_t[::1] connectors not None):
        """Count the pairs in a part of a text."""
        if values.shape[0]:
            with nogil:
                self.pairs.add(&values[0], values.shape[0], numbering(connectors, self.base))

    def above(self, uint64_t least):
        """Return the pairs that occur more than `least` times, (n,) uint64 in no particular order, their counts, (n,)
        int64, and the number of distinct pairs."""
        cdef size_t i, distinct = 0
        cdef vector[Counted] chosen
        with nogil:
            chosen = self.pairs.above(least, distinct)
        pairs, times = np.empty(chosen.size(), np.uint64), np.empty(chosen.size(), np.int64)
        cdef uint64_t[::1] into = pairs
        cdef int64_t[::1] counts = times
        for i in range(chosen.size()):
            into[i], counts[i] = chosen[i].pair, chosen[i].times
        return pairs, times, distinct


cdef class Joints:
    """Pairs that are joined into one word each: the numbers of the pairs, (n,) uint64, and the ids of the words that
    replace them, (n,) int32."""

    cdef CppJoints* joints
    cdef uint64_t base

    def __cinit__(self, uint64_t base, const uint64_t[::1] pairs not None, const int32_t[::1] words not None):
        cdef Py_ssize_t i
        self.base = base
        self.joints = new CppJoints(pairs.shape[0], int.from_bytes(os.urandom(8), "little"))
        for i in range(pairs.shape[0]):
            self.joints.add(pairs[i], words[i])

    def __dealloc__(self):
        del self.joints

    def join(self, int32_t[::1] values not None, const uint8_t[::1] connectors not None):
        """Join pairs from left to right, in place. Return the number of values that are left."""
        cdef size_t size = 0
        if values.shape[0]:
            with nogil:
                size = self.joints.join(&values[0], values.shape[0], numbering(connectors, self.base))
        return size

    def times(self):
        """Return how often each pair was joined, (n,) int64."""
        cdef vector[int64_t] times = self.joints.times()
        return np.array(times, np.int64)

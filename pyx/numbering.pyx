"""Tokens of any hashable type, in lists, numbered in order of first appearance and counted.

A dictionary decides which tokens are equal. A table before it finds most of them without their hash and their
comparison: an int by its value, a short str by its letters, any other token by its address, if it is the very object
that was met first. The table holds addresses only of objects that ``tokens`` keeps alive, so none can become that of
another object. The numbers multiplied with a key are random, so nobody can choose tokens that meet in one slot.

dtypes: int32 numbers, int64 counts. Memory: about 150 bytes a distinct token beside the token. Threads: holds the GIL.
"""

import os

import numpy as np

from wordsparse.errors import InputError

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.string cimport memcpy
from libcpp.vector cimport vector

cdef extern from "Python.h":
    const int32_t INT32_MAX
    bint PyLong_CheckExact(PyObject*)
    int64_t PyLong_AsLongLongAndOverflow(PyObject*, int*) except? -1
    bint PyUnicode_CheckExact(PyObject*)
    bint PyUnicode_IS_ASCII(PyObject*)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject*)
    const unsigned char* PyUnicode_1BYTE_DATA(PyObject*)
    PyObject* PyDict_SetDefault(dict, object, object) except NULL
    PyObject* PySequence_Fast_GET_ITEM(object, Py_ssize_t)
    Py_ssize_t PySequence_Fast_GET_SIZE(object)

cdef struct Slot:
    uint64_t key  # as of key_of; 0: free
    int32_t number


cdef class Numbering:
    """The number and the count of each token. Not thread-safe: one thread at a time."""

    cdef readonly Py_ssize_t sentences  # how many were read, the empty ones among them
    cdef list known  # the tokens by their numbers
    cdef dict numbers
    cdef vector[int64_t] counted  # of each token, and 0 after them
    cdef vector[Slot] slots  # open addressing: a power of two of them, at most half in use
    cdef size_t used
    cdef uint64_t multiplier
    cdef bint busy

    def __cinit__(self):
        self.known, self.numbers, self.used = [], {}, 0
        self.slots.resize(1024)
        self.multiplier = int.from_bytes(os.urandom(8), "little") | 1

    def __reduce__(self):
        raise TypeError("a Numbering cannot be copied or pickled")

    @property
    def tokens(self):
        """The distinct tokens, by their numbers."""
        return self.known.copy()

    @property
    def counts(self):
        """How often each token was met, (n,) int64."""
        counts = np.empty(len(self.known), np.int64)
        cdef int64_t[::1] into = counts
        if into.shape[0]:
            memcpy(&into[0], self.counted.data(), into.shape[0] * sizeof(int64_t))
        return counts

    def number(self, sentences, int32_t end, Py_ssize_t at_least):
        """The numbers of the tokens of the next sentences, with ``end`` after each one that is not empty.

        Parameters
        ----------
        sentences : iterator of lists or tuples of hashable
        end : int
        at_least : int
            Stops after this number of values; the iterator can be resumed.

        Returns
        -------
        array (n,) int32

        Raises
        ------
        InputError
            If a token is not hashable, or cannot be compared.
        TypeError
            If a sentence is neither a list nor a tuple.
        RuntimeError
            If the sentences or the comparison of a token call this method.
        """
        if self.busy:
            raise RuntimeError("a Numbering that is at work cannot be called")
        self.busy = True
        try:
            return self._numbered(sentences, end, at_least)
        finally:
            self.busy = False

    cdef object _numbered(self, object sentences, int32_t end, Py_ssize_t at_least):
        cdef vector[int32_t] values
        cdef Py_ssize_t i
        for sentence in sentences:
            if not isinstance(sentence, (list, tuple)):
                raise TypeError(f"a sentence must be a list or a tuple, not {type(sentence).__name__}")
            self.sentences += 1
            i = 0
            while i < PySequence_Fast_GET_SIZE(sentence):  # the comparison of a token may change the list
                values.push_back(self._number(PySequence_Fast_GET_ITEM(sentence, i)))
                i += 1
            if i:
                values.push_back(end)
            if <Py_ssize_t>values.size() >= at_least:
                break
        numbered = np.empty(values.size(), np.int32)
        cdef int32_t[::1] into = numbered
        if values.size():
            memcpy(&into[0], values.data(), values.size() * sizeof(int32_t))
        return numbered

    cdef int32_t _number(self, PyObject* token) except -1:
        """The number of a token, which is counted."""
        cdef uint64_t key = key_of(token)
        cdef Slot* slot = self._slot(key)
        cdef int32_t number = slot.number if slot.key else self._look_up(token, key)
        self.counted[number] += 1
        return number

    cdef int32_t _look_up(self, PyObject* borrowed, uint64_t key) except -1:
        """The number of a token that the table does not have, from the dictionary; the next one if it is new."""
        cdef object token = <object>borrowed  # its own hash may take it out of the sentence, which alone holds it
        if len(self.known) == INT32_MAX - 2:
            raise OverflowError("more than 2,147,483,645 distinct tokens")
        cdef object next = len(self.known)
        if self.counted.size() <= <size_t>len(self.known):  # first, as there may be no memory for it
            self.counted.push_back(0)
        try:
            found = <object>PyDict_SetDefault(self.numbers, token, next)
        except TypeError as error:
            raise InputError(f"a sentence must be a list of hashable tokens: {error}") from error
        cdef bint is_new = found is next
        if is_new:
            self.known.append(token)
        if key and (is_new or not is_address(key)):
            if 2 * (self.used + 1) > self.slots.size():
                self._grow()
            self._slot(key)[0] = Slot(key, found)
            self.used += 1
        return found

    cdef Slot* _slot(self, uint64_t key) noexcept:
        """The slot of a key, or the free one where it belongs."""
        cdef size_t mask = self.slots.size() - 1
        cdef uint64_t mixed = key * self.multiplier
        cdef size_t at = (mixed ^ mixed >> 32) * self.multiplier >> 32 & mask
        while self.slots[at].key and self.slots[at].key != key:
            at = (at + 1) & mask
        return &self.slots[at]

    cdef int _grow(self) except -1:
        """Twice as many slots."""
        cdef vector[Slot] old
        cdef Slot each
        old.resize(2 * self.slots.size())
        old.swap(self.slots)
        for each in old:
            if each.key:
                self._slot(each.key)[0] = each
        return 0


cdef inline uint64_t key_of(PyObject* token) except? 0:
    """The key that identifies a token; its two lowest bits are its kind. 0: only the dictionary identifies the token.

    1: an int, its value. 3: ASCII letters, up to seven of them and their number. 0: the address of another object.
    """
    cdef uint64_t key = 0
    cdef int too_large = 0
    cdef int64_t value
    cdef Py_ssize_t i, length
    if PyLong_CheckExact(token):
        value = PyLong_AsLongLongAndOverflow(token, &too_large)
        return 0 if too_large or value >> 61 not in (0, -1) else <uint64_t>value << 2 | 1
    if PyUnicode_CheckExact(token) and PyUnicode_IS_ASCII(token):
        length = PyUnicode_GET_LENGTH(token)
        if length <= 7:
            for i in range(length):
                key = key << 8 | PyUnicode_1BYTE_DATA(token)[i]
            return key << 8 | <uint64_t>length << 2 | 3
    return <uint64_t><uintptr_t>token


cdef inline bint is_address(uint64_t key) noexcept:
    return key & 3 == 0

"""Counts the words of a text, and numbers them in order of first appearance.

Calls release the GIL while they work on bytes. Several threads can therefore count at once, each with its own
:class:`WordTable`. :meth:`WordTable.absorb` then adds up the counts.
"""

import os

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass string_view:
        string_view()
        string_view(const char*, size_t)
        const char* data()
        size_t size()

cdef extern from "word_table.hpp" namespace "wordsparse::text" nogil:
    cdef cppclass CppWordTable "wordsparse::text::WordTable":
        CppWordTable(uint64_t addend, uint64_t multiplier) except +
        size_t size()
        vector[int64_t] counts() except +
        string_view word(int32_t)
        uint64_t key(string_view)
        int32_t add(uint64_t key, string_view word, int64_t times) except +
        void absorb(const CppWordTable&, int32_t*) except +
        vector[int32_t] ranked(const vector[int64_t]& counts, int64_t at_least) except +

cdef extern from "text_scan.hpp" namespace "wordsparse::text" nogil:
    void end_sentence(vector[int32_t]&) except +
    cdef cppclass TextScan:
        TextScan(CppWordTable&, vector[int32_t]&)
        cbool scan(const char*, size_t, cbool lines) except +

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object)
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL


cdef class WordTable:
    """A table of words with counts, numbered in order of first appearance. It is not thread-safe.

    Each distinct word takes 40 to 72 bytes plus its letters. The ids that `take` has not returned yet are also kept in
    memory.
    """

    cdef CppWordTable* words
    cdef TextScan* text
    cdef vector[int32_t] values

    def __cinit__(self):
        seeds = os.urandom(16)
        self.words = new CppWordTable(int.from_bytes(seeds[:8], "little"), int.from_bytes(seeds[8:], "little"))
        self.text = new TextScan(self.words[0], self.values)

    def __dealloc__(self):
        del self.text
        del self.words

    def __len__(self):
        """Return the number of distinct words so far."""
        return self.words.size()

    def scan(self, const unsigned char[::1] data not None, bint lines):
        """Count the words of a text, and append their ids. Return whether the text is valid.

        Parameters
        ----------
        data : bytes
            UTF-8 text, which is split at the same white space as by ``str.split``.
        lines : bool
            Whether a line end is the end of a sentence.

        Returns
        -------
        bool
            False if the text is not UTF-8 or holds a zero byte. A table that returned False must not be used again.
        """
        cdef size_t size = data.shape[0]
        cdef const char* start = <const char*> &data[0] if size else NULL
        cdef bint valid
        with nogil:
            valid = self.text.scan(start, size, lines)
        return valid

    def add(self, tokens):
        """Count the tokens of an iterable, and append their ids.

        Raises
        ------
        TypeError
            If a token is not a str.
        UnicodeEncodeError
            If a token holds a lone surrogate.
        """
        cdef string_view word
        for token in tokens:
            utf8 = utf8_of(token)
            word = letters_of(utf8)
            self.values.push_back(self.words.add(self.words.key(word), word, 1))

    def end_sentence(self):
        """Append END_OF_SENTENCE, unless it is already the last value."""
        end_sentence(self.values)

    def take(self):
        """Return the ids and END_OF_SENTENCE values, (n,) int32, that were appended since the last call.

        The first value is END_OF_SENTENCE if a sentence ends before the first word.
        """
        taken = np.empty(self.values.size(), np.int32)
        cdef int32_t[::1] into = taken
        if self.values.size():
            memcpy(&into[0], self.values.data(), self.values.size() * sizeof(int32_t))
        self.values.clear()
        return taken

    def absorb(self, WordTable other not None):
        """Add the words of another table with their counts. Return the ids of these words in this table, (len(other),)
        int32."""
        ids = np.empty(other.words.size(), np.int32)
        cdef int32_t[::1] into = ids
        if other.words.size():
            with nogil:
                self.words.absorb(other.words[0], &into[0])
        return ids

    def counts(self):
        """Return the count of each word, (len(self),) int64, in the order of ids."""
        cdef vector[int64_t] counts = self.words.counts()
        return np.array(counts, np.int64)

    def count(self, const int32_t[::1] ids not None, const int64_t[::1] times not None):
        """Add to the counts of words, (n,) each. A negative number is subtracted, and no count may become negative."""
        cdef Py_ssize_t i
        cdef string_view word
        for i in range(ids.shape[0]):
            word = self.words.word(ids[i])
            self.words.add(self.words.key(word), word, times[i])

    def at(self, const int32_t[::1] ids not None):
        """Return the words with these ids."""
        cdef Py_ssize_t i
        return [_decoded(self.words.word(ids[i])) for i in range(ids.shape[0])]

    def ranked(self, int64_t at_least, size_t most=2**62):
        """Return up to ``most`` words that occur at least ``at_least`` times: a list of words, their counts (int64) and
        their ids (int32). The most frequent words come first, and words of equal count are sorted by code point."""
        cdef vector[int64_t] counts
        cdef vector[int32_t] ranked
        cdef Py_ssize_t i
        with nogil:
            counts = self.words.counts()
            ranked = self.words.ranked(counts, at_least)
        ranked.resize(min(most, ranked.size()))
        words, times, ids = [], np.empty(ranked.size(), np.int64), np.empty(ranked.size(), np.int32)
        cdef int64_t[::1] into = times
        cdef int32_t[::1] numbers = ids
        for i in range(<Py_ssize_t> ranked.size()):
            words.append(_decoded(self.words.word(ranked[i])))
            into[i], numbers[i] = counts[ranked[i]], ranked[i]
        return words, times, ids


cdef inline object _decoded(string_view word):
    return word.data()[:word.size()].decode()


cdef inline object utf8_of(object word):
    """Return the word itself if it is ASCII, otherwise its UTF-8 bytes in a new object, so that the str does not cache
    these bytes."""
    if not isinstance(word, str):
        raise TypeError(f"a word must be a str, not {word!r:.80}")
    return word if PyUnicode_IS_ASCII(word) else str.encode(word)


cdef inline string_view letters_of(object utf8) except *:
    cdef Py_ssize_t size
    cdef const char* letters
    if isinstance(utf8, bytes):
        return string_view(<const char*> <bytes> utf8, len(<bytes> utf8))
    letters = PyUnicode_AsUTF8AndSize(utf8, &size)
    return string_view(letters, size)

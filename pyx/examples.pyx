# cython: language_level=3
"""From token ids to the sparse structures of a minibatch.

Functions keep_tokens   subsampling and window widths for one slice of a shard
          local_ids     word ids → 0 … u-1, the minibatch's unique words in ascending order
          count_pairs, skipgram_pairs, close_rows   (centre word, context word) weights as CSR, one row a unique word
          window_examples   CBOW's examples: a centre token each, and where its window starts and stops
dtypes    ids int32 as in the shards (>= 0 a word, -1 out of vocabulary, -2 end of a sentence); structures: int64
          indptr, int32 indices and positions
memory    outputs and scratch come from the caller; nothing is kept
cost      O(tokens × window), no sorting but counting sorts

Randomness is counter-based: what happens to a token depends on (key, position in the corpus) alone, so the examples are
the same however the corpus is cut into minibatches, and a window reaches over a cut as if there were none.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "isa.hpp" namespace "wordsparse" nogil:
    void prefetch_to_write(const void*)

cdef enum:
    END_OF_SENTENCE = -2
    # How many pairs ahead an entry is prefetched: the entries of consecutive pairs are far apart in memory.
    AHEAD = 24

# A word's number and a distance in one integer: 32 bits suffice for at most MAX_WORDS_IN_32_BITS words and distances up
# to MAX_WINDOW_IN_32_BITS, 64 bits for distances up to 65,535.
ctypedef fused pair:
    uint32_t
    uint64_t

MAX_WORDS_IN_32_BITS = 1 << 24
MAX_WINDOW_IN_32_BITS = 255

cdef struct entry:
    int32_t column
    float weight

ENTRY_BYTES = sizeof(entry)


cdef inline uint64_t mix(uint64_t key, int64_t position) noexcept nogil:
    """The output function of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) at `position` of stream `key`."""
    cdef uint64_t z = key + <uint64_t> position * <uint64_t> 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


cdef inline bint kept_at(const int32_t* ids, int64_t i, int64_t offset, uint64_t key,
                         const uint32_t* keep_below) noexcept nogil:
    # The upper half decides on keeping, the lower half on the window's width.
    return ids[i] >= 0 and <uint32_t> (mix(key, offset + i) >> 32) <= keep_below[ids[i]]


def keep_tokens(const int32_t[::1] ids, int64_t lo, int64_t hi, int64_t offset, uint64_t key,
                const uint32_t[::1] keep_below, const uint32_t[::1] wider_below, int32_t[::1] kept,
                uint16_t[::1] width):
    """Write the kept tokens of ids[lo:hi] and of the windows that reach out of it on both sides.

    A token is kept when 32 random bits are at most keep_below[word]. kept receives word ids, and -2 where a sentence
    ends; width the window of each token: more than k when 32 other bits are below wider_below[k - 1], which falls with
    k up to window - 1. Both need space for (hi - lo) + 2 (window + 1) entries.
    Returns (entries written, first centre, past the last centre, corpus tokens in ids[lo:hi]).
    """
    cdef int64_t start = lo, i, n = ids.shape[0], written = 0, first = 0, last = 0, tokens = 0
    cdef int32_t seen = 0, w, past, middle, window = <int32_t> wider_below.shape[0] + 1
    cdef uint64_t random
    cdef const int32_t* ids_ = &ids[0] if n else NULL
    cdef const uint32_t* keep_ = &keep_below[0]
    with nogil:
        while start > 0 and seen < window and ids_[start - 1] != END_OF_SENTENCE:
            start -= 1
            seen += kept_at(ids_, start, offset, key, keep_)
        i = start
        seen = 0
        while i < n and (i < hi or seen < window):
            if i == lo:
                first = written
            if i == hi:
                last = written
            if i >= lo and i < hi:
                tokens += ids_[i] != END_OF_SENTENCE
            if ids_[i] == END_OF_SENTENCE:
                if i >= hi:
                    break
                kept[written] = END_OF_SENTENCE
                written += 1
            elif kept_at(ids_, i, offset, key, keep_):
                random = mix(key, offset + i)
                kept[written] = ids_[i]
                w, past = 0, window - 1
                while w < past:
                    middle = (w + past) // 2
                    if <uint32_t> random < wider_below[middle]:
                        w = middle + 1
                    else:
                        past = middle
                width[written] = <uint16_t> (w + 1)
                written += 1
                seen += i >= hi
            i += 1
        if i <= hi:
            last = written
        if n <= lo:  # lo is not a position: an empty slice at the shard's end
            first = written
    return written, first, last, tokens


def local_ids(int32_t[::1] kept, Py_ssize_t n, int32_t[::1] slot, int64_t[::1] words):
    """List the unique words of kept[:n] in `words`, first seen first; slot (V entries, -1) is marked. Returns u."""
    cdef Py_ssize_t i, unique = 0
    with nogil:
        for i in range(n):
            if kept[i] >= 0 and slot[kept[i]] < 0:
                slot[kept[i]] = 0
                words[unique] = kept[i]
                unique += 1
    return unique


def relabel(int32_t[::1] kept, Py_ssize_t n, int32_t[::1] slot, const int64_t[::1] words):
    """Replace word ids in kept[:n] by their places in `words`; slot is -1 everywhere again at the end."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(words.shape[0]):
            slot[words[i]] = <int32_t> i
        for i in range(n):
            if kept[i] >= 0:
                kept[i] = slot[kept[i]]
        for i in range(words.shape[0]):
            slot[words[i]] = -1


def count_pairs(const int32_t[::1] local, Py_ssize_t window, Py_ssize_t n, Py_ssize_t first, Py_ssize_t last,
                int64_t[::1] by_centre, int64_t[::1] by_context):
    """Pairs at most `window` apart, per centre word and per context word, added to the two arrays (u entries).

    Returns how many there are.
    """
    cdef Py_ssize_t begin = 0, end, i, pairs = 0, around
    with nogil:
        while begin < n:
            end = run_end(&local[0], n, begin)
            for i in range(begin, end):
                if first <= i < last:
                    around = min(end, i + window + 1) - max(begin, i - window) - 1
                    by_centre[local[i]] += around
                    pairs += around
                # A token is a context of the centres in its own window.
                around = min(min(end, i + window + 1), last) - max(max(begin, i - window), first)
                if around > 0:
                    by_context[local[i]] += around - (first <= i < last)
            begin = end + 1
    return pairs


cdef inline Py_ssize_t run_end(const int32_t* local, Py_ssize_t n, Py_ssize_t begin) noexcept nogil:
    """The end of the sentence that contains position `begin`."""
    cdef Py_ssize_t end = begin
    while end < n and local[end] >= 0:
        end += 1
    return end


def skipgram_pairs(const int32_t[::1] local, const float[::1] by_distance, Py_ssize_t n, Py_ssize_t first,
                   Py_ssize_t last, const int64_t[::1] centre_place, int64_t[::1] context_place, pair[::1] pairs,
                   uint8_t[::1] entries, int64_t[::1] row_end, int64_t[::1] columns_before):
    """Pair weights by rows, row = centre word, column = context word, ascending; equal pairs are one entry.

    A pair at distance k, up to the window, has the weight by_distance[k - 1]. centre_place and context_place are the
    running sums of count_pairs' arrays (u + 1 entries; the second is overwritten). pairs is scratch with one element a
    pair: the distance in the lowest 8 of 32 or 16 of 64 bits, and the centre's number above. entries, ENTRY_BYTES a
    pair and aligned to them, receives row c's entries from centre_place[c] to row_end[c] (u,); columns_before (u + 1,)
    receives the number of entries in the columns before each. Returns the number of entries.
    """
    cdef Py_ssize_t begin = 0, end, i, j, start, stop, t, words = row_end.shape[0], window = by_distance.shape[0]
    cdef int64_t k, place, from_, written = 0, count = pairs.shape[0]
    cdef entry* rows = <entry*> &entries[0] if entries.shape[0] else NULL
    cdef int32_t c, bits = 8 if pair is uint32_t else 16
    cdef pair distance = (<pair> 1 << bits) - 1
    cdef float weight
    with nogil:
        # First ordered by context word: the pairs of one context word are consecutive.
        while begin < n:
            end = run_end(&local[0], n, begin)
            for j in range(begin, end):
                start, stop = max(max(begin, j - window), first), min(min(end, j + window + 1), last)
                place = context_place[local[j]]
                for i in range(start, stop):
                    if i != j:
                        pairs[place] = (<pair> local[i] << bits) | <pair> (j - i if j > i else i - j)
                        place += 1
                context_place[local[j]] = place
            begin = end + 1
        # Then distributed to the rows in that order, so that each row receives its columns in ascending order.
        for c in range(words):
            row_end[c] = centre_place[c]
        from_ = 0
        for t in range(words):
            columns_before[t] = written
            for k in range(from_, context_place[t]):
                if k + AHEAD < count:
                    prefetch_to_write(&rows[row_end[pairs[k + AHEAD] >> bits]])
                c, weight = <int32_t> (pairs[k] >> bits), by_distance[(pairs[k] & distance) - 1]
                place = row_end[c]
                if place > centre_place[c] and rows[place - 1].column == t:
                    rows[place - 1].weight += weight
                else:
                    rows[place].column, rows[place].weight = <int32_t> t, weight
                    row_end[c] = place + 1
                    written += 1
            from_ = context_place[t]
        columns_before[words] = written
    return written


def close_rows(const uint8_t[::1] entries, const int64_t[::1] centre_place, const int64_t[::1] row_end,
               int64_t[::1] indptr, int32_t[::1] indices, float[::1] weights):
    """Writes the entries of skipgram_pairs as CSR, without the gaps that equal pairs left at the ends of rows."""
    cdef Py_ssize_t c, words = row_end.shape[0]
    cdef int64_t k, written = 0
    cdef const entry* rows = <const entry*> &entries[0] if entries.shape[0] else NULL
    with nogil:
        for c in range(words):
            indptr[c] = written
            for k in range(centre_place[c], row_end[c]):
                indices[written], weights[written] = rows[k].column, rows[k].weight
                written += 1
        indptr[words] = written


def window_examples(const int32_t[::1] local, const uint16_t[::1] width, Py_ssize_t n, Py_ssize_t first,
                    Py_ssize_t last, int32_t[::1] centre, int32_t[::1] start, int32_t[::1] stop):
    """Every centre token with at least one context token: its position and its window's two ends, in order of the text.

    The three arrays have space for last - first entries. Returns how many were written.
    """
    cdef Py_ssize_t i, lo, hi, written = 0
    with nogil:
        for i in range(first, last):
            if local[i] < 0:
                continue
            lo, hi = i, i + 1
            while lo > 0 and i - lo < width[i] and local[lo - 1] >= 0:
                lo -= 1
            while hi < n and hi - i <= width[i] and local[hi] >= 0:
                hi += 1
            if hi - lo > 1:
                centre[written], start[written], stop[written] = <int32_t> i, <int32_t> lo, <int32_t> hi
                written += 1
    return written

"""Functions that make the sparse structures of a minibatch from token ids.

Functions keep_tokens   subsampling and window widths for one slice of a shard
          local_ids, relabel   the minibatch's u unique words, and their indices 0 … u-1 in place of word ids
          count_pairs, skipgram_pairs, merge_pairs, mirror_rows   the weights of pairs of words as CSR
          window_examples   the examples of CBOW: their centre tokens, and where their windows start and stop
          word_places, count_rows   the contexts of each word in a text, as CSR
dtypes    ids int32 as in the shards (>= 0 a word, -1 out of vocabulary, -2 end of a sentence); structures: int64
          indptr, int32 indices and positions
memory    the caller allocates outputs and scratch space; no function keeps any state
cost      O(tokens × window); the only sorts are counting sorts

Random numbers are counter-based: the draws of a token depend only on the key and on the token's position in the corpus.
Therefore the examples are the same however the corpus is cut into minibatches, and windows may reach across a cut.
"""

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from common cimport mix, require

cdef extern from "isa.hpp" namespace "wordsparse" nogil:
    void prefetch(const void*)
    void prefetch_to_write(const void*)

cdef enum:
    END_OF_SENTENCE = -2
    # The prefetch distance, in pairs. The entries of consecutive pairs are far apart in memory.
    AHEAD = 24

# A pair packs the number of a word and a distance into one integer. 32 bits are enough for MAX_WORDS_IN_32_BITS words
# and distances up to MAX_WINDOW_IN_32_BITS; 64 bits are enough for distances up to 65,535.
ctypedef fused pair:
    uint32_t
    uint64_t

MAX_WORDS_IN_32_BITS = 1 << 24
MAX_WINDOW_IN_32_BITS = 255

cdef struct entry:
    int32_t column
    float weight
    int64_t in_column

ENTRY_BYTES = sizeof(entry)


cdef inline bint kept_at(const int32_t* ids, int64_t i, uint64_t random, const uint32_t* keep_below) noexcept nogil:
    # The upper half of `random` decides whether the token is kept, and the lower half decides its window.
    return ids[i] >= 0 and <uint32_t> (random >> 32) <= keep_below[ids[i]]


def keep_tokens(const int32_t[::1] ids, int64_t lo, int64_t hi, int64_t offset, uint64_t key,
                const uint32_t[::1] keep_below, const uint32_t[::1] wider_below, int32_t[::1] kept,
                uint16_t[::1] width):
    """Write the tokens of ids[lo:hi] that subsampling keeps, and the kept tokens around this slice that the windows of
    its tokens reach.

    A token is kept if 32 random bits are at most keep_below[word]. kept receives word ids, and -2 where a sentence
    ends. width receives the window of each token. The window is wider than k if 32 other bits are below wider_below[k -
    1], which decreases with k. kept and width each need (hi - lo) + 2 (window + 1) entries. If width is empty, no
    windows are drawn. Return the number of entries written, the first centre, the last centre + 1, and the number of
    tokens in ids[lo:hi].
    """
    cdef int64_t start = lo, i, n = ids.shape[0], written = 0, first = 0, last = 0, tokens = 0
    cdef int32_t seen = 0, w, size, half, window = <int32_t> wider_below.shape[0] + 1
    cdef uint64_t random
    cdef bint drawn = width.shape[0] > 0
    cdef const int32_t* ids_ = &ids[0] if n else NULL
    cdef const uint32_t* keep_ = &keep_below[0] if keep_below.shape[0] else NULL
    cdef Py_ssize_t space = hi - lo + 2 * (window + 1)
    require(0 <= lo <= hi <= n, "the slice must lie within the ids")
    require(wider_below.shape[0] < 65535, "a width must fit into 16 bits")
    require(kept.shape[0] >= space and (not drawn or width.shape[0] >= space), "each token must have a place")
    with nogil:
        while start > 0 and seen < window and ids_[start - 1] != END_OF_SENTENCE:
            start -= 1
            seen += kept_at(ids_, start, mix(key, <uint64_t> (offset + start)), keep_)
        i = start
        seen = 0
        while i < n and (i < hi or seen < window):
            if i == lo:
                first = written
            if i == hi:
                last = written
            if i >= lo and i < hi:
                tokens += ids_[i] != END_OF_SENTENCE
            random = mix(key, <uint64_t> (offset + i))
            if ids_[i] == END_OF_SENTENCE:
                if i >= hi:
                    break
                kept[written] = END_OF_SENTENCE
                written += 1
            elif kept_at(ids_, i, random, keep_):
                kept[written] = ids_[i]
                if drawn:
                    w, size = 0, window - 1
                    while size > 0:  # bisects without a branch on random bits, which processors cannot predict
                        half = (size + 1) // 2
                        w += half * (<uint32_t> random < wider_below[w + half - 1])
                        size -= half
                    width[written] = <uint16_t> (w + 1)
                written += 1
                seen += i >= hi
            i += 1
        if i <= hi:
            last = written
        if n <= lo:  # an empty slice at the end of the shard: the loop never reached lo
            first = written
    return written, first, last, tokens


def local_ids(int32_t[::1] kept, Py_ssize_t n, int32_t[::1] slot, int64_t[::1] words):
    """List the unique words of kept[:n] in `words`, in order of appearance. Return the number u of unique words.

    slot (V,) must be -1 everywhere before the call. Afterwards, slot is 0 at the listed words."""
    cdef Py_ssize_t i, unique = 0
    require_ids(kept, n, slot.shape[0])
    require(words.shape[0] >= min(n, slot.shape[0]), "each unique word must have a place")
    with nogil:
        for i in range(n):
            if kept[i] >= 0 and slot[kept[i]] < 0:
                slot[kept[i]] = 0
                words[unique] = kept[i]
                unique += 1
    return unique


def relabel(int32_t[::1] kept, Py_ssize_t n, int32_t[::1] slot, const int64_t[::1] words):
    """Replace word ids in kept[:n] by their indices in `words`, and reset slot to -1."""
    cdef Py_ssize_t i
    require_within(kept, n)
    require(words.shape[0] <= slot.shape[0], "each word must have a slot")
    with nogil:
        for i in range(words.shape[0]):
            slot[words[i]] = <int32_t> i
        for i in range(n):
            if kept[i] >= 0:
                kept[i] = slot[kept[i]]
        for i in range(words.shape[0]):
            slot[words[i]] = -1


def count_pairs(const int32_t[::1] local, Py_ssize_t window, Py_ssize_t n, Py_ssize_t last, int64_t[::1] of_word):
    """Return the number of pairs of tokens at most `window` apart whose first token is before `last`. Add the number of
    pairs of each word to of_word (u,). A pair of a word with itself counts twice."""
    cdef Py_ssize_t begin = 0, end, i, pairs = 0, after
    require_ids(local, n, of_word.shape[0])
    require(0 <= window and last <= n, "windows must begin within the tokens")
    with nogil:
        while begin < n:
            end = run_end(&local[0], n, begin)
            for i in range(begin, end):
                after = min(end, i + window + 1) - i - 1 if i < last else 0
                of_word[local[i]] += after + max(0, min(i, last) - max(begin, i - window))
                pairs += after
            begin = end + 1
    return pairs


cdef inline int require_within(const int32_t[::1] ids, Py_ssize_t n) except -1:
    return require(0 <= n <= ids.shape[0], "the tokens must lie within the ids")


cdef inline int require_ids(const int32_t[::1] ids, Py_ssize_t n, Py_ssize_t words) except -1:
    """Require that the first n ids are below `words`; they may be negative."""
    cdef Py_ssize_t i
    cdef int32_t largest = -1
    require_within(ids, n)
    for i in range(n):
        largest = max(largest, ids[i])
    return require(largest < words, "each id must be below the number of words")


cdef inline int require_ascending(const int64_t[::1] places, Py_ssize_t size) except -1:
    cdef Py_ssize_t k
    cdef int64_t before = 0
    for k in range(places.shape[0]):
        require(before <= places[k] <= size, "places must ascend within the entries")
        before = places[k]
    return 0


cdef inline Py_ssize_t size_of_parts(const int64_t[::1] starts, const int64_t[::1] ends, Py_ssize_t size) except -1:
    """Return the total length of the parts starts[k]:ends[k], which must lie within `size` entries."""
    cdef Py_ssize_t k, total = 0
    require(starts.shape[0] == ends.shape[0], "each part must have a start and an end")
    for k in range(starts.shape[0]):
        require(0 <= starts[k] <= ends[k] <= size, "parts must lie within the entries")
        total += ends[k] - starts[k]
    return total


cdef inline Py_ssize_t run_end(const int32_t* local, Py_ssize_t n, Py_ssize_t begin) noexcept nogil:
    """Return the end of the sentence that contains position `begin`."""
    cdef Py_ssize_t end = begin
    while end < n and local[end] >= 0:
        end += 1
    return end


cdef inline int32_t bits_of(const pair[::1] pairs) noexcept:
    """Return how many bits of a pair hold the distance."""
    return 8 if pair is uint32_t else 16


def skipgram_pairs(const int32_t[::1] local, const float[::1] by_distance, Py_ssize_t n, Py_ssize_t last,
                   const int64_t[::1] column_place, int64_t[::1] column_end, pair[::1] pairs, bint one_way):
    """List pairs of words a <= b, ordered by b. The pairs with b lie between column_place[b] and column_end[b] (u,).
    With one_way, list each pair with the earlier word as a and the later word as b.

    With a window of len(by_distance), count_pairs counts the same pairs. The lowest 8 of 32 (or 16 of 64) bits hold the
    distance, and the other bits hold a. column_place (u,) must leave space for each word's pairs and one extra pair.
    """
    cdef Py_ssize_t begin = 0, end, i, j, t, window = by_distance.shape[0]
    cdef int64_t place
    cdef int32_t b, bits = bits_of(pairs)
    cdef Py_ssize_t first, stop
    cdef bint fits = True
    require_ids(local, n, column_place.shape[0])
    require(last <= n, "windows must begin within the tokens")
    require(column_place.shape[0] == column_end.shape[0], "each word must have a start and an end")
    require_ascending(column_place, pairs.shape[0] - 1)
    with nogil:
        for t in range(column_end.shape[0]):
            column_end[t] = column_place[t]
        while begin < n:
            end = run_end(&local[0], n, begin)
            for j in range(begin, end):
                # Pairs with a > b are also written, and then overwritten by the next pair: a branch would cost more.
                b, place = local[j], column_end[local[j]]
                first, stop = max(begin, j - window), min(end, j + window + 1) if j < last and not one_way else j + 1
                fits = fits and place + max(0, min(j, last) - first) + stop - j - 1 <= pairs.shape[0]
                if not fits:
                    break
                for i in range(first, min(j, last)):
                    pairs[place] = <pair> local[i] << bits | <pair> (j - i)
                    place += one_way or local[i] <= b
                for i in range(j + 1, stop):
                    pairs[place] = <pair> local[i] << bits | <pair> (i - j)
                    place += local[i] < b
                column_end[b] = place
            begin = end + 1
    require(fits, "each pair must have a place")


def merge_pairs(const pair[::1] pairs, const float[::1] by_distance, const int64_t[::1] column_place,
                const int64_t[::1] column_end, const int64_t[::1] row_place, int64_t[::1] row_end, uint8_t[::1] entries,
                int32_t[::1] words, int64_t[::1] places, int64_t[::1] columns, bint one_way):
    """Merge equal pairs of skipgram_pairs into one entry. A pair at distance k has the weight by_distance[k - 1].

    entries (ENTRY_BYTES per pair, aligned) receives the merged pairs, ordered by a. The entries with a lie between
    row_place[a] and row_end[a], with b ascending. words and places list the same pairs ordered by b, from columns[b] to
    columns[b + 1]. words holds a, and places the index of the entry. Without one_way, words and places omit pairs of a
    word with itself.
    """
    cdef Py_ssize_t b, u = row_end.shape[0]
    cdef int64_t k, place, count = pairs.shape[0], listed = 0
    cdef entry* rows = <entry*> &entries[0] if entries.shape[0] else NULL
    cdef int32_t a, bits = bits_of(pairs)
    cdef pair distance = (<pair> 1 << bits) - 1, ahead
    cdef float weight
    cdef Py_ssize_t space = entries.shape[0] // <Py_ssize_t> sizeof(entry)
    require(column_place.shape[0] == row_place.shape[0] == u and columns.shape[0] == u + 1,
            "each word must have a row and a column")
    require(words.shape[0] == places.shape[0] == space and size_of_parts(column_place, column_end, count) <= space,
            "each pair must have an entry")
    require_ascending(row_place, space)
    with nogil:
        for b in range(u):
            row_end[b] = row_place[b]
        for b in range(u):
            columns[b] = listed
            for k in range(column_place[b], column_end[b]):
                if k + AHEAD < count:
                    ahead = pairs[k + AHEAD] >> bits  # pairs[k + AHEAD] may be unused, and hold any number
                    if ahead < <pair> u:
                        prefetch_to_write(&rows[row_end[ahead]])
                a, weight = <int32_t> (pairs[k] >> bits), by_distance[(pairs[k] & distance) - 1]
                place = row_end[a]
                if place > row_place[a] and rows[place - 1].column == b:
                    rows[place - 1].weight += weight
                    continue
                rows[place].column, rows[place].weight, rows[place].in_column = <int32_t> b, weight, listed
                row_end[a] = place + 1
                if one_way or a < b:
                    words[listed], places[listed] = a, place
                    listed += 1
        columns[u] = listed


def mirror_rows(const uint8_t[::1] entries, const int32_t[::1] words, const int64_t[::1] places,
                const int64_t[::1] columns, const int64_t[::1] row_place, const int64_t[::1] row_end,
                const int64_t[::1] indptr, int64_t[::1] from_row, int64_t[::1] from_column, int32_t[::1] indices,
                float[::1] weights, int64_t[::1] order):
    """Write the entries of merge_pairs, (a, b), and their mirror images, (b, a), as CSR: a symmetric matrix.

    A row starts with its mirror images. The entry of a word with itself is its own mirror image, with twice the weight.
    indptr (u + 1) gives the size of each row; from_row and from_column (u,) are scratch. Unless order is empty, it
    receives the index of each entry's mirror image. The transpose shares all other arrays with the matrix.
    """
    cdef Py_ssize_t a, b, u = row_end.shape[0], size = indices.shape[0]
    cdef int64_t k, place, listed, count
    cdef bint ordered = order.shape[0] > 0
    require(columns.shape[0] == indptr.shape[0] == u + 1 and from_row.shape[0] == from_column.shape[0] == u,
            "each word must have a row and a column")
    require(words.shape[0] == places.shape[0], "each entry must have a word and a place")
    require_ascending(columns, words.shape[0])
    require_ascending(indptr, size)
    count = columns[u]
    require(size_of_parts(row_place, row_end, entries.shape[0] // <Py_ssize_t> sizeof(entry)) + count <= size,
            "each entry and each mirror image must have a place")
    require(weights.shape[0] == size and (not ordered or order.shape[0] == size), "each entry must have a weight")
    cdef const entry* rows = <const entry*> &entries[0] if entries.shape[0] else NULL
    with nogil:
        # An index in entries plus from_row[a] is an index in the result, as is an index in words plus from_column[a].
        for a in range(u):
            from_column[a] = indptr[a] - columns[a]
            from_row[a] = indptr[a] + columns[a + 1] - columns[a] - row_place[a]
        k = 0
        for a in range(u):
            for listed in range(columns[a], columns[a + 1]):
                if listed + AHEAD < count:
                    prefetch(&rows[places[listed + AHEAD]])
                place = places[listed]
                indices[k], weights[k] = words[listed], rows[place].weight
                if ordered:
                    order[k] = place + from_row[words[listed]]
                k += 1
            for place in range(row_place[a], row_end[a]):
                b = rows[place].column
                indices[k], weights[k] = <int32_t> b, rows[place].weight * (2 if a == b else 1)
                if ordered:
                    order[k] = k if a == b else rows[place].in_column + from_column[b]
                k += 1


def window_examples(const int32_t[::1] local, const uint16_t[::1] width, Py_ssize_t n, Py_ssize_t first,
                    Py_ssize_t last, bint one_way, int32_t[::1] word, int32_t[::1] centre, int32_t[::1] start,
                    int32_t[::1] stop):
    """Write the word, the position, and both ends of the window, for each centre token that has a context token. With
    one_way, a window has only the tokens before its centre.

    Centres are in the order of the text. The four arrays must have space for last - first entries. Return the number of
    entries used.
    """
    cdef Py_ssize_t i, lo, hi, begin, end = 0, written = 0
    require_within(local, n)
    require(0 <= first and last <= n and last <= width.shape[0], "the centres must lie within the tokens")
    require(last - first <= min(word.shape[0], centre.shape[0], start.shape[0], stop.shape[0]),
            "each centre must have a place")
    with nogil:
        for i in range(first, last):
            if local[i] < 0:
                continue
            if i >= end:
                begin, end = i, run_end(&local[0], n, i)
                while begin > 0 and local[begin - 1] >= 0:
                    begin -= 1
            lo, hi = max(begin, i - width[i]), i + 1 if one_way else min(end, i + width[i] + 1)
            if hi - lo > 1:
                word[written], centre[written] = local[i], <int32_t> i
                start[written], stop[written] = <int32_t> lo, <int32_t> hi
                written += 1
    return written


def word_places(const int32_t[::1] ids, int64_t[::1] place, int64_t[::1] places):
    """List the indices at which each word w occurs in ids, ascending, beginning at places[place[w]]. Move place[w] to
    the end of this list."""
    cdef Py_ssize_t i, size = 0
    require_ids(ids, ids.shape[0], place.shape[0])
    for i in range(ids.shape[0]):
        size += ids[i] >= 0
    require(places.shape[0] == size, "each word must have a place")
    require_ascending(place, size)
    with nogil:
        for i in range(ids.shape[0]):
            if ids[i] >= 0:
                places[place[ids[i]]] = i
                place[ids[i]] += 1


def count_rows(const int32_t[::1] ids, const double[::1] weights, const int64_t[::1] starts, const int64_t[::1] places,
               const double[:, ::1] by_distance, Py_ssize_t first, int32_t[::1] seen, double[::1] sums,
               int64_t[::1] indptr, int32_t[::1] columns, double[::1] counts):
    """Count the contexts of the words with the ids first, first + 1, …, as CSR rows, with columns in order of
    appearance.

    ids is a text, with -2 where a sentence ends. The places of word w are places[starts[w]:starts[w + 1]]. A context k
    places before the word counts by_distance[0, k - 1], and a context k places after it by_distance[1, k - 1]. If there
    are weights, this number is multiplied by the geometric mean of the weights of both places. seen (V,) receives, for
    each context, the last word next to which it occurred; before the call, it must not hold any of the words to count.
    sums (V,) is scratch space. indptr has one row per word. columns and counts must have space for all possible
    contexts: for each word, V or twice the window per occurrence, whichever is less.
    """
    cdef Py_ssize_t row, k, size = 0, before, most, n = ids.shape[0], apart, window = by_distance.shape[1]
    cdef int64_t i, j, ahead
    cdef double weight
    cdef bint weighted = weights.shape[0] > 0
    cdef Py_ssize_t rows = indptr.shape[0] - 1, space = columns.shape[0]
    require(by_distance.shape[0] == 2, "contexts before and after a word must have weights")
    require(not weighted or weights.shape[0] == n, "each place must have a weight")
    require(seen.shape[0] == sums.shape[0], "each word must have a mark and a sum")
    require(counts.shape[0] == space, "each column must have a count")
    require(rows >= 0 and 0 <= first and first + rows < starts.shape[0], "each row must have places")
    require_ascending(starts[first:first + rows + 1], places.shape[0])
    for row in range(rows):
        most = (starts[first + row + 1] - starts[first + row]) * 2 * window
        space -= min(most, seen.shape[0])
    require(space >= 0, "columns and counts must have space for all possible contexts")
    with nogil:
        indptr[0] = 0
        for row in range(rows):
            before = size
            for k in range(starts[first + row], starts[first + row + 1]):
                i = places[k]
                if k + AHEAD < places.shape[0]:
                    prefetch(&ids[places[k + AHEAD]])
                for ahead in range(-1, 2, 2):
                    j, apart = i + ahead, 0
                    while 0 <= j < n and ids[j] >= 0 and apart < window:
                        if seen[ids[j]] != first + row:
                            seen[ids[j]], sums[ids[j]] = <int32_t> (first + row), 0
                            columns[size] = ids[j]
                            size += 1
                        weight = by_distance[ahead > 0, apart]
                        if weighted:
                            weight *= sqrt(weights[i] * weights[j])
                        sums[ids[j]] += weight
                        j, apart = j + ahead, apart + 1
            for k in range(before, size):
                counts[k] = sums[columns[k]]
            indptr[row + 1] = size

"""Random walks on a graph, generated while they are read: int32 ids, with -2 after each walk.

Functions walk        consecutive walks of one length
          thresholds  the weights of a node's edges as 32-bit limits, for draws by bisection
dtypes    indptr (V + 1,) int64, neighbours (E,) int32 of a CSR matrix with sorted columns; limits (E,) uint32, or (0,)
          if all edges of a node are equally likely; starts (V,) int32
memory    the caller allocates the output; no function keeps any state
cost      two cache misses per step; p and q add rejected draws, and a bisection for some draws
threads   a call runs in one thread, without the GIL; several calls may run at the same time

Random numbers are counter-based: a walk depends only on the key and on the number of the walk. Therefore the walks are
the same however they are cut into minibatches.

p and q are node2vec's parameters (Grover & Leskovec, 2016): after a step from t to v, the weight of the edge from v to
x is multiplied by 1/p if x is t, by 1 if t has an edge to x, and by 1/q otherwise. A neighbour is drawn without regard
to p and q, and then accepted with a probability equal to its factor (1/p, 1 or 1/q) divided by the largest of these
factors. This rejection sampling needs no tables of pairs of edges.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from common cimport mix, require

cdef enum:
    END_OF_SENTENCE = -2
    OUT_OF_VOCABULARY = -1

cdef double ALL_BITS = 4294967296.0


cdef inline int64_t first_above(const uint32_t* limits, int64_t low, int64_t high, uint32_t drawn) noexcept nogil:
    """Return the index of the first number in limits[low:high] that is at least `drawn`. The last limit must have all
    bits set."""
    cdef int64_t middle
    high -= 1
    while low < high:
        middle = (low + high) // 2
        if limits[middle] < drawn:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline bint has_edge(const int32_t* neighbours, int64_t low, int64_t high, int32_t to) noexcept nogil:
    cdef int64_t middle
    while low < high:
        middle = (low + high) // 2
        if neighbours[middle] < to:
            low = middle + 1
        elif neighbours[middle] > to:
            high = middle
        else:
            return True
    return False


def thresholds(const int64_t[::1] indptr, const double[::1] weights, uint32_t[::1] limits):
    """Set limits[e] = 2³² (Σ of the node's weights up to e) / (Σ of all weights of the node) − 1. Set all bits of the
    limit of the node's last edge."""
    cdef Py_ssize_t node
    cdef int64_t edge
    cdef double total, sum
    require(weights.shape[0] == limits.shape[0] and indptr[indptr.shape[0] - 1] == limits.shape[0],
            "each edge must have a weight and a limit")
    with nogil:
        for node in range(indptr.shape[0] - 1):
            total = sum = 0
            for edge in range(indptr[node], indptr[node + 1]):
                total += weights[edge]
            for edge in range(indptr[node], indptr[node + 1]):
                sum += weights[edge]
                limits[edge] = <uint32_t> max(0.0, min(sum / total * ALL_BITS, ALL_BITS) - 1)
            if indptr[node] < indptr[node + 1]:
                limits[indptr[node + 1] - 1] = <uint32_t> 0xFFFFFFFF


def walk(const int64_t[::1] indptr, const int32_t[::1] neighbours, const uint32_t[::1] limits,
         const int32_t[::1] starts, int64_t first, double p, double q, uint64_t key, int32_t[:, ::1] out):
    """Write the walks with the numbers first, first + 1, … into the rows of out. The last column holds END_OF_SENTENCE.

    Walk w begins at starts[w mod V]. If the walk reaches a node without edges, the rest of its row is -1.
    """
    cdef Py_ssize_t row, step, length = out.shape[1] - 1
    cdef int64_t nodes = starts.shape[0], low, high, edge
    cdef int32_t at, last, to
    cdef uint64_t own, count, drawn
    cdef bint weighted = limits.shape[0] > 0, plain = p == 1 and q == 1
    cdef double largest = max(1 / p, 1.0, 1 / q)
    # A neighbour is accepted if a random 32-bit number is below the bound for the neighbour's kind: back, near or far.
    cdef double back = ALL_BITS / p / largest, near = ALL_BITS / largest, far = ALL_BITS / q / largest
    cdef double sure = min(back, near, far)
    require(nodes > 0 and indptr.shape[0] == nodes + 1 and length > 0, "each node must have its edges and a start")
    require(indptr[nodes] == neighbours.shape[0] and (not weighted or limits.shape[0] == neighbours.shape[0]),
            "indptr must end at the number of edges")
    cdef const int32_t* to_ = &neighbours[0]
    cdef const uint32_t* limits_ = &limits[0] if weighted else NULL
    with nogil:
        for row in range(out.shape[0]):
            own, count = mix(key, <uint64_t> (first + row)), 0
            at, last = starts[(first + row) % nodes], -1
            out[row, 0] = at
            for step in range(1, length):
                low, high = indptr[at], indptr[at + 1]
                if low == high:
                    at = OUT_OF_VOCABULARY
                while at != OUT_OF_VOCABULARY:
                    drawn = mix(own, count)
                    count += 1
                    if weighted:
                        edge = first_above(limits_, low, high, <uint32_t> (drawn >> 32))
                    else:
                        edge = low + <int64_t> ((drawn >> 32) * <uint64_t> (high - low) >> 32)
                    to = to_[edge]
                    if plain or last < 0 or <uint32_t> drawn < sure:
                        break
                    if <uint32_t> drawn < (back if to == last else
                                           near if has_edge(to_, indptr[last], indptr[last + 1], to) else far):
                        break
                if at == OUT_OF_VOCABULARY:
                    break
                last, at = at, to
                out[row, step] = at
            else:
                step = length
            while step < length:
                out[row, step] = OUT_OF_VOCABULARY
                step += 1
            out[row, length] = END_OF_SENTENCE

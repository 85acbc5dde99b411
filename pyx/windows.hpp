/* Bags that are windows of one text, against dense rows. Included by windows.pyx.
 *
 * Bag j is the tokens at positions start[j] .. stop[j]-1 of a text but the one at centre[j]; h_j is the mean of their
 * rows of F. Neighbouring windows share their tokens, so nothing is gathered bag by bag. With S the running sum of the
 * tokens' rows, h_j = (S[stop] - S[start] - F[centre]) / size_j. The transposed product adds g_j where bag j starts and
 * takes it away where it stops: the running sum of that is what each position receives.
 *
 * The text passes by once a strip of columns: a token enters S, the bag `reach` positions behind it is whole then, and
 * the position `reach` behind that one has received all that it will. Of S, and of what starts and stops, a ring of the
 * last positions is kept: it stays in the first-level cache, and the words' strips mostly in the second. Running sums
 * are taken anew every `ring` times AFRESH positions, so rounding does not travel further. Orders of summation depend on
 * sizes alone.
 *
 * Rows are aligned to cache lines and padded to whole ones. The padding of F and W is not used.
 */
#ifndef EACH_ISA
#include "vec.hpp"

namespace wordsparse {

/* Cache lines of a strip of sums. Pull, which reads two matrices and adds to three, takes strips of one: what passes by
 * is in registers then, and many words' strips are in the second-level cache. */
constexpr ptrdiff_t SUM_LINES = 6;
/* Strips of a place of the ring: the running sum, Z's, G's, the bag's. */
constexpr int OF_PLACE = 4;
/* Positions whose bags a thread takes at a time. */
constexpr ptrdiff_t POSITIONS = 2048;
/* How many positions ahead the rows of a token are prefetched, into the second-level cache: the first-level one has too
 * few lines under way at a time. */
constexpr ptrdiff_t TOKENS_AHEAD = 48;
constexpr ptrdiff_t AFRESH = 4;
struct windows {
    const int32_t *tokens;                /* (n,) row of F at each position, negative where there is no token */
    const int32_t *centre, *start, *stop; /* (m,) positions; centre ascends */
    const int64_t *first;                 /* first[b]: the first bag whose centre is at POSITIONS * b or later */
    ptrdiff_t n, bags, reach;             /* reach: no window is longer to either side */
    ptrdiff_t d, ld;                      /* rows of all matrices: d numbers, ld from one to the next */
    ptrdiff_t features, targets;          /* rows of F, Z and G; of W and X */
    bool past_caches;                     /* X, Z and G are written past the caches */
    bool half;                            /* pull reads F and W rounded to bfloat16 */

    /* Tokens of a bag. */
    int size(int64_t j) const { return stop[j] - start[j] - 1; }
};

/* Places of a ring: a power of two, for a window's two ends, the token that enters and the place past it. */
INLINED ptrdiff_t ring_size(ptrdiff_t reach) {
    ptrdiff_t ring = 1;
    while (ring < 2 * reach + 2) ring *= 2;
    return ring;
}

/* Bytes of a thread's scratch. */
static inline ptrdiff_t ring_bytes(ptrdiff_t reach) {
    return ring_size(reach) * (SUM_LINES > OF_PLACE ? SUM_LINES : OF_PLACE) * LINE;
}

} // namespace wordsparse

#define EACH_ISA "windows.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(window_dots)
BY_ISA(window_means)
} // namespace wordsparse

#else

template <typename real> constexpr ptrdiff_t MAX_VECS = SUM_LINES * LINE / sizeof(vec<real>);

/* A strip of columns: from `column` on, in vecs vectors. Where a row's end cuts its one vector, `cut` says so and
 * `keep` which bits are the row's. */
template <typename real> struct strip {
    ptrdiff_t column, vecs, ld;
    bool cut;
    mask<real> keep;

    strip(const windows *w, ptrdiff_t first, ptrdiff_t columns)
        : column(first), vecs((columns + LANES<real> - 1) / LANES<real>), ld(w->ld), cut(columns < LANES<real>) {
        if constexpr (LANES<real> > 1)
            for (ptrdiff_t i = 0; i < LANES<real>; i++) keep[i] = i < columns ? -1 : 0;
    }

    /* The strip's part of a row. */
    const vec<real> *of(const real *matrix, ptrdiff_t row) const {
        return (const vec<real> *)(matrix + row * ld + column);
    }
    vec<real> *of(real *matrix, ptrdiff_t row) const { return (vec<real> *)(matrix + row * ld + column); }

    /* A vector of F or W, without the padding behind its row. */
    vec<real> read(const vec<real> *from) const {
        if constexpr (LANES<real> > 1) return cut ? (vec<real>)((mask<real>)*from & keep) : *from;
        else return *from;
    }

    void fetch(const vec<real> *row) const {
        for (ptrdiff_t v = 0; v < vecs; v += LINE / sizeof(vec<real>)) prefetch(row + v);
    }
};

/* The token at position p enters: S[p + 1] = sum of the rows of F up to p. S is a ring of last + 1 places. */
template <typename real>
INLINED void enter(const windows *w, ptrdiff_t p, const real *F, const strip<real> &at, ptrdiff_t last, vec<real> *S,
                   vec<real> *sum) {
    if (w->tokens[p] >= 0) {
        const vec<real> *row = at.of(F, w->tokens[p]);
        UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) sum[v] += at.read(row + v);
    }
    vec<real> *to = S + ((p + 1) & last) * at.vecs;
    UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) to[v] = sum[v];
}

/* The sums of the ring counted from here on. */
template <typename real> INLINED void count_anew(const strip<real> &at, ptrdiff_t last, vec<real> *S, vec<real> *sum) {
    for (ptrdiff_t i = 0; i <= last; i++) {
        UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) S[i * at.vecs + v] -= sum[v];
    }
    UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) sum[v] = vec<real>{};
}

/* Where the sum over a bag is taken from. Found once a bag: what is written as a vector may alias everything, so that
 * inside a loop over vectors it would be found again for each. */
template <typename real> struct bag {
    const vec<real> *to, *from, *own;

    bag(const windows *w, ptrdiff_t j, const real *F, const strip<real> &at, ptrdiff_t last, const vec<real> *S)
        : to(S + (w->stop[j] & last) * at.vecs), from(S + (w->start[j] & last) * at.vecs),
          own(at.of(F, w->tokens[w->centre[j]])) {}

    /* Vector v of the sum. */
    vec<real> sum(const strip<real> &at, ptrdiff_t v) const { return (to[v] - from[v]) - at.read(own + v); }
};

/* For the bags of one block: with W, out[j] += (sum over bag j) . W[target[j]]; without it, row j of out is the mean.
 * Cost: about 5 flops a column and position, three rows of the strip read; two of them from the second-level cache or
 * beyond. */
template <typename real>
INLINED void sum_strip(const windows *w, ptrdiff_t block, const real *F, const int32_t *target, const real *W,
                       ptrdiff_t column, ptrdiff_t columns, vec<real> *S, real *out) {
    const strip<real> at(w, column, columns);
    const ptrdiff_t last = ring_size(w->reach) - 1, start = block * POSITIONS - w->reach;
    const int64_t end = w->first[block + 1];
    int64_t j = w->first[block];
    vec<real> sum[MAX_VECS<real>], dots[4] = {};
    int waiting = 0; /* dots of the last bags */
    memset(S, 0, (last + 1) * at.vecs * sizeof(vec<real>));
    UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) sum[v] = vec<real>{};
    for (ptrdiff_t p = start > 0 ? start : 0; j < end; p++) {
        if ((p & (AFRESH * (last + 1) - 1)) == 0) count_anew(at, last, S, sum);
        if (p < w->n) {
            if (p + TOKENS_AHEAD < w->n && w->tokens[p + TOKENS_AHEAD] >= 0)
                at.fetch(at.of(F, w->tokens[p + TOKENS_AHEAD]));
            enter(w, p, F, at, last, S, sum);
        }
        if (w->centre[j] != p - w->reach) continue;
        const bag<real> around(w, j, F, at, last, S);
        if (W) {
            const vec<real> *row = at.of(W, target[j]);
            vec<real> dot = {};
            real sums[4];
            if (j + TOKENS_AHEAD < w->bags) at.fetch(at.of(W, target[j + TOKENS_AHEAD]));
            UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) dot += around.sum(at, v) * at.read(row + v);
            dots[waiting++] = dot;
            if (waiting == 4 || j + 1 == end) {
                four_sums(dots, sums);
                for (int i = 0; i < waiting; i++) out[j + 1 - waiting + i] += sums[i];
                waiting = 0;
            }
        } else {
            const real part = 1 / (real)w->size(j);
            vec<real> *to = at.of(out, j);
            UNROLLED for (ptrdiff_t v = 0; v < at.vecs; v++) to[v] = part * around.sum(at, v);
        }
        j++;
    }
}

template <typename real>
INLINED void sum_strips(const windows *w, ptrdiff_t block, const real *F, const int32_t *target, const real *W,
                        real *scratch, real *out) {
    constexpr ptrdiff_t wide = SUM_LINES * LINE / sizeof(real);
    vec<real> *S = (vec<real> *)scratch;
    ptrdiff_t column = 0;
    for (; w->d - column >= wide; column += wide) sum_strip(w, block, F, target, W, column, wide, S, out);
    for (; w->d - column >= LANES<real>; column += LANES<real>)
        sum_strip(w, block, F, target, W, column, LANES<real>, S, out);
    if (column < w->d) sum_strip(w, block, F, target, W, column, w->d - column, S, out);
}

/* out[j] = h_j . W[target[j]] for the bags of one block. scratch: of ring_bytes. */
template <typename real>
void window_dots(const windows *w, ptrdiff_t block, const real *F, const int32_t *target, const real *W, real *scratch,
                 real *out) {
    const int64_t begin = w->first[block], end = w->first[block + 1];
    memset(out + begin, 0, (end - begin) * sizeof(real));
    sum_strips(w, block, F, target, W, scratch, out);
    for (int64_t j = begin; j < end; j++) out[j] /= (real)w->size(j);
}

/* out[j] = h_j for the bags of one block. */
template <typename real> void window_means(const windows *w, ptrdiff_t block, const real *F, real *scratch, real *out) {
    sum_strips<real>(w, block, F, nullptr, nullptr, scratch, out);
}
#endif

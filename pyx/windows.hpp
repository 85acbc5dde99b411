/* Products of dense rows with bags that are the windows of one text. Included by windows.pyx.
 *
 * Bag j holds the tokens at positions start[j] .. stop[j]-1 of a text, except the token at centre[j]. h_j is the mean
 * of these tokens' rows of F. Neighbouring windows share most tokens, so rows are not gathered bag by bag. If S is the
 * running sum of the tokens' rows, h_j = (S[stop] - S[start] - F[centre]) / size_j. The transposed product adds g_j
 * where bag j starts, and subtracts it where the bag stops. Each position receives the running sum of these ±g_j.
 *
 * Each strip of columns takes one pass over the text. When the token at position p enters S, the bag with centre p -
 * reach is complete, and position p - 2 reach has received all its terms. A ring (circular buffer) has a place for each
 * of the last positions, with S and the terms that start and stop there. The ring stays in the first-level cache, and
 * the strips of words stay mostly in the second-level cache. Running sums restart after every AFRESH rounds of the
 * ring, so rounding errors spread no further. The order of additions depends only on the sizes of the arrays.
 *
 * Rows are aligned to cache lines and padded to whole lines. The padding of F and W is not used.
 */
#ifndef EACH_ISA
#include "vec.hpp"

namespace wordsparse {

/* The greatest width of a strip of sums, in cache lines. `pull` reads two matrices and adds to three, so its strips are
 * only one line wide. In narrow strips, running sums stay in registers, and the strips of many words in the
 * second-level cache. */
constexpr ptrdiff_t SUM_LINES = 7;
/* The number of strips per place of the ring: the running sum, Z, G, and the bag's sum. */
constexpr int OF_PLACE = 4;
/* The number of positions whose bags a thread takes at a time. */
constexpr ptrdiff_t POSITIONS = 2048;
/* The prefetch distance for the rows of a token, in positions. Rows are prefetched into the second-level cache, because
 * the first-level cache allows too few outstanding misses. */
constexpr ptrdiff_t TOKENS_AHEAD = 48;
constexpr ptrdiff_t AFRESH = 4;
struct windows {
    const int32_t *tokens;                /* (n,) row of F at each position, negative if there is no token */
    const int32_t *centre, *start, *stop; /* (m,) positions; centre ascends */
    const int64_t *first;                 /* first[b]: the first bag whose centre is at POSITIONS * b or later */
    ptrdiff_t n, bags, reach;             /* reach: the longest window to either side */
    ptrdiff_t d, ld;                      /* rows of all matrices: d numbers, ld from one row to the next */
    ptrdiff_t features, targets;          /* rows of F, Z and G; of W and X */
    bool past_caches;                     /* X, Z and G are written past the caches */
    bool half;                            /* pull reads F and W rounded to bfloat16 */

    /* The number of tokens in a bag. */
    int size(int64_t j) const { return stop[j] - start[j] - 1; }
};

/* The number of places in a ring: a power of two that spans both ends of a window, the entering token and the place
 * after it. */
INLINED ptrdiff_t ring_size(ptrdiff_t reach) {
    ptrdiff_t ring = 1;
    while (ring < 2 * reach + 2) ring *= 2;
    return ring;
}

/* Size of a thread's scratch space in bytes. */
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

/* The number of vectors, and of numbers, in a cache line. */
template <typename real> constexpr ptrdiff_t VECS = LINE / sizeof(vec<real>);
template <typename real> constexpr ptrdiff_t LINE_NUMBERS = LINE / sizeof(real);

/* Restarts the running sum: subtracts it from every place of the ring, and sets it to zero. */
template <typename real, ptrdiff_t vecs> INLINED void count_anew(ptrdiff_t last, vec<real> *S, vec<real> *sum) {
    for (ptrdiff_t i = 0; i <= last; i++) {
        UNROLLED for (ptrdiff_t v = 0; v < vecs; v++) S[i * vecs + v] -= sum[v];
    }
    UNROLLED for (ptrdiff_t v = 0; v < vecs; v++) sum[v] = vec<real>{};
}

/* Returns x, with 0 in the padding of a row. */
template <typename real> INLINED vec<real> within(vec<real> x, mask<real> keep) {
    if constexpr (LANES<real> > 1) return (vec<real>)((mask<real>)x & keep);
    else return keep ? x : 0;
}

/* Computes `lines` cache lines of columns for the bags of one block. With W, out[j] += (sum over bag j) . W[target[j]].
 * Without W, row j of out becomes the mean over bag j. S is a ring; S[p + 1] is the sum of the rows of F up to position
 * p. Cost: about 5 flops per column and position. Each position reads three rows of the strip, two of which come from
 * the second-level cache or beyond. */
template <typename real, ptrdiff_t lines>
void sum_strip(const windows *w, ptrdiff_t block, const real *F, const int32_t *target, const real *W,
               ptrdiff_t columns, vec<real> *S, real *out) {
    constexpr ptrdiff_t vecs = lines * VECS<real>, whole = vecs - VECS<real>;
    const ptrdiff_t last = ring_size(w->reach) - 1, start = block * POSITIONS - w->reach;
    const int64_t end = w->first[block + 1];
    const auto row_of = [&](const real *matrix, ptrdiff_t row) { return (const vec<real> *)(matrix + row * w->ld); };
    const auto fetch = [](const vec<real> *row) {
        for (ptrdiff_t i = 0; i < lines; i++) prefetch(row + i * VECS<real>);
    };
    int64_t j = w->first[block];
    vec<real> sum[vecs] = {}, dots[4] = {};
    mask<real> keep[VECS<real>];
    int waiting = 0; /* number of dots that are not summed yet */
    for (ptrdiff_t i = 0; i < LINE_NUMBERS<real>; i++) {
        const auto inside = -(whole * LANES<real> + i < columns);
        if constexpr (LANES<real> > 1) keep[i / LANES<real>][i % LANES<real>] = inside;
        else keep[i] = inside;
    }
    memset(S, 0, (last + 1) * vecs * sizeof(vec<real>));
    for (ptrdiff_t p = start > 0 ? start : 0; j < end; p++) {
        if ((p & (AFRESH * (last + 1) - 1)) == 0) count_anew<real, vecs>(last, S, sum);
        if (p < w->n) {
            if (p + TOKENS_AHEAD < w->n && w->tokens[p + TOKENS_AHEAD] >= 0)
                fetch(row_of(F, w->tokens[p + TOKENS_AHEAD]));
            if (w->tokens[p] >= 0) {
                const vec<real> *row = row_of(F, w->tokens[p]);
                UNROLLED for (ptrdiff_t v = 0; v < vecs; v++) sum[v] += row[v];
            }
            vec<real> *to = S + ((p + 1) & last) * vecs;
            UNROLLED for (ptrdiff_t v = 0; v < vecs; v++) to[v] = sum[v];
        }
        if (w->centre[j] != p - w->reach) continue;
        /* Read these pointers once per bag: a store may alias any memory, so a loop over vectors would read the
         * pointers again for each vector. */
        const vec<real> *to = S + (w->stop[j] & last) * vecs, *from = S + (w->start[j] & last) * vecs;
        const vec<real> *own = row_of(F, w->tokens[w->centre[j]]);
        const auto total = [&](ptrdiff_t v) { return (to[v] - from[v]) - own[v]; };
        if (W) {
            const vec<real> *row = row_of(W, target[j]);
            vec<real> dot = {};
            real sums[4];
            if (j + TOKENS_AHEAD < w->bags) fetch(row_of(W, target[j + TOKENS_AHEAD]));
            UNROLLED for (ptrdiff_t v = 0; v < whole; v++) dot += total(v) * row[v];
            UNROLLED for (ptrdiff_t v = whole; v < vecs; v++) dot += within<real>(total(v) * row[v], keep[v - whole]);
            dots[waiting++] = dot;
            if (waiting == 4 || j + 1 == end) {
                four_sums(dots, sums);
                for (int i = 0; i < waiting; i++) out[j + 1 - waiting + i] += sums[i];
                waiting = 0;
            }
        } else {
            const real part = 1 / (real)w->size(j);
            vec<real> *mean = (vec<real> *)(out + j * w->ld);
            UNROLLED for (ptrdiff_t v = 0; v < vecs; v++) mean[v] = part * total(v);
        }
        j++;
    }
}

/* Computes all columns, strip by strip. */
template <typename real>
void sum_strips(const windows *w, ptrdiff_t block, const real *F, const int32_t *target, const real *W, real *scratch,
                real *out) {
    constexpr decltype(&sum_strip<real, 1>) of_lines[] = {sum_strip<real, 1>, sum_strip<real, 2>, sum_strip<real, 3>,
                                                          sum_strip<real, 4>, sum_strip<real, 5>, sum_strip<real, 6>,
                                                          sum_strip<real, 7>};
    static_assert(SUM_LINES == sizeof(of_lines) / sizeof(*of_lines));
    /* The widths of strips differ by at most one line. */
    const ptrdiff_t lines = (w->d + LINE_NUMBERS<real> - 1) / LINE_NUMBERS<real>;
    const ptrdiff_t strips = (lines + SUM_LINES - 1) / SUM_LINES;
    for (ptrdiff_t i = 0; i < strips; i++) {
        const ptrdiff_t first = lines * i / strips, count = lines * (i + 1) / strips - first;
        const ptrdiff_t column = first * LINE_NUMBERS<real>;
        of_lines[count - 1](w, block, F + column, target, W ? W + column : W, w->d - column, (vec<real> *)scratch,
                            W ? out : out + column);
    }
}

/* out[j] = h_j . W[target[j]] for the bags of one block. scratch: ring_bytes bytes. */
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

/* The transposed products of windows.hpp. Each strip of columns, which is a cache line wide, takes one pass over the
 * text. Included by windows.pyx. */
#ifndef EACH_ISA
#include "windows.hpp"

namespace wordsparse {

/* Prefetch distance, in rows, for copying strips. */
constexpr ptrdiff_t STRIPS_AHEAD = 16;
/* The prefetch distance, in steps, for the plan: an array of steps (struct step), one for each position of the text.
 * The plan is prefetched because the processor's own prefetching stops at the end of each page. */
constexpr ptrdiff_t PLAN_AHEAD = 384;
/* Marks a position without a word or without a bag. */
constexpr uint32_t NOTHING = UINT32_MAX;
/* The type of F and W in a panel: as in the matrices, or bfloat16 (only if a SIMD register is as wide as a cache
 * line). */
enum Panel { WHOLE, HALF };
/* The number of cache lines in a panel for each word (feature) or target. For WHOLE, one panel holds F, Z and G of each
 * word, and another panel holds W and X of each target. For HALF, there are as many words as targets, and one panel
 * holds F and W (in one line), Z, G and X. */
template <Panel half> constexpr int OF_FEATURE = half == HALF ? 4 : 3;
template <Panel half> constexpr int OF_TARGET = half == HALF ? 4 : 2;

/* The number of extra steps after the end of the text. The extra steps drain the ring, and keep prefetches within the
 * plan. */
INLINED ptrdiff_t steps_after(ptrdiff_t reach) { return 2 * reach + TOKENS_AHEAD + 1; }

/* The sizes of pull's panels, and of its plan for numbers of `size` bytes, in bytes. */
static inline ptrdiff_t panels_bytes(ptrdiff_t features, ptrdiff_t targets) {
    return (OF_FEATURE<WHOLE> * features + OF_TARGET<WHOLE> * targets) * LINE;
}
static inline ptrdiff_t plan_bytes(ptrdiff_t n, ptrdiff_t reach, ptrdiff_t size) {
    return (n + 2 * reach + steps_after(reach)) * (4 * (ptrdiff_t)sizeof(uint32_t) + 2 * size);
}

/* A step of the plan: the work of a pass of pull at one position, which is the same for every strip. word and target
 * are offsets in a panel, in cache lines. start and stop are offsets in the ring, in bytes. z is the weight of the
 * bag's sum in Z. g is the weight of the bag's sum in X, and the weight of the target's row in G. */
template <typename real> struct step {
    uint32_t word, target, start, stop;
    real z, g;
};

} // namespace wordsparse

#define EACH_ISA "window_pull.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(window_plan)
BY_ISA(window_pull)
} // namespace wordsparse

#else
/* Calls the instance of a function for the type of panel of w, WHOLE or HALF. */
#define BY_HALF(name, ...)                                                                                             \
    if constexpr (sizeof(real) == 4 && sizeof(vec<real>) == LINE) {                                                    \
        if (w->half) return name<real, HALF>(__VA_ARGS__);                                                             \
    }                                                                                                                  \
    return name<real, WHOLE>(__VA_ARGS__)

/* Writes the steps of the plan for the positions and bags of one block. */
template <typename real, Panel half>
void plan_block(const windows *w, ptrdiff_t block, const int32_t *target, const real *zeta, const real *gamma,
                void *plan) {
    step<real> *steps = (step<real> *)plan + 2 * w->reach;
    const step<real> none = {NOTHING, NOTHING, 0, 0, 0, 0};
    const ptrdiff_t begin = block * POSITIONS, end = begin + POSITIONS < w->n ? begin + POSITIONS : w->n;
    const ptrdiff_t last = ring_size(w->reach) - 1;
    for (ptrdiff_t p = begin; p < end; p++) {
        steps[p] = none;
        if (w->tokens[p] >= 0) steps[p].word = (uint32_t)w->tokens[p] * OF_FEATURE<half>;
    }
    for (int64_t j = w->first[block]; j < w->first[block + 1]; j++) {
        const real size = (real)w->size(j);
        step<real> &bag = steps[w->centre[j]];
        bag.target = (uint32_t)target[j] * OF_TARGET<half>;
        bag.start = (uint32_t)((w->start[j] & last) * OF_PLACE * LINE);
        bag.stop = (uint32_t)((w->stop[j] & last) * OF_PLACE * LINE);
        bag.z = zeta[j] / (size * size);
        bag.g = gamma[j] / size;
    }
    /* There are no tokens before and after the text. */
    for (ptrdiff_t p = -2 * w->reach; begin == 0 && p < 0; p++) steps[p] = none;
    for (ptrdiff_t p = w->n; end == w->n && p < w->n + steps_after(w->reach); p++) steps[p] = none;
}
template <typename real>
void window_plan(const windows *w, ptrdiff_t block, const int32_t *target, const real *zeta, const real *gamma,
                 void *plan) {
    BY_HALF(plan_block, w, block, target, zeta, gamma, plan);
}

/* Return a pointer to the vector at an offset in bytes or cache lines. [i * VECS + v] is then vector v of the i-th
 * line. Only a few pointers fit in the registers, so all others are computed from these by adding constants. */
template <typename real> INLINED vec<real> *at_byte(char *base, size_t bytes) { return (vec<real> *)(base + bytes); }
template <typename real> INLINED vec<real> *at_line(char *base, size_t lines) {
    return at_byte<real>(base, lines * LINE);
}

/* Return the numbers of F in a line of a panel, or the numbers of W. */
template <Panel half, typename V> INLINED V row_of_F(V line) {
    if constexpr (half == HALF) return upper_half(line);
    else return line;
}
template <Panel half, typename V> INLINED V row_of_W(V line) {
    if constexpr (half == HALF) return lower_half(line);
    else return line;
}

/* One pass over the text. features holds the lines of F, Z and G of each word, and targets the lines of W and X of each
 * target. ring holds, for each place, the running sum, the terms of Z and of G that start or stop there, and the sum
 * over the bag centred there. A step holds all data for its position, because registers are few, and data elsewhere
 * would be read again after each store. */
template <typename real, Panel half>
INLINED void pull_pass(const windows *w, const step<real> *now, char *features, char *targets, char *ring) {
    /* The number of vectors in a line, and the offsets of lines in a place of the ring, a word and a target. */
    constexpr ptrdiff_t n = VECS<real>, SUM = 0, Z = n, G = 2 * n, BAG = 3 * n, WORD = 0, TARGET = 0,
                        X = half == HALF ? 3 * n : n;
    const ptrdiff_t reach = w->reach, last = ring_size(reach) - 1, afresh = AFRESH * (last + 1) - 1;
    const ptrdiff_t steps = w->n + 2 * reach;
    const size_t place = OF_PLACE * LINE, round = (last + 1) * place - 1;
    size_t entering = place, centre = (-reach & last) * place, leaving = (-2 * reach & last) * place;
    vec<real> sum[n], by_z[n], by_g[n];
    memset(ring, 0, (last + 1) * place);
    UNROLLED for (int v = 0; v < n; v++) sum[v] = by_z[v] = by_g[v] = vec<real>{};
    now += 2 * reach;
    for (ptrdiff_t p = 0; p < steps; p++, now++) {
        if ((p & afresh) == 0) {
            /* Compute the running sums afresh from the terms that have started but not yet stopped. */
            UNROLLED for (int v = 0; v < n; v++) by_z[v] = by_g[v] = vec<real>{};
            for (ptrdiff_t i = 0; i <= last; i++) {
                vec<real> *at = at_byte<real>(ring, i * place);
                UNROLLED for (int v = 0; v < n; v++) {
                    at[SUM + v] -= sum[v];
                    by_z[v] -= at[Z + v];
                    by_g[v] -= at[G + v];
                }
            }
            UNROLLED for (int v = 0; v < n; v++) sum[v] = vec<real>{};
        }
        prefetch(now + PLAN_AHEAD);
        for (int i = 0; i < OF_FEATURE<half>; i++) prefetch(features + ((size_t)now[TOKENS_AHEAD].word + i) * LINE);
        for (int i = 0; i < OF_TARGET<half> && half == WHOLE; i++) /* HALF: the target is usually the centre word */
            prefetch(targets + ((size_t)now[TOKENS_AHEAD].target + i) * LINE);
        /* The token enters the running sum. */
        if (now->word != NOTHING) {
            const vec<real> *word = at_line<real>(features, now->word);
            UNROLLED for (int v = 0; v < n; v++) sum[v] += row_of_F<half>(word[WORD + v]);
        }
        vec<real> *enters = at_byte<real>(ring, entering);
        UNROLLED for (int v = 0; v < n; v++) enters[SUM + v] = sum[v];
        /* The bag whose centre is `reach` positions earlier is now complete. */
        const step<real> *bag = now - reach;
        if (bag->target != NOTHING) {
            const real z = bag->z, g = bag->g;
            const vec<real> *word = at_line<real>(features, bag->word);
            vec<real> *target = at_line<real>(targets, bag->target), *middle = at_byte<real>(ring, centre);
            vec<real> *start = at_byte<real>(ring, bag->start), *stop = at_byte<real>(ring, bag->stop);
            UNROLLED for (int v = 0; v < n; v++) {
                const vec<real> h = (stop[SUM + v] - start[SUM + v]) - row_of_F<half>(word[WORD + v]);
                const vec<real> c = row_of_W<half>(target[TARGET + v]);
                middle[BAG + v] = h;
                target[X + v] += g * h;
                start[Z + v] += z * h;
                stop[Z + v] -= z * h;
                start[G + v] += g * c;
                stop[G + v] -= g * c;
            }
        }
        /* The token `done` has received all its terms. Subtract the term of the bag around this token, because a bag
         * does not contain its centre. */
        const step<real> *done = bag - reach;
        vec<real> *leaves = at_byte<real>(ring, leaving);
        if (done->target != NOTHING) {
            const real z = done->z, g = done->g;
            const vec<real> *target = at_line<real>(targets, done->target);
            vec<real> *word = at_line<real>(features, done->word);
            UNROLLED for (int v = 0; v < n; v++) {
                by_z[v] += leaves[Z + v];
                by_g[v] += leaves[G + v];
                word[Z + v] += by_z[v] - z * leaves[BAG + v];
                word[G + v] += by_g[v] - g * row_of_W<half>(target[TARGET + v]);
            }
        } else if (done->word != NOTHING) {
            vec<real> *word = at_line<real>(features, done->word);
            UNROLLED for (int v = 0; v < n; v++) {
                by_z[v] += leaves[Z + v];
                by_g[v] += leaves[G + v];
                word[Z + v] += by_z[v];
                word[G + v] += by_g[v];
            }
        } else { /* no window spans this place: all terms that started have stopped */
            UNROLLED for (int v = 0; v < n; v++) by_z[v] = by_g[v] = vec<real>{};
        }
        UNROLLED for (int v = 0; v < n; v++) leaves[Z + v] = leaves[G + v] = vec<real>{};
        entering = (entering + place) & round;
        centre = (centre + place) & round;
        leaving = (leaving + place) & round;
    }
}

/* Copies a strip of `rows` rows, padded with zeros, into the first of the `lines` lines of each row of a panel, and
 * writes zeros into the other lines. For HALF, a strip of the matrix `beside` shares the first line. */
template <typename real, Panel half>
INLINED void copy_strip(const real *matrix, const real *beside, ptrdiff_t ld, ptrdiff_t rows, size_t bytes, int lines,
                        char *panel) {
    const auto part = [&](const real *row, real *to) {
        prefetch(row + STRIPS_AHEAD * ld);
        if (bytes < LINE) memset(to, 0, LINE);
        memcpy(to, row, bytes);
    };
    for (ptrdiff_t r = 0; r < rows; r++, matrix += ld, panel += lines * LINE) {
        if constexpr (half == HALF) {
            real F[LINE_NUMBERS<real>], W[LINE_NUMBERS<real>];
            part(matrix, F), part(beside + r * ld, W);
            store((real *)panel, halved(load(F), load(W)));
        } else {
            part(matrix, (real *)panel);
        }
        memset(panel + LINE, 0, (lines - 1) * LINE);
    }
}

/* Writes line i of each row of a panel into a strip of a matrix, whose rows are padded to whole lines. */
template <typename real> INLINED void write_line(real *to, const char *from, int i, ptrdiff_t ahead, bool past_caches) {
    if (past_caches) {
        stream_line(to, from + i * LINE);
    } else {
        prefetch_to_write(to + ahead);
        memcpy(to, from + i * LINE, LINE);
    }
}

/* Computes strip number `strip`, a cache line wide, of X = Gamma' H, Z = C' diag(zeta) H and G = C' Gamma W, with
 * H = C F. Gamma has one number per bag, in the column of its target. plan comes from window_plan. ring has OF_PLACE
 * strips per place. panels has panels_bytes bytes. Strips that are used together are copied next to each other, because
 * the rows of a word lie in separate pages, and the TLB of a processor holds only a few thousand pages.
 * Cost: about 20 flops per column and position. Each position reads four or five rows of the strip and writes three,
 * all in the cache. Rows of the matrices are read or written only once. */
template <typename real, Panel half>
void pull_strip(const windows *w, ptrdiff_t strip, const void *plan, const real *F, const real *W, real *ring,
                real *panels, real *X, real *Z, real *G) {
    const ptrdiff_t column = strip * LINE_NUMBERS<real>, left = w->d - column, ahead = STRIPS_AHEAD * w->ld;
    const size_t bytes = (left < LINE_NUMBERS<real> ? left : LINE_NUMBERS<real>)*sizeof(real);
    char *features = (char *)panels, *targets = features;
    copy_strip<real, half>(F + column, W + column, w->ld, w->features, bytes, OF_FEATURE<half>, features);
    if constexpr (half == WHOLE) {
        targets += w->features * OF_FEATURE<half> * LINE;
        copy_strip<real, half>(W + column, nullptr, w->ld, w->targets, bytes, OF_TARGET<half>, targets);
    }
    pull_pass<real, half>(w, (const step<real> *)plan, features, targets, (char *)ring);
    for (ptrdiff_t r = 0; r < w->features; r++) {
        const char *word = features + r * OF_FEATURE<half> * LINE;
        write_line(Z + r * w->ld + column, word, 1, ahead, w->past_caches);
        write_line(G + r * w->ld + column, word, 2, ahead, w->past_caches);
    }
    for (ptrdiff_t r = 0; r < w->targets; r++)
        write_line(X + r * w->ld + column, targets + r * OF_TARGET<half> * LINE, half == HALF ? 3 : 1, ahead,
                   w->past_caches);
    if (w->past_caches) stream_fence();
}
template <typename real>
void window_pull(const windows *w, ptrdiff_t strip, const void *plan, const real *F, const real *W, real *ring,
                 real *panels, real *X, real *Z, real *G) {
    BY_HALF(pull_strip, w, strip, plan, F, W, ring, panels, X, Z, G);
}
#undef BY_HALF
#endif

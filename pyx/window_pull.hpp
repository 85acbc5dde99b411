/* The transposed products of windows.hpp, in one pass over the text per strip of columns. A strip is a cache line wide,
 * or half a line if there are threads for all of these: twice as many passes then take .8 of the time each, and every
 * column has the same bytes. Included by windows.pyx. */
#ifndef EACH_ISA
#include "windows.hpp"

namespace wordsparse {

/* Prefetch distance, in rows, for copying strips. */
constexpr ptrdiff_t STRIPS_AHEAD = 16;
/* Prefetch distance, in steps, for the plan: the processor's own prefetching stops at the end of each page. */
constexpr ptrdiff_t PLAN_AHEAD = 384;
/* Marks a slot without a word or a bag. */
constexpr uint32_t NOTHING = UINT32_MAX;
/* Type of F and W in a panel: as stored, or bfloat16 (only where a SIMD register is as wide as a cache line). */
enum Panel { WHOLE, HALF };
/* Strips of a row in a panel. WHOLE: one panel holds F, Z and G of each word, another W and X of each target. HALF: there
 * are as many words as targets, and one panel holds F and W (in one strip), Z, G and X. */
template <Panel half> constexpr int OF_FEATURE = half == HALF ? 4 : 3;
template <Panel half> constexpr int OF_TARGET = half == HALF ? 4 : 2;

/* Extra steps after the text ends: the ring is drained, and prefetches stay within the plan. */
INLINED ptrdiff_t steps_after(ptrdiff_t reach) { return 2 * reach + TOKENS_AHEAD + 1; }

/* Bytes of pull's panels, and of its plan if a number takes `size` bytes. */
static inline ptrdiff_t panels_bytes(ptrdiff_t features, ptrdiff_t targets) {
    return (OF_FEATURE<WHOLE> * features + OF_TARGET<WHOLE> * targets) * LINE;
}
static inline ptrdiff_t plan_bytes(ptrdiff_t n, ptrdiff_t reach, ptrdiff_t size) {
    return (n + 2 * reach + steps_after(reach)) * (4 * (ptrdiff_t)sizeof(uint32_t) + 2 * size);
}

/* The work of a pass of pull at one position, the same for every strip. word and target are offsets in a panel in
 * strips, start and stop are offsets in the ring in bytes. z is the weight of the bag's sum in Z; g is its weight in X,
 * and the weight of its target's row in G. */
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
/* Calls the instance of a function for the panels of w. */
#define BY_HALF(name, ...)                                                                                             \
    if constexpr (sizeof(real) == 4 && sizeof(vec<real>) == LINE) {                                                    \
        if (w->half) return name<real, HALF>(__VA_ARGS__);                                                             \
    }                                                                                                                  \
    return name<real, WHOLE>(__VA_ARGS__)

/* Writes the steps for the positions and bags of one block. */
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
        bag.start = (uint32_t)((w->start[j] & last) * OF_PLACE * w->strip);
        bag.stop = (uint32_t)((w->stop[j] & last) * OF_PLACE * w->strip);
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

/* The first vector at an offset in bytes. Only a few pointers fit in the registers; all others are these plus
 * constants. */
template <typename real> INLINED vec<real> *at_byte(char *base, size_t bytes) { return (vec<real> *)(base + bytes); }

/* The numbers of F in a vector of a panel, and the numbers of W. */
template <Panel half, typename V> INLINED V row_of_F(V both) {
    if constexpr (half == HALF) return upper_half(both);
    else return both;
}
template <Panel half, typename V> INLINED V row_of_W(V both) {
    if constexpr (half == HALF) return lower_half(both);
    else return both;
}

/* One pass over the text. features: each word's strips of F, Z and G. targets: each target's strips of W and X. ring: for
 * each place the running sum, the terms of Z and of G that start or stop there, and the sum over the bag centred there.
 * A step holds all data of its position: registers are few, and data elsewhere would be re-read after each store. */
template <typename real, Panel half, ptrdiff_t strip>
INLINED void pull_pass(const windows *w, const step<real> *now, char *features, char *targets, char *ring) {
    /* Vectors of a strip, and where the strips of a place, a word and a target begin. */
    constexpr ptrdiff_t n = strip / sizeof(vec<real>), SUM = 0, Z = n, G = 2 * n, BAG = 3 * n, WORD = 0, TARGET = 0,
                        X = half == HALF ? 3 * n : n;
    const auto at_strip = [](char *base, size_t strips) { return at_byte<real>(base, strips * strip); };
    const ptrdiff_t reach = w->reach, last = ring_size(reach) - 1, afresh = AFRESH * (last + 1) - 1;
    const ptrdiff_t steps = w->n + 2 * reach;
    const size_t place = OF_PLACE * strip, round = (last + 1) * place - 1;
    size_t entering = place, centre = (-reach & last) * place, leaving = (-2 * reach & last) * place;
    vec<real> sum[n], by_z[n], by_g[n];
    memset(ring, 0, (last + 1) * place);
    UNROLLED for (int v = 0; v < n; v++) sum[v] = by_z[v] = by_g[v] = vec<real>{};
    now += 2 * reach;
    for (ptrdiff_t p = 0; p < steps; p++, now++) {
        if ((p & afresh) == 0) {
            /* Restart the running sums: they consist of the terms that have started but not yet stopped. */
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
        for (int i = 0; i < OF_FEATURE<half> * strip; i += LINE)
            prefetch(features + (size_t)now[TOKENS_AHEAD].word * strip + i);
        for (int i = 0; i < OF_TARGET<half> * strip && half == WHOLE; i += LINE) /* HALF: usually the centre word */
            prefetch(targets + (size_t)now[TOKENS_AHEAD].target * strip + i);
        /* The token enters the running sum. */
        if (now->word != NOTHING) {
            const vec<real> *word = at_strip(features, now->word);
            UNROLLED for (int v = 0; v < n; v++) sum[v] += row_of_F<half>(word[WORD + v]);
        }
        vec<real> *enters = at_byte<real>(ring, entering);
        UNROLLED for (int v = 0; v < n; v++) enters[SUM + v] = sum[v];
        /* This bag is complete. */
        const step<real> *bag = now - reach;
        if (bag->target != NOTHING) {
            const real z = bag->z, g = bag->g;
            const vec<real> *word = at_strip(features, bag->word);
            vec<real> *target = at_strip(targets, bag->target), *middle = at_byte<real>(ring, centre);
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
        /* A token has received all its terms. Subtract the term of the bag around it, which does not contain it. */
        const step<real> *done = bag - reach;
        vec<real> *leaves = at_byte<real>(ring, leaving);
        if (done->target != NOTHING) {
            const real z = done->z, g = done->g;
            const vec<real> *target = at_strip(targets, done->target);
            vec<real> *word = at_strip(features, done->word);
            UNROLLED for (int v = 0; v < n; v++) {
                by_z[v] += leaves[Z + v];
                by_g[v] += leaves[G + v];
                word[Z + v] += by_z[v] - z * leaves[BAG + v];
                word[G + v] += by_g[v] - g * row_of_W<half>(target[TARGET + v]);
            }
        } else if (done->word != NOTHING) {
            vec<real> *word = at_strip(features, done->word);
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

/* Copies a strip of `rows` rows, padded with zeros, into the first of the `count` strips of each row of a panel, and
 * zeros into the other strips. HALF: a strip of the matrix `beside` shares that first strip. Half a line has no such
 * panel; its numbers are rounded if `rounds`. */
template <typename real, Panel half, ptrdiff_t strip>
INLINED void copy_strip(const real *matrix, const real *beside, ptrdiff_t ld, ptrdiff_t rows, size_t bytes, int count,
                        bool rounds, char *panel) {
    const auto part = [&](const real *row, real *to) {
        prefetch(row + STRIPS_AHEAD * ld);
        if (bytes < strip) memset(to, 0, strip);
        memcpy(to, row, bytes);
    };
    for (ptrdiff_t r = 0; r < rows; r++, matrix += ld, panel += count * strip) {
        if constexpr (half == HALF) {
            real F[LINE_NUMBERS<real>], W[LINE_NUMBERS<real>];
            part(matrix, F), part(beside + r * ld, W);
            store((real *)panel, halved(load(F), load(W)));
        } else {
            part(matrix, (real *)panel);
            if constexpr (strip < LINE && sizeof(real) == 4 && LANES<real> > 1) {
                vec<real> *row = at_byte<real>(panel, 0);
                for (ptrdiff_t v = 0; rounds && v < strip / (ptrdiff_t)sizeof(*row); v++)
                    row[v] = upper_half(halved(row[v], row[v]));
            }
        }
        memset(panel + strip, 0, (count - 1) * strip);
    }
}

/* Writes strip i of each row of a panel into a strip of a matrix, whose rows are padded to whole lines. */
template <typename real, ptrdiff_t strip>
INLINED void write_strip(real *to, const char *from, int i, ptrdiff_t ahead, bool past_caches) {
    if (past_caches && strip == LINE) {
        stream_line(to, from + i * strip);
    } else {
        prefetch_to_write(to + ahead);
        memcpy(to, from + i * strip, strip);
    }
}

/* Computes strip number `number` of X = Gamma' H, Z = C' diag(zeta) H and G = C' Gamma W, with
 * H = C F. Gamma has one number per bag, in the column of its target. plan comes from window_plan; ring has OF_PLACE
 * strips per place; panels has panels_bytes bytes. Strips that are used together are copied together, because the rows
 * of a word lie in separate pages and the TLB of a processor holds only a few thousand.
 * Cost: about 20 flops per column and position, which reads four or five rows of the strip and writes three, in the
 * cache; rows of the matrices are read or written once. */
template <typename real, Panel half, ptrdiff_t strip = LINE>
void pull_strip(const windows *w, ptrdiff_t number, const void *plan, const real *F, const real *W, real *ring,
                real *panels, real *X, real *Z, real *G) {
    constexpr ptrdiff_t wide = strip / sizeof(real);
    const ptrdiff_t column = number * wide, left = w->d - column, ahead = STRIPS_AHEAD * w->ld;
    const size_t bytes = (left < wide ? left : wide) * sizeof(real);
    char *features = (char *)panels, *targets = features;
    copy_strip<real, half, strip>(F + column, W + column, w->ld, w->features, bytes, OF_FEATURE<half>, w->half,
                                  features);
    if constexpr (half == WHOLE) {
        targets += w->features * OF_FEATURE<half> * strip;
        copy_strip<real, half, strip>(W + column, nullptr, w->ld, w->targets, bytes, OF_TARGET<half>, w->half, targets);
    }
    pull_pass<real, half, strip>(w, (const step<real> *)plan, features, targets, (char *)ring);
    const auto write = [&](real *matrix, ptrdiff_t r, const char *row, int i) {
        write_strip<real, strip>(matrix + r * w->ld + column, row, i, ahead, w->past_caches);
    };
    for (ptrdiff_t r = 0; r < w->features; r++) {
        const char *word = features + r * OF_FEATURE<half> * strip;
        write(Z, r, word, 1);
        write(G, r, word, 2);
    }
    for (ptrdiff_t r = 0; r < w->targets; r++) write(X, r, targets + r * OF_TARGET<half> * strip, half == HALF ? 3 : 1);
    if (w->past_caches) stream_fence();
}
template <typename real>
void window_pull(const windows *w, ptrdiff_t number, const void *plan, const real *F, const real *W, real *ring,
                 real *panels, real *X, real *Z, real *G) {
    if constexpr (sizeof(vec<real>) < LINE) {
        if (w->strip < LINE) return pull_strip<real, WHOLE, LINE / 2>(w, number, plan, F, W, ring, panels, X, Z, G);
    }
    BY_HALF(pull_strip, w, number, plan, F, W, ring, panels, X, Z, G);
}
#undef BY_HALF
#endif

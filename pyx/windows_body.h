/* The loops of windows.h; see sets.h. */

#include "vec_body.h"

#define MOST_VECS (SUM_LINES * (ptrdiff_t)(LINE / sizeof(VEC)))
#define VECS (LINE / (int)sizeof(VEC))
#define COLUMNS(lines) ((lines) * (ptrdiff_t)(LINE / sizeof(REAL)))

#define ROW(matrix, r) ((VEC *)((matrix) + (ptrdiff_t)(r) * at->ld + at->column))
#define SOURCE(matrix, r) ((const VEC *)((matrix) + (ptrdiff_t)(r) * at->ld + at->column))
/* Tokens of a bag. */
#define SIZE(j) ((REAL)(w->stop[j] - w->start[j] - 1))
#define EACH UNROLLED for (ptrdiff_t v = 0; v < at->vecs; v++)

/* A strip of columns: from `column` on, in vecs vectors. Where a row's end cuts its one vector, `cut` says so and
 * `keep` which bits are the row's. */
typedef struct {
    ptrdiff_t column, vecs, ld;
#if defined(__GNUC__)
    int cut;
    NAME(mask) keep;
#endif
} NAME(strip);

INLINED void NAME(set_strip)(NAME(strip) *at, const windows *w, ptrdiff_t column, ptrdiff_t columns) {
    at->column = column, at->vecs = (columns + LANES - 1) / LANES, at->ld = w->ld;
#if defined(__GNUC__)
    at->cut = columns < LANES;
    for (ptrdiff_t i = 0; i < LANES; i++) at->keep[i] = -(INTEGER)(i < columns);
#endif
}

/* A vector of F or W, without the padding behind its row. */
INLINED void NAME(load)(const VEC *from, const NAME(strip) *at, VEC *to) {
#if defined(__GNUC__)
    *to = at->cut ? (VEC)((NAME(mask))*from & at->keep) : *from;
#else
    *to = *from;
#endif
}

INLINED void NAME(fetch)(const VEC *row, const NAME(strip) *at) {
    for (ptrdiff_t v = 0; v < at->vecs; v += LINE / sizeof(VEC)) PREFETCH(row + v);
}

/* The token at position p enters: S[p + 1] = sum of the rows of F up to p. S is a ring of last + 1 places. */
INLINED void NAME(enter)(const windows *w, ptrdiff_t p, const REAL *F, const NAME(strip) *at, ptrdiff_t last, VEC *S,
                         VEC *sum) {
    if (w->tokens[p] >= 0) {
        const VEC *row = SOURCE(F, w->tokens[p]);
        EACH {
            VEC f;
            NAME(load)(row + v, at, &f);
            sum[v] += f;
        }
    }
    VEC *to = S + ((p + 1) & last) * at->vecs;
    EACH to[v] = sum[v];
}

/* The sums of the ring counted from here on. */
INLINED void NAME(count_anew)(const NAME(strip) *at, ptrdiff_t last, VEC *S, VEC *sum) {
    for (ptrdiff_t i = 0; i <= last; i++) EACH S[i * at->vecs + v] -= sum[v];
    EACH sum[v] = (VEC){0};
}

/* Where the sum over a bag is taken from. Found once a bag: what is written as VEC may alias everything, so that inside
 * a loop over vectors it would be found again for each. */
typedef struct {
    const VEC *to, *from, *own;
} NAME(bag);

INLINED NAME(bag) NAME(bag_at)(const windows *w, ptrdiff_t j, const REAL *F, const NAME(strip) *at, ptrdiff_t last,
                               const VEC *S) {
    NAME(bag) bag;
    bag.to = S + (w->stop[j] & last) * at->vecs;
    bag.from = S + (w->start[j] & last) * at->vecs;
    bag.own = SOURCE(F, w->tokens[w->centre[j]]);
    return bag;
}

/* Vector v of the sum over a bag. */
INLINED void NAME(bag_sum)(NAME(bag) bag, const NAME(strip) *at, ptrdiff_t v, VEC *sum) {
    VEC own;
    NAME(load)(bag.own + v, at, &own);
    *sum = (bag.to[v] - bag.from[v]) - own;
}

/* For the bags of one block: with W, out[j] += (sum over bag j) . W[target[j]]; without it, row j of out is the mean.
 * Cost: about 5 flops a column and position, three rows of the strip read; two of them from the second-level cache or
 * beyond. */
INLINED void NAME(sum_strip)(const windows *w, ptrdiff_t block, const REAL *F, const int32_t *target,
                             const REAL *W, ptrdiff_t column, ptrdiff_t columns, VEC *S,
                             REAL *out) {
    NAME(strip) strip, *at = &strip;
    NAME(set_strip)(at, w, column, columns);
    const ptrdiff_t last = ring_size(w->reach) - 1, start = block * POSITIONS - w->reach;
    const int64_t end = w->first[block + 1];
    int64_t j = w->first[block];
    VEC sum[MOST_VECS], dots[4] = {(VEC){0}, (VEC){0}, (VEC){0}, (VEC){0}};
    int waiting = 0; /* dots of the last bags */
    memset(S, 0, (last + 1) * at->vecs * sizeof(VEC));
    EACH sum[v] = (VEC){0};
    for (ptrdiff_t p = start > 0 ? start : 0; j < end; p++) {
        if ((p & (AFRESH * (last + 1) - 1)) == 0) NAME(count_anew)(at, last, S, sum);
        if (p < w->n) {
            if (p + AHEAD < w->n && w->tokens[p + AHEAD] >= 0) NAME(fetch)(SOURCE(F, w->tokens[p + AHEAD]), at);
            NAME(enter)(w, p, F, at, last, S, sum);
        }
        if (w->centre[j] != p - w->reach) continue;
        const NAME(bag) bag = NAME(bag_at)(w, j, F, at, last, S);
        if (W) {
            const VEC *row = SOURCE(W, target[j]);
            VEC dot = (VEC){0};
            REAL sums[4];
            if (j + AHEAD < w->bags) NAME(fetch)(SOURCE(W, target[j + AHEAD]), at);
            EACH {
                VEC h, c;
                NAME(bag_sum)(bag, at, v, &h);
                NAME(load)(row + v, at, &c);
                dot += h * c;
            }
            dots[waiting++] = dot;
            if (waiting == 4 || j + 1 == end) {
                NAME(four_sums)(dots, sums);
                for (int i = 0; i < waiting; i++) out[j + 1 - waiting + i] += sums[i];
                waiting = 0;
            }
        } else {
            const REAL part = 1 / SIZE(j);
            VEC *to = ROW(out, j);
            EACH {
                VEC h;
                NAME(bag_sum)(bag, at, v, &h);
                to[v] = part * h;
            }
        }
        j++;
    }
}

INLINED void NAME(sum_strips)(const windows *w, ptrdiff_t block, const REAL *F, const int32_t *target,
                              const REAL *W, REAL *scratch, REAL *out) {
    VEC *S = (VEC *)scratch;
    ptrdiff_t column = 0;
    for (; w->d - column >= COLUMNS(SUM_LINES); column += COLUMNS(SUM_LINES))
        NAME(sum_strip)(w, block, F, target, W, column, COLUMNS(SUM_LINES), S, out);
    for (; w->d - column >= LANES; column += LANES)
        NAME(sum_strip)(w, block, F, target, W, column, LANES, S, out);
    if (column < w->d)
        NAME(sum_strip)(w, block, F, target, W, column, w->d - column, S, out);
}

/* out[j] = h_j . W[target[j]] for the bags of one block. scratch: a ring of SUM_LINES. */
FOR_SET static void NAME(window_dots)(const windows *w, ptrdiff_t block, const REAL *F, const int32_t *target,
                                      const REAL *W, REAL *scratch, REAL *out) {
    const int64_t begin = w->first[block], end = w->first[block + 1];
    memset(out + begin, 0, (end - begin) * sizeof(REAL));
    NAME(sum_strips)(w, block, F, target, W, scratch, out);
    for (int64_t j = begin; j < end; j++) out[j] /= SIZE(j);
}

/* out[j] = h_j for the bags of one block. */
FOR_SET static void NAME(window_means)(const windows *w, ptrdiff_t block, const REAL *F, REAL *scratch,
                                       REAL *out) {
    NAME(sum_strips)(w, block, F, NULL, NULL, scratch, out);
}

/* What a pass of pull does at one position, the same for every strip: words and targets in cache lines of the panels,
 * places of the ring in bytes. z and g are the weights of the bag's sum in Z, and of it in X and of its target's row in
 * G. */
typedef struct {
    uint32_t word, target, start, stop;
    REAL z, g;
} NAME(step);

/* The steps of the positions and bags of one block. */
FOR_SET static void NAME(window_plan)(const windows *w, ptrdiff_t block, const int32_t *target,
                                      const REAL *zeta, const REAL *gamma, void *plan) {
    NAME(step) *steps = (NAME(step) *)plan + 2 * w->reach;
    const NAME(step) none = {NOTHING, NOTHING, 0, 0, 0, 0};
    const ptrdiff_t begin = block * POSITIONS, end = begin + POSITIONS < w->n ? begin + POSITIONS : w->n;
    const ptrdiff_t last = ring_size(w->reach) - 1;
    for (ptrdiff_t p = begin; p < end; p++) {
        steps[p] = none;
        if (w->tokens[p] >= 0) steps[p].word = (uint32_t)w->tokens[p] * OF_FEATURE;
    }
    for (int64_t j = w->first[block]; j < w->first[block + 1]; j++) {
        NAME(step) *step = steps + w->centre[j];
        step->target = (uint32_t)target[j] * OF_TARGET;
        step->start = (uint32_t)((w->start[j] & last) * OF_PLACE * LINE);
        step->stop = (uint32_t)((w->stop[j] & last) * OF_PLACE * LINE);
        step->z = zeta[j] / (SIZE(j) * SIZE(j));
        step->g = gamma[j] / SIZE(j);
    }
    /* Before the text and behind it nothing stands. */
    for (ptrdiff_t p = -2 * w->reach; begin == 0 && p < 0; p++) steps[p] = none;
    for (ptrdiff_t p = w->n; end == w->n && p < w->n + PLAN_AFTER(w->reach); p++) steps[p] = none;
}

#define EACH_OF_LINE UNROLLED for (int v = 0; v < VECS; v++)
/* The first vector of what stands at so many lines or bytes, and vector v of its i-th line: few pointers, each with
 * constants added, fit in the registers. */
#define AT_LINE(base, lines) ((VEC *)((base) + (size_t)(lines) * LINE))
#define AT_BYTE(base, bytes) ((VEC *)((base) + (bytes)))
#define OF(row, i) ((row)[(i) * VECS + v])

/* One pass over the text. features: a word's lines of F, Z and G; targets: of W and X; ring: a place's running sum, what
 * starts and stops there of Z and of G, and the sum over the bag whose centre it is. All that a position needs is in its
 * step: registers are few, and what is read from memory may have been written through any other pointer. */
INLINED void NAME(pull_pass)(const windows *w, const NAME(step) *step, char *features, char *targets, char *ring) {
    const ptrdiff_t reach = w->reach, last = ring_size(reach) - 1, afresh = AFRESH * (last + 1) - 1;
    const ptrdiff_t steps = w->n + 2 * reach;
    const size_t place = OF_PLACE * LINE, round = (last + 1) * place - 1;
    size_t entering = place, centre = (-reach & last) * place, leaving = (-2 * reach & last) * place;
    VEC sum[VECS], by_z[VECS], by_g[VECS];
    memset(ring, 0, (last + 1) * place);
    EACH_OF_LINE sum[v] = by_z[v] = by_g[v] = (VEC){0};
    step += 2 * reach;
    for (ptrdiff_t p = 0; p < steps; p++, step++) {
        if ((p & afresh) == 0) {
            /* Sums counted from here on; what has started and not stopped is what is still to stop. */
            EACH_OF_LINE by_z[v] = by_g[v] = (VEC){0};
            for (ptrdiff_t i = 0; i <= last; i++) {
                VEC *at = AT_BYTE(ring, i * place);
                EACH_OF_LINE {
                    OF(at, 0) -= sum[v];
                    by_z[v] -= OF(at, 1);
                    by_g[v] -= OF(at, 2);
                }
            }
            EACH_OF_LINE sum[v] = (VEC){0};
        }
        for (int i = 0; i < OF_FEATURE; i++) PREFETCH(features + ((size_t)step[AHEAD].word + i) * LINE);
        for (int i = 0; i < OF_TARGET; i++) PREFETCH(targets + ((size_t)step[AHEAD].target + i) * LINE);
        /* The token enters. */
        if (step->word != NOTHING) {
            const VEC *word = AT_LINE(features, step->word);
            EACH_OF_LINE sum[v] += OF(word, 0);
        }
        VEC *enters = AT_BYTE(ring, entering);
        EACH_OF_LINE OF(enters, 0) = sum[v];
        /* A bag is whole. */
        const NAME(step) *bag = step - reach;
        if (bag->target != NOTHING) {
            const REAL z = bag->z, g = bag->g;
            const VEC *word = AT_LINE(features, bag->word);
            VEC *target = AT_LINE(targets, bag->target), *middle = AT_BYTE(ring, centre);
            VEC *start = AT_BYTE(ring, bag->start), *stop = AT_BYTE(ring, bag->stop);
            EACH_OF_LINE {
                const VEC h = (OF(stop, 0) - OF(start, 0)) - OF(word, 0), c = OF(target, 0);
                OF(middle, 3) = h;
                OF(target, 1) += g * h;
                OF(start, 1) += z * h;
                OF(stop, 1) -= z * h;
                OF(start, 2) += g * c;
                OF(stop, 2) -= g * c;
            }
        }
        /* A token has received all that it will, and from the bag around it, in which it is not. */
        const NAME(step) *done = bag - reach;
        VEC *leaves = AT_BYTE(ring, leaving);
        if (done->target != NOTHING) {
            const REAL z = done->z, g = done->g;
            const VEC *target = AT_LINE(targets, done->target);
            VEC *word = AT_LINE(features, done->word);
            EACH_OF_LINE {
                by_z[v] += OF(leaves, 1);
                by_g[v] += OF(leaves, 2);
                OF(word, 1) += by_z[v] - z * OF(leaves, 3);
                OF(word, 2) += by_g[v] - g * OF(target, 0);
            }
        } else if (done->word != NOTHING) {
            VEC *word = AT_LINE(features, done->word);
            EACH_OF_LINE {
                by_z[v] += OF(leaves, 1);
                by_g[v] += OF(leaves, 2);
                OF(word, 1) += by_z[v];
                OF(word, 2) += by_g[v];
            }
        } else { /* no window spans this place: what was started has stopped */
            EACH_OF_LINE by_z[v] = by_g[v] = (VEC){0};
        }
        EACH_OF_LINE OF(leaves, 1) = OF(leaves, 2) = (VEC){0};
        entering = (entering + place) & round;
        centre = (centre + place) & round;
        leaving = (leaving + place) & round;
    }
}

/* A row's strip, filled up with zeros. */
INLINED void NAME(copy)(VEC *strip, const REAL *row, size_t bytes) {
    if (bytes < LINE) memset(strip, 0, LINE);
    if (bytes == LINE) memcpy(strip, row, LINE);
    else memcpy(strip, row, bytes);
}

/* The panels' sums into a strip of the matrices, whose rows are padded to whole lines. */
FOR_SET INLINED void NAME(write_sums)(const windows *w, const char *features, const char *targets, REAL *X, REAL *Z,
                                      REAL *G, int past_caches) {
    for (ptrdiff_t r = 0; r < w->features; r++, Z += w->ld, G += w->ld) {
        const VEC *word = AT_LINE(features, r * OF_FEATURE);
        if (past_caches) {
            EACH_OF_LINE NAME(stream)((VEC *)Z + v, OF(word, 1)), NAME(stream)((VEC *)G + v, OF(word, 2));
        } else {
            PREFETCH_TO_WRITE(Z + ROWS_AHEAD * w->ld);
            PREFETCH_TO_WRITE(G + ROWS_AHEAD * w->ld);
            EACH_OF_LINE ((VEC *)Z)[v] = OF(word, 1), ((VEC *)G)[v] = OF(word, 2);
        }
    }
    for (ptrdiff_t r = 0; r < w->targets; r++, X += w->ld) {
        const VEC *target = AT_LINE(targets, r * OF_TARGET);
        if (!past_caches) PREFETCH_TO_WRITE(X + ROWS_AHEAD * w->ld);
        EACH_OF_LINE {
            if (past_caches) NAME(stream)((VEC *)X + v, OF(target, 1));
            else ((VEC *)X)[v] = OF(target, 1);
        }
    }
    if (past_caches) FENCE();
}

/* Strip number `strip`, a cache line wide, of X = Gamma' H, Z = C' diag(zeta) H, G = C' Gamma W, with H = C F; Gamma has
 * one number a bag, at its target. plan: by window_plan; ring: OF_PLACE strips a place; panels: of panels_bytes.
 * Strips that are used together are copied together: a word's rows lie in pages of their own, of which a processor
 * remembers few thousand at a time.
 * Cost: about 20 flops a column and position; five rows of the strip read and three written from the cache; those of
 * the matrices once each. */
FOR_SET static void NAME(window_pull)(const windows *w, ptrdiff_t strip, const void *plan, const REAL *F, const REAL *W,
                                      REAL *ring, REAL *panels, REAL *X, REAL *Z, REAL *G) {
    const ptrdiff_t column = strip * COLUMNS(1), left = w->d - column;
    const size_t there = (left < COLUMNS(1) ? left : COLUMNS(1)) * sizeof(REAL);
    char *features = (char *)panels, *targets = features + w->features * OF_FEATURE * LINE;
    for (ptrdiff_t r = 0; r < w->features; r++) {
        VEC *word = AT_LINE(features, r * OF_FEATURE);
        PREFETCH(F + (r + ROWS_AHEAD) * w->ld + column);
        NAME(copy)(word, F + r * w->ld + column, there);
        EACH_OF_LINE OF(word, 1) = OF(word, 2) = (VEC){0};
    }
    for (ptrdiff_t r = 0; r < w->targets; r++) {
        VEC *target = AT_LINE(targets, r * OF_TARGET);
        PREFETCH(W + (r + ROWS_AHEAD) * w->ld + column);
        NAME(copy)(target, W + r * w->ld + column, there);
        EACH_OF_LINE OF(target, 1) = (VEC){0};
    }
    NAME(pull_pass)(w, (const NAME(step) *)plan, features, targets, (char *)ring);
    if (w->past_caches) NAME(write_sums)(w, features, targets, X + column, Z + column, G + column, 1);
    else NAME(write_sums)(w, features, targets, X + column, Z + column, G + column, 0);
}

#undef EACH_OF_LINE
#undef AT_LINE
#undef AT_BYTE
#undef OF
#undef VEC
#undef LANES
#undef MOST_VECS
#undef COLUMNS
#undef VECS
#undef ROW
#undef SOURCE
#undef EACH
#undef SIZE

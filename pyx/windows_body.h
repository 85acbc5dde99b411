/* The loops of windows.h for one REAL type and vectors of VEC_BYTES; NAME(stem) appends the suffix of both, FOR_SET
 * stands before functions that are called from outside. */

/* Numbers in a register, where the compiler has vectors; else one number. */
#if defined(__GNUC__)
typedef REAL NAME(vec) __attribute__((vector_size(VEC_BYTES), may_alias));
typedef INTEGER NAME(mask) __attribute__((vector_size(VEC_BYTES), may_alias));
#else
typedef REAL NAME(vec);
#endif
#define VEC NAME(vec)
#define LANES ((ptrdiff_t)(sizeof(VEC) / sizeof(REAL)))
#define MOST_VECS (SUM_LINES * (ptrdiff_t)(LINE / sizeof(VEC)))
#define COLUMNS(lines) ((lines) * (ptrdiff_t)(LINE / sizeof(REAL)))

#define ROW(matrix, r) ((VEC *)((matrix) + (ptrdiff_t)(r) * at->ld + at->column))
#define SOURCE(matrix, r) ((const VEC *)((matrix) + (ptrdiff_t)(r) * at->ld + at->column))
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

/* For the bags of one block: with W, out[j] += (sum over bag j) . W[target[j]]; without, row j of out is the mean.
 * Cost: about 5 flops a column and position, three rows of the strip read; two of them from the second-level cache or
 * beyond. */
INLINED void NAME(sum_strip)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F,
                             const int32_t *target, const REAL *W, ptrdiff_t column, ptrdiff_t columns, VEC *S,
                             REAL *out) {
    NAME(strip) strip, *at = &strip;
    NAME(set_strip)(at, w, column, columns);
    const ptrdiff_t last = ring_size(w->reach) - 1, start = block * POSITIONS - w->reach;
    const int64_t end = w->first[block + 1];
    int64_t j = w->first[block];
    VEC sum[MOST_VECS];
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
            if (j + AHEAD < w->bags) NAME(fetch)(SOURCE(W, target[j + AHEAD]), at);
            EACH {
                VEC h, c;
                NAME(bag_sum)(bag, at, v, &h);
                NAME(load)(row + v, at, &c);
                dot += h * c;
            }
            REAL parts[LANES], total = 0;
            memcpy(parts, &dot, sizeof(dot));
#pragma omp simd reduction(+ : total)
            for (ptrdiff_t i = 0; i < LANES; i++) total += parts[i];
            out[j] += total;
        } else {
            const REAL part = share[j];
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

INLINED void NAME(sum_strips)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F,
                              const int32_t *target, const REAL *W, REAL *scratch, REAL *out) {
    VEC *S = (VEC *)scratch;
    ptrdiff_t column = 0;
    for (; w->d - column >= COLUMNS(SUM_LINES); column += COLUMNS(SUM_LINES))
        NAME(sum_strip)(w, block, share, F, target, W, column, COLUMNS(SUM_LINES), S, out);
    for (; w->d - column >= LANES; column += LANES)
        NAME(sum_strip)(w, block, share, F, target, W, column, LANES, S, out);
    if (column < w->d)
        NAME(sum_strip)(w, block, share, F, target, W, column, w->d - column, S, out);
}

/* out[j] = h_j . W[target[j]] for the bags of one block. scratch: a ring of SUM_LINES. */
FOR_SET static void NAME(window_dots)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F,
                                      const int32_t *target, const REAL *W, REAL *scratch, REAL *out) {
    const int64_t begin = w->first[block], end = w->first[block + 1];
    memset(out + begin, 0, (end - begin) * sizeof(REAL));
    NAME(sum_strips)(w, block, share, F, target, W, scratch, out);
    for (int64_t j = begin; j < end; j++) out[j] *= share[j];
}

/* out[j] = h_j for the bags of one block. */
FOR_SET static void NAME(window_means)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F,
                                       REAL *scratch, REAL *out) {
    NAME(sum_strips)(w, block, share, F, NULL, NULL, scratch, out);
}

/* One strip of X, Z and G. change: a ring of what starts and stops, Z's and then G's. What is read again for each vector
 * is in locals: all that is written may alias all that a pointer leads to. */
INLINED void NAME(pull_strip)(const windows *w, const REAL *share, const REAL *F, const int32_t *target,
                              const REAL *W, const REAL *zeta, const REAL *gamma, ptrdiff_t column,
                              ptrdiff_t columns, VEC *S, REAL *X, REAL *Z, REAL *G) {
    NAME(strip) strip, *at = &strip;
    NAME(set_strip)(at, w, column, columns);
    const int32_t *const tokens = w->tokens, *const centres = w->centre;
    const ptrdiff_t n = w->n, bags = w->bags, reach = w->reach;
    const ptrdiff_t last = ring_size(reach) - 1, both = 2 * at->vecs;
    VEC *change = S + (last + 1) * at->vecs, sum[MOST_VECS], by_z[MOST_VECS], by_g[MOST_VECS];
    for (ptrdiff_t r = 0; r < w->targets; r++) EACH ROW(X, r)[v] = (VEC){0};
    for (ptrdiff_t r = 0; r < w->features; r++) EACH ROW(Z, r)[v] = ROW(G, r)[v] = (VEC){0};
    memset(S, 0, (last + 1) * (at->vecs + both) * sizeof(VEC));
    EACH sum[v] = by_z[v] = by_g[v] = (VEC){0};
    ptrdiff_t j = 0;
    for (ptrdiff_t p = 0; p < n + 2 * reach; p++) {
        if ((p & (AFRESH * (last + 1) - 1)) == 0) {
            NAME(count_anew)(at, last, S, sum);
            /* What has started and not stopped is what is still to stop. */
            EACH by_z[v] = by_g[v] = (VEC){0};
            for (ptrdiff_t i = 0; i <= last; i++) EACH {
                by_z[v] -= change[i * both + v];
                by_g[v] -= change[i * both + at->vecs + v];
            }
        }
        if (p < n) {
            if (p + AHEAD < n && tokens[p + AHEAD] >= 0) {
                NAME(fetch)(SOURCE(F, tokens[p + AHEAD]), at);
                NAME(fetch)(SOURCE(Z, tokens[p + AHEAD]), at);
                NAME(fetch)(SOURCE(G, tokens[p + AHEAD]), at);
            }
            NAME(enter)(w, p, F, at, last, S, sum);
        }
        const ptrdiff_t centre = p - reach, done = centre - reach;
        if (j < bags && centres[j] == centre) {
            /* The weights of the bag's sum in X and Z, and of its target's row in G. */
            const REAL g = gamma[j] * share[j], z = zeta[j] * share[j] * share[j];
            const NAME(bag) bag = NAME(bag_at)(w, j, F, at, last, S);
            const VEC *row = SOURCE(W, target[j]);
            VEC *start = change + (w->start[j] & last) * both, *stop = change + (w->stop[j] & last) * both;
            VEC *x = ROW(X, target[j]), *own_z = ROW(Z, tokens[centre]), *own_g = ROW(G, tokens[centre]);
            if (j + AHEAD < bags) {
                NAME(fetch)(SOURCE(W, target[j + AHEAD]), at);
                NAME(fetch)(SOURCE(X, target[j + AHEAD]), at);
            }
            EACH {
                VEC h, c;
                NAME(bag_sum)(bag, at, v, &h);
                NAME(load)(row + v, at, &c);
                x[v] += g * h;
                start[v] += z * h;
                stop[v] -= z * h;
                own_z[v] -= z * h;
                start[at->vecs + v] += g * c;
                stop[at->vecs + v] -= g * c;
                own_g[v] -= g * c;
            }
            j++;
        }
        if (done < 0) continue;
        VEC *starts = change + (done & last) * both;
        if (tokens[done] >= 0) {
            VEC *to_z = ROW(Z, tokens[done]), *to_g = ROW(G, tokens[done]);
            EACH {
                by_z[v] += starts[v];
                to_z[v] += by_z[v];
                by_g[v] += starts[at->vecs + v];
                to_g[v] += by_g[v];
            }
        } else { /* no window spans this place: what was started has stopped */
            EACH by_z[v] = by_g[v] = (VEC){0};
        }
        EACH starts[v] = starts[at->vecs + v] = (VEC){0};
    }
}

/* Strip number `strip`, of PULL_LINES, of X = Gamma' H, Z = C' diag(zeta) H, G = C' Gamma W, with H = C F.
 * gamma: one number a bag, at its target. scratch: three rings of PULL_LINES.
 * Cost: about 20 flops a column and position; reads F and W, adds to X, Z and G, one row of the strip each. */
FOR_SET static void NAME(window_pull)(const windows *w, ptrdiff_t strip, const REAL *share, const REAL *F,
                                      const int32_t *target, const REAL *W, const REAL *zeta, const REAL *gamma,
                                      REAL *scratch, REAL *X, REAL *Z, REAL *G) {
    VEC *S = (VEC *)scratch;
    ptrdiff_t column = strip * COLUMNS(PULL_LINES);
    const ptrdiff_t end = w->d - column < COLUMNS(PULL_LINES) ? w->d : column + COLUMNS(PULL_LINES);
    if (end - column == COLUMNS(PULL_LINES)) {
        NAME(pull_strip)(w, share, F, target, W, zeta, gamma, column, COLUMNS(PULL_LINES), S, X, Z, G);
        return;
    }
    for (; end - column >= LANES; column += LANES)
        NAME(pull_strip)(w, share, F, target, W, zeta, gamma, column, LANES, S, X, Z, G);
    if (column < end)
        NAME(pull_strip)(w, share, F, target, W, zeta, gamma, column, end - column, S, X, Z, G);
}

#undef VEC
#undef LANES
#undef MOST_VECS
#undef COLUMNS
#undef ROW
#undef SOURCE
#undef EACH

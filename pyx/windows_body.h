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

#define ROW(matrix, r) ((VEC *)((matrix) + (ptrdiff_t)(r) * w->ld + at->column))
#define SOURCE(matrix, r) ((const VEC *)((matrix) + (ptrdiff_t)(r) * w->ld + at->column))
#define EACH UNROLLED for (ptrdiff_t v = 0; v < at->vecs; v++)

/* A strip of columns: from `column` on, in vecs vectors. Where a row's end cuts its one vector, `cut` says so and
 * `keep` which bits are the row's. */
typedef struct {
    ptrdiff_t column, vecs;
#if defined(__GNUC__)
    int cut;
    NAME(mask) keep;
#endif
} NAME(strip);

INLINED void NAME(set_strip)(NAME(strip) *at, ptrdiff_t column, ptrdiff_t columns) {
    at->column = column, at->vecs = (columns + LANES - 1) / LANES;
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

/* Vector v of the sum over bag j. */
INLINED void NAME(bag)(const windows *w, ptrdiff_t j, const REAL *F, const NAME(strip) *at, ptrdiff_t last, const VEC *S,
                       ptrdiff_t v, VEC *sum) {
    VEC own;
    NAME(load)(SOURCE(F, w->tokens[w->centre[j]]) + v, at, &own);
    *sum = (S[(w->stop[j] & last) * at->vecs + v] - S[(w->start[j] & last) * at->vecs + v]) - own;
}

/* For the bags of one block: with W, out[j] += (sum over bag j) . W[target[j]]; without, row j of out is the mean.
 * Cost: about 5 flops a column and position, three rows of the strip read; two of them from the second-level cache or
 * beyond. */
INLINED void NAME(sum_strip)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F,
                             const int32_t *target, const REAL *W, ptrdiff_t column, ptrdiff_t columns, VEC *S,
                             REAL *out) {
    NAME(strip) strip, *at = &strip;
    NAME(set_strip)(at, column, columns);
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
        if (W) {
            const VEC *row = SOURCE(W, target[j]);
            VEC dot = (VEC){0};
            if (j + AHEAD < w->bags) NAME(fetch)(SOURCE(W, target[j + AHEAD]), at);
            EACH {
                VEC h, c;
                NAME(bag)(w, j, F, at, last, S, v, &h);
                NAME(load)(row + v, at, &c);
                dot += h * c;
            }
            REAL parts[LANES], total = 0;
            memcpy(parts, &dot, sizeof(dot));
#pragma omp simd reduction(+ : total)
            for (ptrdiff_t i = 0; i < LANES; i++) total += parts[i];
            out[j] += total;
        } else {
            VEC *h = ROW(out, j);
            EACH {
                NAME(bag)(w, j, F, at, last, S, v, h + v);
                h[v] *= share[j];
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

/* One strip of X, Z and G. change: a ring of what starts and stops, Z's and then G's. */
INLINED void NAME(pull_strip)(const windows *w, const REAL *share, const REAL *F, const int32_t *target,
                              const REAL *W, const REAL *zeta, const REAL *gamma, ptrdiff_t column,
                              ptrdiff_t columns, VEC *S, REAL *X, REAL *Z, REAL *G) {
    NAME(strip) strip, *at = &strip;
    NAME(set_strip)(at, column, columns);
    const ptrdiff_t last = ring_size(w->reach) - 1, both = 2 * at->vecs;
    VEC *change = S + (last + 1) * at->vecs, sum[MOST_VECS], by_z[MOST_VECS], by_g[MOST_VECS];
    for (ptrdiff_t r = 0; r < w->targets; r++) EACH ROW(X, r)[v] = (VEC){0};
    for (ptrdiff_t r = 0; r < w->features; r++) EACH ROW(Z, r)[v] = ROW(G, r)[v] = (VEC){0};
    memset(S, 0, (last + 1) * (at->vecs + both) * sizeof(VEC));
    EACH sum[v] = by_z[v] = by_g[v] = (VEC){0};
    ptrdiff_t j = 0;
    for (ptrdiff_t p = 0; p < w->n + 2 * w->reach; p++) {
        if ((p & (AFRESH * (last + 1) - 1)) == 0) {
            NAME(count_anew)(at, last, S, sum);
            /* What has started and not stopped is what is still to stop. */
            EACH by_z[v] = by_g[v] = (VEC){0};
            for (ptrdiff_t i = 0; i <= last; i++) EACH {
                by_z[v] -= change[i * both + v];
                by_g[v] -= change[i * both + at->vecs + v];
            }
        }
        if (p < w->n) {
            if (p + AHEAD < w->n && w->tokens[p + AHEAD] >= 0) {
                NAME(fetch)(SOURCE(F, w->tokens[p + AHEAD]), at);
                NAME(fetch)(SOURCE(Z, w->tokens[p + AHEAD]), at);
                NAME(fetch)(SOURCE(G, w->tokens[p + AHEAD]), at);
            }
            NAME(enter)(w, p, F, at, last, S, sum);
        }
        const ptrdiff_t centre = p - w->reach, done = centre - w->reach;
        if (j < w->bags && w->centre[j] == centre) {
            const REAL part = share[j], y = gamma[j], z = zeta[j] * part, g = y * part;
            const VEC *row = SOURCE(W, target[j]);
            VEC *start = change + (w->start[j] & last) * both, *stop = change + (w->stop[j] & last) * both;
            VEC *x = ROW(X, target[j]), *own_z = ROW(Z, w->tokens[centre]), *own_g = ROW(G, w->tokens[centre]);
            if (j + AHEAD < w->bags) {
                NAME(fetch)(SOURCE(W, target[j + AHEAD]), at);
                NAME(fetch)(SOURCE(X, target[j + AHEAD]), at);
            }
            EACH {
                VEC h, c;
                NAME(bag)(w, j, F, at, last, S, v, &h);
                NAME(load)(row + v, at, &c);
                h *= part;
                x[v] += y * h;
                h *= z;
                c *= g;
                start[v] += h;
                stop[v] -= h;
                own_z[v] -= h;
                start[at->vecs + v] += c;
                stop[at->vecs + v] -= c;
                own_g[v] -= c;
            }
            j++;
        }
        if (done < 0) continue;
        VEC *starts = change + (done & last) * both;
        if (w->tokens[done] >= 0) {
            VEC *to_z = ROW(Z, w->tokens[done]), *to_g = ROW(G, w->tokens[done]);
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

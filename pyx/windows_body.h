/* The loops of windows.h for one REAL type; NAME(stem) appends the type's suffix. */

#define ROW(matrix, r) ((matrix) + (ptrdiff_t)(r) * w->ld + column)
#define EACH_COLUMN _Pragma("omp simd") for (ptrdiff_t i = 0; i < width; i++)

/* Both ends and the middle: a strip of floats is two cache lines, or three where rows are not aligned. */
INLINED void NAME(fetch)(const REAL *row) {
    PREFETCH(row);
    PREFETCH(row + WIDE / 2);
    PREFETCH(row + WIDE - 1);
}

/* S[p] = sum of the rows of F at positions lo .. lo+p-1, for one strip of columns. */
INLINED void NAME(running_sum)(const windows *w, ptrdiff_t lo, ptrdiff_t hi, const REAL *F, ptrdiff_t column,
                               ptrdiff_t width, REAL *S) {
    memset(S, 0, WIDE * sizeof(REAL));
    for (ptrdiff_t p = lo; p < hi; p++) {
        const REAL *now = S + (p - lo) * WIDE;
        REAL *next = S + (p - lo + 1) * WIDE;
        if (p + AHEAD < w->n && w->tokens[p + AHEAD] >= 0) NAME(fetch)(ROW(F, w->tokens[p + AHEAD]));
        if (w->tokens[p] < 0) {
            memcpy(next, now, WIDE * sizeof(REAL));
        } else {
            const REAL *f = ROW(F, w->tokens[p]);
            EACH_COLUMN next[i] = now[i] + f[i];
        }
    }
}

INLINED void NAME(window_dots_strip)(const windows *w, ptrdiff_t block, const REAL *F, const int32_t *target, const REAL *W,
                              ptrdiff_t column, ptrdiff_t width, REAL *S, REAL *out) {
    const ptrdiff_t lo = span_start(w, block), hi = span_stop(w, block);
    const int64_t end = w->first[block + 1];
    NAME(running_sum)(w, lo, hi, F, column, width, S);
    for (int64_t j = w->first[block]; j < end; j++) {
        const REAL *a = S + (w->start[j] - lo) * WIDE, *b = S + (w->stop[j] - lo) * WIDE;
        const REAL *own = ROW(F, w->tokens[w->centre[j]]), *row = ROW(W, target[j]);
        REAL sum = 0;
        if (j + AHEAD < w->bags) NAME(fetch)(ROW(W, target[j + AHEAD]));
#pragma omp simd reduction(+ : sum)
        for (ptrdiff_t i = 0; i < width; i++) sum += ((b[i] - a[i]) - own[i]) * row[i];
        out[j] += sum;
    }
}

/* out[j] = h_j . W[target[j]] for the bags of blocks from .. to-1, strip by strip, so that more rows stay in cache.
 * S: scratch, SPAN * WIDE. Cost: about 5 flops a column and position, three rows of WIDE columns read; two of them from
 * the second-level cache or beyond. */
CLONES static void NAME(window_dots)(const windows *w, ptrdiff_t from, ptrdiff_t to, const REAL *share, const REAL *F,
                                     const int32_t *target, const REAL *W, REAL *S, REAL *out) {
    const int64_t begin = w->first[from], end = w->first[to];
    memset(out + begin, 0, (end - begin) * sizeof(REAL));
    for (ptrdiff_t column = 0; column < w->d; column += WIDE)
        for (ptrdiff_t block = from; block < to; block++) {
            if (w->first[block] == w->first[block + 1]) continue;
            if (column + WIDE <= w->d)
                NAME(window_dots_strip)(w, block, F, target, W, column, WIDE, S, out);
            else
                NAME(window_dots_strip)(w, block, F, target, W, column, w->d - column, S, out);
        }
    for (int64_t j = begin; j < end; j++) out[j] *= share[j];
}

/* out[j] = h_j for the bags of one block. S as above. */
CLONES static void NAME(window_means)(const windows *w, ptrdiff_t block, const REAL *share, const REAL *F, REAL *S,
                                      REAL *out) {
    const ptrdiff_t lo = span_start(w, block), hi = span_stop(w, block);
    for (ptrdiff_t column = 0; column < w->d; column += WIDE) {
        const ptrdiff_t width = w->d - column < WIDE ? w->d - column : WIDE;
        NAME(running_sum)(w, lo, hi, F, column, width, S);
        for (int64_t j = w->first[block]; j < w->first[block + 1]; j++) {
            const REAL *a = S + (w->start[j] - lo) * WIDE, *b = S + (w->stop[j] - lo) * WIDE;
            const REAL *own = ROW(F, w->tokens[w->centre[j]]);
            REAL *h = ROW(out, j);
            EACH_COLUMN h[i] = ((b[i] - a[i]) - own[i]) * share[j];
        }
    }
}

/* The bags of one block: X gains gamma_j h_j; change collects what their tokens gain, the centre left out, whose row
 * of Z and G loses it ahead. */
INLINED void NAME(scatter)(const windows *w, ptrdiff_t block, ptrdiff_t lo, const REAL *share, const REAL *F,
                           const int32_t *target, const REAL *W, const REAL *zeta, const REAL *gamma,
                           ptrdiff_t column, ptrdiff_t width, const REAL *S, REAL *change, REAL *X, REAL *Z,
                           REAL *G) {
    const int64_t end = w->first[block + 1];
    for (int64_t j = w->first[block]; j < end; j++) {
        const ptrdiff_t start = w->start[j] - lo, stop = w->stop[j] - lo;
        const int32_t token = w->tokens[w->centre[j]];
        const REAL part = share[j], y = gamma[j], z = zeta[j] * part, g = y * part;
        const REAL *a = S + start * WIDE, *b = S + stop * WIDE, *f = ROW(F, token), *row = ROW(W, target[j]);
        REAL *x = ROW(X, target[j]);
        REAL *in = change + start * 2 * WIDE, *out = change + stop * 2 * WIDE;
        REAL *zs = ROW(Z, token), *gs = ROW(G, token);
        if (j + AHEAD < w->bags) {
            const int32_t ahead = w->tokens[w->centre[j + AHEAD]];
            NAME(fetch)(ROW(W, target[j + AHEAD]));
            NAME(fetch)(ROW(X, target[j + AHEAD]));
            NAME(fetch)(ROW(Z, ahead));
            NAME(fetch)(ROW(G, ahead));
        }
        EACH_COLUMN {
            const REAL h = ((b[i] - a[i]) - f[i]) * part, zh = z * h, gw = g * row[i];
            x[i] += y * h;
            in[i] += zh;
            out[i] -= zh;
            zs[i] -= zh;
            in[WIDE + i] += gw;
            out[WIDE + i] -= gw;
            gs[i] -= gw;
        }
    }
}

/* Each position's token gains the running sum of change. */
INLINED void NAME(gather)(const windows *w, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t column, ptrdiff_t width,
                          const REAL *change, REAL *Z, REAL *G) {
    _Alignas(64) REAL sum[2 * WIDE];
    memset(sum, 0, sizeof(sum));
    for (ptrdiff_t p = 0; p < hi - lo; p++) {
        const int32_t token = w->tokens[lo + p];
        if (token < 0) { /* no window spans this place: what was started has stopped */
            memset(sum, 0, sizeof(sum));
            continue;
        }
        const REAL *in = change + p * 2 * WIDE;
        REAL *zs = ROW(Z, token), *gs = ROW(G, token);
        EACH_COLUMN {
            sum[i] += in[i];
            zs[i] += sum[i];
            sum[WIDE + i] += in[WIDE + i];
            gs[i] += sum[WIDE + i];
        }
    }
}

INLINED void NAME(clear)(const windows *w, REAL *matrix, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t width) {
    for (ptrdiff_t r = 0; r < rows; r++) memset(ROW(matrix, r), 0, width * sizeof(REAL));
}

INLINED void NAME(pull_strip)(const windows *w, ptrdiff_t blocks, const REAL *share, const REAL *F,
                              const int32_t *target, const REAL *W, const REAL *zeta, const REAL *gamma,
                              ptrdiff_t column, ptrdiff_t width, REAL *scratch, REAL *X, REAL *Z, REAL *G) {
    NAME(clear)(w, X, w->targets, column, width);
    NAME(clear)(w, Z, w->features, column, width);
    NAME(clear)(w, G, w->features, column, width);
    REAL *S = scratch, *change = S + SPAN(w->reach) * WIDE;
    for (ptrdiff_t block = 0; block < blocks; block++) {
        const ptrdiff_t lo = span_start(w, block), hi = span_stop(w, block);
        if (w->first[block] == w->first[block + 1]) continue;
        NAME(running_sum)(w, lo, hi, F, column, width, S);
        memset(change, 0, (hi - lo + 1) * 2 * WIDE * sizeof(REAL));
        NAME(scatter)(w, block, lo, share, F, target, W, zeta, gamma, column, width, S, change, X, Z, G);
        NAME(gather)(w, lo, hi, column, width, change, Z, G);
    }
}

/* One strip of columns of X = Gamma' H, Z = C' diag(zeta) H, G = C' Gamma W, with H = C F.
 * gamma: one number a bag, at its target. scratch: 3 SPAN WIDE.
 * Cost: about 20 flops a column and position; reads F and W, adds to X, Z and G, one row of WIDE columns each. */
CLONES static void NAME(window_pull)(const windows *w, ptrdiff_t blocks, ptrdiff_t strip, const REAL *share,
                                     const REAL *F, const int32_t *target, const REAL *W, const REAL *zeta,
                                     const REAL *gamma, REAL *scratch, REAL *X, REAL *Z, REAL *G) {
    const ptrdiff_t column = strip * WIDE, left = w->d - column;
    if (left >= WIDE)
        NAME(pull_strip)(w, blocks, share, F, target, W, zeta, gamma, column, WIDE, scratch, X, Z, G);
    else
        NAME(pull_strip)(w, blocks, share, F, target, W, zeta, gamma, column, left, scratch, X, Z, G);
}

#undef ROW
#undef EACH_COLUMN

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
 * Rows stand on cache lines (LINE bytes) and are padded to whole ones. What the padding of F and W holds is not used.
 */
#ifndef WORDSPARSE_WINDOWS_H
#define WORDSPARSE_WINDOWS_H

#include "compiler.h"

/* Cache lines of a strip of sums. Pull, which reads two matrices and adds to three, takes strips of one: what passes by
 * is in registers then, and many words' strips are in the second-level cache. */
#define SUM_LINES 6
/* Strips of a feature, F, Z, G; of a target, W, X; and of a place of the ring, the running sum, Z's, G's, the bag's. */
#define OF_FEATURE 3
#define OF_TARGET 2
#define OF_PLACE 4
/* Positions whose bags a thread takes at a time. */
#define POSITIONS 2048
/* How many positions ahead the rows of a token are asked for, into the second-level cache: the first-level one has too
 * few lines under way at a time. */
#define AHEAD 48
#define AFRESH 4
/* How many rows ahead of their copying strips are asked for. */
#define ROWS_AHEAD 16
/* No word, no bag. */
#define NOTHING UINT32_MAX
/* Steps behind the text: until the last token has received all, and as far as is looked ahead. */
#define PLAN_AFTER(reach) (2 * (reach) + AHEAD + 1)

typedef struct {
    const int32_t *tokens;                /* (n,) row of F at each position, negative where no token stands */
    const int32_t *centre, *start, *stop; /* (m,) positions; centre ascends */
    const int64_t *first;                 /* first[b]: the first bag whose centre is at POSITIONS * b or later */
    ptrdiff_t n, bags, reach;             /* reach: no window is longer to either side */
    ptrdiff_t d, ld;                      /* rows of all matrices: d numbers, ld from one to the next */
    ptrdiff_t features, targets;          /* rows of F, Z and G; of W and X */
    int past_caches;                      /* X, Z and G are written past the caches */
} windows;

/* Places of a ring: a power of two, for a window's two ends, the token that enters and the place past it. */
INLINED ptrdiff_t ring_size(ptrdiff_t reach) {
    ptrdiff_t ring = 1;
    while (ring < 2 * reach + 2) ring *= 2;
    return ring;
}

/* Bytes of pull's panels, and of its plan, `size` a number. */
static inline ptrdiff_t panels_bytes(ptrdiff_t features, ptrdiff_t targets) {
    return (OF_FEATURE * features + OF_TARGET * targets) * LINE;
}
static inline ptrdiff_t plan_bytes(ptrdiff_t n, ptrdiff_t reach, ptrdiff_t size) {
    return (n + 2 * reach + PLAN_AFTER(reach)) * (4 * (ptrdiff_t)sizeof(uint32_t) + 2 * size);
}

#define BODY "windows_body.h"
#include "sets.h"
#undef BODY

#define CHOICES(REAL, type)                                                                                            \
    static void window_dots_##type(int set, const windows *w, ptrdiff_t block, const REAL *F,                           \
                                   const int32_t *target, const REAL *W, REAL *scratch, REAL *out) {                   \
        BY_SET(window_dots_##type, (w, block, F, target, W, scratch, out))                                             \
    }                                                                                                                  \
    static void window_means_##type(int set, const windows *w, ptrdiff_t block, const REAL *F, REAL *scratch,           \
                                    REAL *out) {                                                                       \
        BY_SET(window_means_##type, (w, block, F, scratch, out))                                                       \
    }                                                                                                                  \
    static void window_plan_##type(int set, const windows *w, ptrdiff_t block, const int32_t *target,                   \
                                   const REAL *zeta, const REAL *gamma, void *plan) {                                  \
        BY_SET(window_plan_##type, (w, block, target, zeta, gamma, plan))                                              \
    }                                                                                                                  \
    static void window_pull_##type(int set, const windows *w, ptrdiff_t strip, const void *plan, const REAL *F,        \
                                   const REAL *W, REAL *ring, REAL *panels, REAL *X, REAL *Z, REAL *G) {               \
        BY_SET(window_pull_##type, (w, strip, plan, F, W, ring, panels, X, Z, G))                                      \
    }
CHOICES(float, f32)
CHOICES(double, f64)
#undef CHOICES

#endif

/* Bags that are windows of one text, against dense rows. Included by windows.pyx.
 *
 * Bag j is the tokens at positions start[j] .. stop[j]-1 of a text but the one at centre[j]; h_j is the mean of their
 * rows of F. Neighbouring windows share their tokens, so nothing is gathered bag by bag. With S the running sum of the
 * tokens' rows, h_j = share_j (S[stop] - S[start] - F[centre]). The transposed product adds g_j where bag j starts and
 * takes it away where it stops: the running sum of that is what each position receives.
 *
 * Work is cut into blocks of CENTRES positions and into strips of WIDE columns, so that a block's sums stay in the
 * first-level cache and the words' strips mostly in the second. A block's running sum is its own and starts `reach`
 * positions ahead of it, so rounding does not travel further. Orders of summation depend on sizes alone.
 */
#ifndef WORDSPARSE_WINDOWS_H
#define WORDSPARSE_WINDOWS_H

#include "rows.h"

#define CENTRES 96
#define WIDE 32

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define PREFETCH(address)
#endif

/* How many positions ahead the rows of a token are asked for, into the second-level cache: the first-level one has too
 * few lines under way at a time. */
#define AHEAD 64

typedef struct {
    const int32_t *tokens;                /* (n,) row of F at each position, negative where no token stands */
    const int32_t *centre, *start, *stop; /* (m,) positions; centre ascends */
    const int64_t *first;                 /* first[b]: the first bag whose centre is at CENTRES * b or later */
    ptrdiff_t n, bags, reach;             /* reach: no window is longer to either side */
    ptrdiff_t d, ld;                      /* rows of all matrices: d numbers, ld from one to the next */
    ptrdiff_t features, targets;          /* rows of F, Z and G; of W and X */
} windows;

/* Rows of a block's scratch: its positions, and one more place for the sum past the last. */
#define SPAN(reach) (CENTRES + 2 * (reach) + 1)

INLINED ptrdiff_t span_start(const windows *w, ptrdiff_t block) {
    const ptrdiff_t at = block * CENTRES - w->reach;
    return at > 0 ? at : 0;
}

INLINED ptrdiff_t span_stop(const windows *w, ptrdiff_t block) {
    const ptrdiff_t at = (block + 1) * CENTRES + w->reach;
    return at < w->n ? at : w->n;
}

#define REAL float
#define NAME(stem) stem##_f32
#include "windows_body.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(stem) stem##_f64
#include "windows_body.h"
#undef REAL
#undef NAME

#endif

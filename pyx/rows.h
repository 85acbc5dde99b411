/* Loops over rows of length d: sparse combinations, dot products, copies. Included by gather.pyx.
 *
 * Written in C because two things cannot be said in Cython: `omp simd`, which lets the compiler reorder one sum
 * without -ffast-math for the whole file, and target_clones, which compiles each loop for several instruction sets
 * and lets the loader choose on the user's machine, so that nothing is shipped with -march=native.
 *
 * Matrices have d contiguous columns and rows `ld` numbers apart. Nothing here allocates. Every number is summed in an
 * order that depends on sizes alone, not on how rows are shared among threads.
 */
#ifndef WORDSPARSE_ROWS_H
#define WORDSPARSE_ROWS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#else
#define PREFETCH(address)
#define PREFETCH_TO_WRITE(address)
#endif

/* How many rows ahead those are asked for that stand anywhere in memory. */
#define GATHER_AHEAD 4

/* Columns summed at a time: a buffer that stays in the first-level cache. */
#define STRIP 1024

/* Rows dealt to a thread at a time. */
#define BLOCK_ROWS 64

/* Long rows of a sparse matrix, those of frequent words, name most of the dense rows, more than a cache holds. They take
 * turns: each goes through its entries below CHUNK bytes of dense rows, then each through the next. Rows shorter than
 * this go to their end at once. Both are functions of sizes alone. */
#define CHUNK (1 << 20)
#define LONG_ROW 256

INLINED int64_t chunk_of(int64_t entries, ptrdiff_t rows, size_t row_bytes) {
    if (entries < LONG_ROW * (int64_t)rows) return INT32_MAX + (int64_t)1;
    return row_bytes < CHUNK / 64 ? CHUNK / (row_bytes ? row_bytes : 1) : 64;
}

INLINED int64_t chunk_stop(const int32_t *indices, int64_t k, int64_t end, int64_t below) {
    if (below > INT32_MAX) return end;
    while (k < end && indices[k] < below) k++;
    return k;
}

#define REAL float
#define NAME(stem) stem##_f32
#include "rows_body.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(stem) stem##_f64
#include "rows_body.h"
#undef REAL
#undef NAME

#endif

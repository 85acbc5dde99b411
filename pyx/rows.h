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

#include "clones.h"
#include "compiler.h"

/* How many rows ahead those are asked for that stand anywhere in memory. */
#define GATHER_AHEAD 4

/* Columns summed at a time: a buffer that stays in the first-level cache. */
#define STRIP 1024

/* Rows dealt to a thread at a time. */
#define BLOCK_ROWS 64

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

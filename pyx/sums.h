/* Adding up the parts of a d×d product, in float64, onto what was there before: one pass over it for any number of
 * parts. Every number is summed in an order that does not depend on how rows are shared among threads. */
#ifndef WORDSPARSE_SUMS_H
#define WORDSPARSE_SUMS_H

#include <stddef.h>
#include <string.h>

#include "clones.h"

/* Rows that a thread takes at a time, a cache line of a float32 row's columns, and columns that it sums at a time. */
#define STRIP_ROWS 16
#define STRIP_COLUMNS 512

#define REAL float
#define NAME(stem) stem##_f32
#include "sums_body.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(stem) stem##_f64
#include "sums_body.h"
#undef REAL
#undef NAME

#endif

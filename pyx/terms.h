/* The losses' terms of single outputs. Included by terms.pyx.
 *
 * exp and log1p are written out, so that the compiler makes vectors of them: a library's are called number by number.
 */
#ifndef WORDSPARSE_TERMS_H
#define WORDSPARSE_TERMS_H

#include "clones.h"
#include "compiler.h"

/* ln 2, of which the first part times a small whole number is exact; degrees at which what is left out of both series
 * is below rounding. */
#define REAL float
#define BITS int32_t
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)
#define LOWEST (-87.0f)
#define MANTISSA 23
#define BIAS 127
#define EXP_DEGREE 7
#define ATANH_TERMS 8
#define NAME(stem) stem##_f32
#include "terms_body.h"
#undef REAL
#undef BITS
#undef LN2_HIGH
#undef LN2_LOW
#undef LOWEST
#undef MANTISSA
#undef BIAS
#undef EXP_DEGREE
#undef ATANH_TERMS
#undef NAME

#define REAL double
#define BITS int64_t
#define LN2_HIGH 0.693147180369123816490
#define LN2_LOW 1.90821492927058770002e-10
#define LOWEST (-708.0)
#define MANTISSA 52
#define BIAS 1023
#define EXP_DEGREE 14
#define ATANH_TERMS 17
#define NAME(stem) stem##_f64
#include "terms_body.h"
#undef REAL
#undef BITS
#undef LN2_HIGH
#undef LN2_LOW
#undef LOWEST
#undef MANTISSA
#undef BIAS
#undef EXP_DEGREE
#undef ATANH_TERMS
#undef NAME

#endif

/* Loops over the compiler's own vectors, compiled for three instruction sets of which one is chosen at run time: vectors
 * wider than a set has would live in memory.
 *
 * Whoever includes this has defined BODY, a file, which is included for each set and type: with VEC_BYTES and REAL, of
 * REAL_BYTES, INTEGER, an integer as wide, NAME(stem), which appends the suffixes of both, and FOR_SET, which stands
 * before functions that are called from outside. BY_SET(stem, arguments) calls the one of `set`.
 */
#ifndef WORDSPARSE_SETS_H
#define WORDSPARSE_SETS_H

#include "compiler.h"

#if defined(__GNUC__) && defined(__x86_64__) && defined(__gnu_linux__)
#define WIDE_SETS
#include <immintrin.h>
#define FENCE() _mm_sfence()
/* The widest set that the machine has: 0 the base, 1 AVX2, 2 AVX-512. */
static inline int widest_set(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return 2;
    return __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
}
#define BY_SET(stem, arguments)             \
    switch (set) {                          \
    case 2: stem##_v4 arguments; return;    \
    case 1: stem##_v3 arguments; return;    \
    default: stem##_base arguments;         \
    }
#else
#define FENCE()
static inline int widest_set(void) { return 0; }
#define BY_SET(stem, arguments) stem##_base arguments;
#endif

#endif

#if defined(WIDE_SETS)
#define FOR_SET __attribute__((target("arch=x86-64-v4")))
#define VEC_BYTES 64
#define REAL float
#define REAL_BYTES 4
#define INTEGER int32_t
#define NAME(stem) stem##_f32_v4
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#define REAL double
#define REAL_BYTES 8
#define INTEGER int64_t
#define NAME(stem) stem##_f64_v4
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#undef FOR_SET
#undef VEC_BYTES

#define FOR_SET __attribute__((target("arch=x86-64-v3")))
#define VEC_BYTES 32
#define REAL float
#define REAL_BYTES 4
#define INTEGER int32_t
#define NAME(stem) stem##_f32_v3
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#define REAL double
#define REAL_BYTES 8
#define INTEGER int64_t
#define NAME(stem) stem##_f64_v3
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#undef FOR_SET
#undef VEC_BYTES
#endif

#define FOR_SET
#define VEC_BYTES 16
#define REAL float
#define REAL_BYTES 4
#define INTEGER int32_t
#define NAME(stem) stem##_f32_base
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#define REAL double
#define REAL_BYTES 8
#define INTEGER int64_t
#define NAME(stem) stem##_f64_base
#include BODY
#undef REAL
#undef REAL_BYTES
#undef INTEGER
#undef NAME
#undef FOR_SET
#undef VEC_BYTES

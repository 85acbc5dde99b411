/* What compilers call by names of their own. */
#ifndef WORDSPARSE_COMPILER_H
#define WORDSPARSE_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 8")
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#else
#define INLINED static inline
#define UNROLLED
#define PREFETCH(address)
#define PREFETCH_TO_WRITE(address)
#endif

/* Bytes of a cache line. */
#define LINE 64

#endif

/* The instruction sets that loops are compiled for, which of them this processor has, and what compilers call by names
 * of their own.
 *
 * foreach_isa.hpp compiles a header's loops once for each set; BY_ISA chooses one when it is called, so that nothing is
 * shipped with -march=native. Processors other than x86-64 have one set, the baseline. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <utility>

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")
#define COMPILER __VERSION__
#else
#define INLINED static inline
#define UNROLLED
#define COMPILER "unknown"
#define __builtin_prefetch(...)
#endif
/* The compiler has vector types and __builtin_shufflevector. */
#if defined(__GNUC__) && (__GNUC__ >= 12 || __clang_major__ >= 18)
#define HAS_VECTORS
#endif

namespace wordsparse {

/* Bytes of a cache line. */
constexpr ptrdiff_t LINE = 64;

enum Isa { BASELINE, X86_64_V3, X86_64_V4 };

/* Bytes of a vector. */
namespace baseline {
constexpr int VEC_BYTES = 16;
}

} // namespace wordsparse

#if defined(HAS_VECTORS) && defined(__x86_64__)
#define HAS_X86_ISAS
/* A build for tests compiles the text for vectors of 64 bytes for processors that have 32: -DV4_TARGET='"x86-64-v3"'. */
#ifndef V4_TARGET
#define V4_TARGET "x86-64-v4"
#endif
#include <immintrin.h>

namespace wordsparse {

constexpr const char *ISA_NAMES[] = {"x86-64", "x86-64-v3", "x86-64-v4"};
namespace v4 {
constexpr int VEC_BYTES = 64;
}
namespace v3 {
constexpr int VEC_BYTES = 32;
}

/* The widest set that this processor has. */
static inline Isa widest_isa() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports(V4_TARGET)) return X86_64_V4;
    return __builtin_cpu_supports("x86-64-v3") ? X86_64_V3 : BASELINE;
}

/* A cache line into memory past the caches: no line is fetched to be overwritten. */
INLINED void stream_line(void *to, const void *from) {
    for (int i = 0; i < LINE / 16; i++) _mm_stream_si128((__m128i *)to + i, _mm_load_si128((const __m128i *)from + i));
}
/* Before another thread reads what was streamed. */
INLINED void stream_fence() { _mm_sfence(); }

} // namespace wordsparse
#else
namespace wordsparse {
constexpr const char *ISA_NAMES[] = {"baseline"};
namespace v4 = baseline;
namespace v3 = baseline;
static inline Isa widest_isa() { return BASELINE; }
INLINED void stream_line(void *to, const void *from) { memcpy(to, from, LINE); }
INLINED void stream_fence() {}
} // namespace wordsparse
#endif

namespace wordsparse {

/* The line at an address, on its way into the second-level cache; or to be written. */
INLINED void prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }
INLINED void prefetch_to_write(const void *address) { __builtin_prefetch(address, 1); }

} // namespace wordsparse

/* name<real>(isa, arguments) calls the function of that set. */
#define BY_ISA(name)                                                                                                   \
    template <typename real, typename... Arguments> auto name(int isa, Arguments... arguments) {                       \
        return isa == X86_64_V4   ? v4::name<real>(arguments...)                                                       \
               : isa == X86_64_V3 ? v3::name<real>(arguments...)                                                       \
                                  : baseline::name<real>(arguments...);                                                \
    }

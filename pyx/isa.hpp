/* The instruction sets for which loops are compiled, the sets that this processor has, and common names for features
 * whose names differ between compilers.
 *
 * foreach_isa.hpp compiles the loops of a header once for each set, and BY_ISA chooses among them at run time. A binary
 * built without -march=native thus runs on every processor. Processors other than x86-64 have one set, the baseline.
 *
 * setup.py defines HAS_VECTORS if the compiler has vector types and __builtin_shufflevector. setup.py also defines
 * V4_TARGET, the target for which vectors of 64 bytes are compiled: x86-64-v4, or a smaller set in a build for
 * tests. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <utility>

#define INLINED [[gnu::always_inline]] static inline
#ifdef __GNUC__
#define UNROLLED _Pragma("GCC unroll 16")
#else
#define UNROLLED
#define __builtin_prefetch(...)
#endif
#ifndef HAS_VECTORS /* Stubs for compilers without vectors. Code that uses vectors must parse, but never runs. */
#define __builtin_convertvector(x, type) type()
#define __builtin_shufflevector(a, ...) a
#endif

namespace wordsparse {

/* Bytes of a cache line. */
constexpr ptrdiff_t LINE = 64;

enum Isa { BASELINE, X86_64_V3, X86_64_V4, X86_64_AMX };

/* Bytes of a vector. */
namespace baseline {
constexpr int VEC_BYTES = 16;
}

} // namespace wordsparse

#if defined(HAS_VECTORS) && defined(__x86_64__)
#define HAS_X86_ISAS
#include <immintrin.h>
#ifdef HAS_AMX
#include <sys/syscall.h>
#include <unistd.h>

/* Asks the system for the matrix unit. Returns whether the processor has a matrix unit that this process may use. */
static inline bool has_amx() {
    constexpr long REQUEST_PERMISSION = 0x1023, TILE_DATA = 18; /* of arch_prctl */
    return __builtin_cpu_supports("amx-bf16") && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#else
static inline bool has_amx() { return false; }
#endif

namespace wordsparse {

constexpr const char *ISA_NAMES[] = {"x86-64", "x86-64-v3", "x86-64-v4", "x86-64-v4+amx"};
namespace v4 {
constexpr int VEC_BYTES = 64;
}
namespace v3 {
constexpr int VEC_BYTES = 32;
}

/* The widest instruction set of this processor. */
static inline Isa widest_isa() {
    __builtin_cpu_init();
    if (__builtin_cpu_supports(V4_TARGET)) return has_amx() ? X86_64_AMX : X86_64_V4;
    return __builtin_cpu_supports("x86-64-v3") ? X86_64_V3 : BASELINE;
}

/* Writes a cache line directly to memory, so that the line is not first fetched into a cache only to be overwritten. */
INLINED void stream_line(void *to, const void *from) {
    for (int i = 0; i < LINE / 16; i++) _mm_stream_si128((__m128i *)to + i, _mm_load_si128((const __m128i *)from + i));
}
/* This function must be called before another thread reads lines written by stream_line. */
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

/* The matrix unit multiplies matrices (amx.hpp); all other functions use the code for vectors of 64 bytes. */
namespace amx {
using namespace v4;
}

/* Two functions prefetch the line at an address: one into the second-level cache, the other for writing. */
INLINED void prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }
INLINED void prefetch_to_write(const void *address) { __builtin_prefetch(address, 1); }

} // namespace wordsparse

/* Defines name<real>(isa, arguments), which calls the function compiled for this instruction set. */
#define BY_ISA(name)                                                                                                   \
    template <typename real, typename... Arguments> auto name(int isa, Arguments... arguments) {                       \
        return isa == X86_64_AMX  ? amx::name<real>(arguments...)                                                      \
               : isa == X86_64_V4 ? v4::name<real>(arguments...)                                                       \
               : isa == X86_64_V3 ? v3::name<real>(arguments...)                                                       \
                                  : baseline::name<real>(arguments...);                                                \
    }

/* Compiles the header named by EACH_ISA once per instruction set. Each time, all functions of the header target one
 * instruction set, and are in the namespace of this set. The header includes this file while EACH_ISA is not defined:
 *
 *     #ifndef EACH_ISA
 *     #define EACH_ISA "gemm.hpp"
 *     #include "foreach_isa.hpp"
 *     namespace wordsparse { BY_ISA(multiply) }
 *     #else
 *     template <typename real> void multiply(...) { ... }
 *     #endif
 */
#include "isa.hpp"

#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define BEGIN_TARGET(name) PRAGMA(clang attribute push(__attribute__((target("arch=" name))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#else
#define BEGIN_TARGET(name) PRAGMA(GCC push_options) PRAGMA(GCC target("arch=" name))
#define END_TARGET PRAGMA(GCC pop_options)
#endif

#ifdef HAS_X86_ISAS
BEGIN_TARGET(V4_TARGET)
namespace wordsparse::v4 {
#include EACH_ISA
} // namespace wordsparse::v4
END_TARGET

BEGIN_TARGET("x86-64-v3")
namespace wordsparse::v3 {
#include EACH_ISA
} // namespace wordsparse::v3
END_TARGET
#endif

namespace wordsparse::baseline {
#include EACH_ISA
} // namespace wordsparse::baseline
#undef EACH_ISA

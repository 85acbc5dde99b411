/* Vectors of VEC_BYTES bytes, which is the width of the instruction set. If the compiler has no vector types, a vector
 * is a single number. */
#ifndef EACH_ISA
#define EACH_ISA "vec.hpp"
#include "foreach_isa.hpp"
#else

template <typename real> struct vectors;
#ifdef HAS_VECTORS
template <> struct vectors<float> {
    typedef float vec __attribute__((vector_size(VEC_BYTES), may_alias));
    typedef int32_t mask __attribute__((vector_size(VEC_BYTES), may_alias));
    typedef float narrow __attribute__((vector_size(16), may_alias));
    typedef double wide __attribute__((vector_size(2 * VEC_BYTES)));
};
template <> struct vectors<double> {
    typedef double vec __attribute__((vector_size(VEC_BYTES), may_alias));
    typedef int64_t mask __attribute__((vector_size(VEC_BYTES), may_alias));
    typedef double narrow __attribute__((vector_size(16), may_alias));
    typedef double wide __attribute__((vector_size(VEC_BYTES)));
};
#else
template <typename real> struct vectors {
    typedef real vec, narrow;
    typedef double wide;
    typedef int64_t mask;
};
#endif

template <typename real> using vec = typename vectors<real>::vec;
template <typename real> using mask = typename vectors<real>::mask;
/* Numbers in a vector. */
template <typename real> constexpr ptrdiff_t LANES = sizeof(vec<real>) / sizeof(real);

template <typename real> INLINED vec<real> load(const real *from) {
    vec<real> x;
    memcpy(&x, from, sizeof(x));
    return x;
}

template <typename real> INLINED void store(real *to, vec<real> x) { memcpy(to, &x, sizeof(x)); }

/* Functions that pack two vectors of float into one vector of bfloat16 (rounded to nearest, ties to even), and unpack
 * it. */
template <typename to, typename from> INLINED to same_bits(from x) {
    to y{};
    memcpy(&y, &x, sizeof(y) < sizeof(x) ? sizeof(y) : sizeof(x));
    return y;
}
INLINED mask<float> rounded(vec<float> x) {
    const mask<float> bits = same_bits<mask<float>>(x);
    return bits + 0x7FFF + (bits >> 16 & 1);
}
INLINED vec<float> halved(vec<float> upper, vec<float> lower) {
    return same_bits<vec<float>>((mask<float>)((rounded(upper) & ~0xFFFF) | (rounded(lower) >> 16 & 0xFFFF)));
}
INLINED vec<float> upper_half(vec<float> both) { return same_bits<vec<float>>(same_bits<mask<float>>(both) & ~0xFFFF); }
INLINED vec<float> lower_half(vec<float> both) { return same_bits<vec<float>>(same_bits<mask<float>>(both) << 16); }

/* Loads `count` numbers, rounding them if their type is wider than `real`. The rest of the vector is zeros. */
template <typename real, typename source> INLINED vec<real> load_some(const source *from, ptrdiff_t count) {
    if (count >= LANES<real>) {
        if constexpr (sizeof(source) == sizeof(real)) {
            return load<real>(from);
        } else if constexpr (LANES<real> == 1) {
            return (real)*from;
        } else {
            typename vectors<real>::wide x;
            memcpy(&x, from, sizeof(x));
            return __builtin_convertvector(x, vec<real>);
        }
    }
    real x[LANES<real>] = {};
    for (ptrdiff_t i = 0; i < count; i++) x[i] = (real)from[i];
    return load(x);
}

/* Adds up the 16-byte parts of a vector. */
template <typename real> INLINED typename vectors<real>::narrow narrowed(vec<real> x) {
    typename vectors<real>::narrow part[sizeof(x) / sizeof(typename vectors<real>::narrow)];
    memcpy(part, &x, sizeof(x));
    for (size_t i = 1; i < sizeof(part) / sizeof(*part); i++) part[0] += part[i];
    return part[0];
}

/* Returns the lower or upper halves of each 16 bytes of a and b, either interleaved (in_turn) or one after the
 * other. */
template <typename V, bool upper, bool in_turn, ptrdiff_t lane, size_t... i>
INLINED V halves(V a, V b, std::index_sequence<i...>) {
    constexpr ptrdiff_t n = sizeof...(i), half = lane / 2;
    return __builtin_shufflevector(
        a, b,
        (i / lane * lane + upper * half + (in_turn ? i % 2 * n + i % lane / 2 : i % lane / half * n + i % half))...);
}

template <typename real, bool in_turn> INLINED vec<real> folded(vec<real> a, vec<real> b) {
    constexpr ptrdiff_t lane = 16 / sizeof(real);
    const std::make_index_sequence<LANES<real>> lanes;
    return halves<vec<real>, false, in_turn, lane>(a, b, lanes) + halves<vec<real>, true, in_turn, lane>(a, b, lanes);
}

/* Sets sums[i] to the sum of the numbers in x[i], for four vectors that share shuffles and additions. The compiler may
 * turn a reduction by `omp simd` into one addition after another, which is slow. */
template <typename real> INLINED void four_sums(const vec<real> *x, real *sums) {
    if constexpr (LANES<real> == 1) {
        for (int i = 0; i < 4; i++) sums[i] = x[i];
    } else if constexpr (sizeof(real) == 4) {
        const auto ab = folded<real, true>(x[0], x[1]), cd = folded<real, true>(x[2], x[3]);
        const auto all = narrowed<real>(folded<real, false>(ab, cd));
        memcpy(sums, &all, sizeof(all));
    } else {
        const auto ab = narrowed<real>(folded<real, true>(x[0], x[1]));
        const auto cd = narrowed<real>(folded<real, true>(x[2], x[3]));
        memcpy(sums, &ab, sizeof(ab));
        memcpy(sums + 2, &cd, sizeof(cd));
    }
}

/* Returns a₀ b₀ a₁ b₁ …. With `upper`, the result begins in the middle of a and b. */
template <typename V, bool upper, size_t... i> INLINED V interleaved(V a, V b, std::index_sequence<i...>) {
    return __builtin_shufflevector(a, b, (i / 2 + (upper ? sizeof...(i) / 2 : 0) + i % 2 * sizeof...(i))...);
}

/* Transposes a square matrix of LANES vectors. Each round interleaves the upper half of the rows with the lower. */
template <typename real> INLINED void transpose(vec<real> *x) {
    if constexpr (LANES<real> > 1) {
        constexpr ptrdiff_t n = LANES<real>;
        const std::make_index_sequence<n> lanes;
        for (ptrdiff_t round = 1; round < n; round *= 2) {
            vec<real> y[n];
            UNROLLED for (ptrdiff_t i = 0; i < n / 2; i++) {
                y[2 * i] = interleaved<vec<real>, false>(x[i], x[i + n / 2], lanes);
                y[2 * i + 1] = interleaved<vec<real>, true>(x[i], x[i + n / 2], lanes);
            }
            UNROLLED for (ptrdiff_t i = 0; i < n; i++) x[i] = y[i];
        }
    }
}
#endif

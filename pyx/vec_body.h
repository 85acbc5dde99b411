/* Vectors of the set's width, for bodies that sets.h includes. */

/* Numbers in a register, where the compiler has vectors; else one number. */
#if defined(__GNUC__)
typedef REAL NAME(vec) __attribute__((vector_size(VEC_BYTES), may_alias));
typedef INTEGER NAME(mask) __attribute__((vector_size(VEC_BYTES), may_alias));
typedef REAL NAME(narrow) __attribute__((vector_size(16), may_alias));
typedef INTEGER NAME(narrow_mask) __attribute__((vector_size(16)));
#else
typedef REAL NAME(vec);
#endif
#define VEC NAME(vec)
#define LANES ((ptrdiff_t)(sizeof(VEC) / sizeof(REAL)))

#if defined(__clang__)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (NAME(narrow_mask)){__VA_ARGS__})
#endif

/* Into memory past the caches, where the compiler can: a line is not fetched to be overwritten. FENCE() goes before
 * another thread reads. */
FOR_SET INLINED void NAME(stream)(VEC *to, VEC x) {
#if defined(WIDE_SETS) && VEC_BYTES == 64
    _mm512_stream_si512((__m512i *)to, (__m512i)x);
#elif defined(WIDE_SETS) && VEC_BYTES == 32
    _mm256_stream_si256((__m256i *)to, (__m256i)x);
#elif defined(WIDE_SETS)
    _mm_stream_si128((__m128i *)to, (__m128i)x);
#else
    *to = x;
#endif
}

#if defined(__GNUC__)
/* The sums of its parts of 16 bytes. */
INLINED NAME(narrow) NAME(narrowed)(VEC x) {
    NAME(narrow) part[VEC_BYTES / 16];
    memcpy(part, &x, sizeof(x));
    for (int i = 1; i < VEC_BYTES / 16; i++) part[0] += part[i];
    return part[0];
}
#endif

/* sums[i] = the sum of the numbers in x[i]: four at a time share their additions, where a reduction by `omp simd` may
 * become one addition after the other. */
INLINED void NAME(four_sums)(const VEC *x, REAL *sums) {
#if defined(__GNUC__)
    const NAME(narrow) a = NAME(narrowed)(x[0]), b = NAME(narrowed)(x[1]);
    const NAME(narrow) c = NAME(narrowed)(x[2]), d = NAME(narrowed)(x[3]);
#if REAL_BYTES == 4
    const NAME(narrow) ab = PICK(a, b, 0, 4, 1, 5) + PICK(a, b, 2, 6, 3, 7);
    const NAME(narrow) cd = PICK(c, d, 0, 4, 1, 5) + PICK(c, d, 2, 6, 3, 7);
    const NAME(narrow) all = PICK(ab, cd, 0, 1, 4, 5) + PICK(ab, cd, 2, 3, 6, 7);
    memcpy(sums, &all, sizeof(all));
#else
    const NAME(narrow) ab = PICK(a, b, 0, 2) + PICK(a, b, 1, 3), cd = PICK(c, d, 0, 2) + PICK(c, d, 1, 3);
    memcpy(sums, &ab, sizeof(ab));
    memcpy(sums + 2, &cd, sizeof(cd));
#endif
#else
    for (int i = 0; i < 4; i++) sums[i] = x[i];
#endif
}

#undef PICK

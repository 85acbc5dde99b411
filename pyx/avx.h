/* What products on the vector unit and on the matrix unit share: a vector of numbers from memory, with AVX-512 or AVX2.
 * Whoever calls has asked avx512_lent() or avx2_lent() first. */
#ifndef WORDSPARSE_AVX_H
#define WORDSPARSE_AVX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX
#define AVX_COMPILED 1
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512dq")))
#define AVX512_INLINE static inline __attribute__((always_inline)) AVX512
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX2_INLINE static inline __attribute__((always_inline)) AVX2

/* Whether the processor has the instructions and the system saves their registers. */
static inline int avx512_lent(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

static inline int avx2_lent(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

AVX512_INLINE __mmask16 lanes(ptrdiff_t n) {
    return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16) ((1u << n) - 1);
}

/* 16 numbers from x[at] on, float64 ones rounded. */
AVX512_INLINE __m512 load(const void *x, int is_double, ptrdiff_t at, __mmask16 there) {
    if (!is_double) return _mm512_maskz_loadu_ps(there, (const float *) x + at);
    __m256 low = _mm512_cvtpd_ps(_mm512_maskz_loadu_pd((__mmask8) there, (const double *) x + at));
    __m256 high = _mm512_cvtpd_ps(_mm512_maskz_loadu_pd((__mmask8) (there >> 8), (const double *) x + at + 8));
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

AVX2_INLINE __m256i lanes_of_8(ptrdiff_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : (int) n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AVX2_INLINE __m256i lanes_of_4(ptrdiff_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

/* The same of 8 numbers, of which `there` are there. */
AVX2_INLINE __m256 load_8(const void *x, int is_double, ptrdiff_t at, ptrdiff_t there) {
    if (!is_double) return _mm256_maskload_ps((const float *) x + at, lanes_of_8(there));
    const double *from = (const double *) x + at;
    __m128 low = _mm256_cvtpd_ps(_mm256_maskload_pd(from, lanes_of_4(there)));
    __m128 high = _mm256_cvtpd_ps(_mm256_maskload_pd(from + 4, lanes_of_4(there - 4)));
    return _mm256_set_m128(high, low);
}

/* So many numbers, from x[at] on, brought near. */
static inline __attribute__((always_inline)) void prefetch(const void *x, int is_double, ptrdiff_t at, ptrdiff_t count) {
    const char *from = (const char *) x + at * (is_double ? 8 : 4);
    for (ptrdiff_t byte = 0; byte < count * (is_double ? 8 : 4); byte += 64) _mm_prefetch(from + byte, _MM_HINT_T1);
}

/* 16×16 numbers of 32 bits, transposed. */
AVX512_INLINE void transpose(const __m512i *in, __m512i *out) {
    __m512i a[16], b[16];
    for (int i = 0; i < 16; i += 2) {
        a[i] = _mm512_unpacklo_epi32(in[i], in[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(in[i], in[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0x88);
        a[i + 4] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0xdd);
        a[i + 8] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0x88);
        a[i + 12] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        out[i] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0x88);
        out[i + 4] = _mm512_shuffle_i32x4(a[i + 4], a[i + 12], 0x88);
        out[i + 8] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0xdd);
        out[i + 12] = _mm512_shuffle_i32x4(a[i + 4], a[i + 12], 0xdd);
    }
}

#else
#define AVX_COMPILED 0
static inline int avx512_lent(void) { return 0; }
static inline int avx2_lent(void) { return 0; }
#endif
#endif

/* The terms of losses for single outputs, and the softmax. This header is included by loss_terms.pyx.
 *
 * exp and log1p are written out here so that the compiler vectorises them; the library's functions take one number per
 * call.
 */
#ifndef EACH_ISA
#include "isa.hpp"

#include <cmath>
#include <limits>

namespace wordsparse {

/* Constants: an integer type of the same width; ln 2 in two parts, of which the first stays exact when it is multiplied
 * by a small whole number; the smallest argument of exp; and the degrees of both series, at which truncation errors are
 * smaller than rounding errors. */
template <typename real> struct series;
template <> struct series<float> {
    typedef int32_t bits;
    static constexpr float LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f, LOWEST = -87.0f;
    static constexpr int MANTISSA = 23, BIAS = 127, EXP_DEGREE = 7, ATANH_TERMS = 8;
};
template <> struct series<double> {
    typedef int64_t bits;
    static constexpr double LN2_HIGH = 0.693147180369123816490, LN2_LOW = 1.90821492927058770002e-10, LOWEST = -708.0;
    static constexpr int MANTISSA = 52, BIAS = 1023, EXP_DEGREE = 14, ATANH_TERMS = 17;
};

/* The number of outputs whose factors are gathered at a time. Gathering inside the loop over terms would prevent
 * vectorisation. */
constexpr ptrdiff_t GATHERED = 512;
/* The minimum of o - max o in a softmax. Smaller powers would not change their sum, which is at least 1, but tiny
 * (subnormal) numbers would make later products many times slower. */
constexpr int LEAST_DIFFERENCE = -60;

} // namespace wordsparse

#define EACH_ISA "loss_terms.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(softplus_terms)
BY_ISA(softmax)
} // namespace wordsparse

#else

/* e^x for LOWEST <= x <= 0, computed as 2^k e^r with |r| <= ln 2 / 2 and a series for e^r. */
template <typename real> INLINED real exp_of_negative(real x) {
    using of = series<real>;
    using bits = typename of::bits;
    const bits k = (bits)(x * (real)1.4426950408889634 - (real)0.5);
    const real r = (x - (real)k * of::LN2_HIGH) - (real)k * of::LN2_LOW;
    real sum = 1;
    for (int n = of::EXP_DEGREE; n > 0; n--) sum = 1 + sum * r * ((real)1 / n);
    const bits power_bits = (k + of::BIAS) << of::MANTISSA;
    real power;
    memcpy(&power, &power_bits, sizeof(power));
    return sum * power;
}

/* ln(1 + x) for 0 <= x <= 1, computed as 2 atanh(x / (2 + x)) with a series. */
template <typename real> INLINED real log1p_of_small(real x) {
    const real t = x / (2 + x), square = t * t;
    real sum = 0;
    for (int n = series<real>::ATANH_TERMS; n >= 0; n--) sum = sum * square + (real)1 / (2 * n + 1);
    return 2 * t * sum;
}

/* Returns the sum of y softplus(-o) over n outputs o = f a, and sets slope = -y sigma(-o) f. f = factor[column], or 1
 * if factor is NULL. NaN gives NaN. */
template <typename real>
double softplus_terms(const real *y, const real *a, const int32_t *column, const real *factor, ptrdiff_t n,
                      real *slope) {
    double total = 0;
    for (ptrdiff_t first = 0; first < n; first += GATHERED) {
        const ptrdiff_t count = n - first < GATHERED ? n - first : GATHERED;
        real f[GATHERED];
        for (ptrdiff_t i = 0; i < count; i++) f[i] = factor ? factor[column[first + i]] : 1;
        const real *y_ = y + first, *a_ = a + first;
        real *slope_ = slope + first;
#pragma omp simd reduction(+ : total)
        for (ptrdiff_t i = 0; i < count; i++) {
            const real x = a_[i] * f[i], away = x < 0 ? x : -x,
                       bounded = away > series<real>::LOWEST ? away : series<real>::LOWEST;
            const real small = exp_of_negative(bounded), whole = x == x ? 1 : x;
            total += y_[i] * ((x < 0 ? -x : 0) + log1p_of_small(small)) * whole;
            slope_[i] = -y_[i] * ((x < 0 ? 1 : small) / (1 + small)) * whole * f[i];
        }
    }
    return total;
}

/* Replaces a row o of n outputs by the softmax of o + bias. Returns log sum exp(o + bias). NaN gives NaN. */
template <typename real> double softmax(real *o, const real *bias, ptrdiff_t n) {
    real largest = -std::numeric_limits<real>::infinity(), sum = 0;
#pragma omp simd reduction(max : largest)
    for (ptrdiff_t i = 0; i < n; i++) {
        o[i] += bias[i];
        largest = o[i] > largest ? o[i] : largest;
    }
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++) {
        const real x = o[i] - largest;
        o[i] = exp_of_negative(x > LEAST_DIFFERENCE ? x : LEAST_DIFFERENCE) * (x == x ? 1 : x);
        sum += o[i];
    }
    const real share = 1 / sum;
    for (ptrdiff_t i = 0; i < n; i++) o[i] *= share;
    return (double)largest + std::log((double)sum);
}
#endif

/* The functions of terms.h for one REAL type; NAME(stem) appends the type's suffix, BITS is an integer as wide. */

/* e^x for LOWEST <= x <= 0: 2^k e^r with |r| <= ln 2 / 2, e^r by its series. */
INLINED REAL NAME(exp_of_negative)(REAL x) {
    const BITS k = (BITS)(x * (REAL)1.4426950408889634 - (REAL)0.5);
    const REAL r = (x - (REAL)k * LN2_HIGH) - (REAL)k * LN2_LOW;
    REAL sum = 1;
    for (int n = EXP_DEGREE; n > 0; n--) sum = 1 + sum * r * ((REAL)1 / n);
    const BITS bits = (k + BIAS) << MANTISSA;
    REAL power;
    memcpy(&power, &bits, sizeof(power));
    return sum * power;
}

/* ln(1 + x) for 0 <= x <= 1: 2 atanh(x / (2 + x)), by its series. */
INLINED REAL NAME(log1p_of_small)(REAL x) {
    const REAL t = x / (2 + x), square = t * t;
    REAL sum = 0;
    for (int n = ATANH_TERMS; n >= 0; n--) sum = sum * square + (REAL)1 / (2 * n + 1);
    return 2 * t * sum;
}

/* The sum of y softplus(-o) over n outputs; slope = -y sigma(-o). What is not a number gives none. */
CLONES static double NAME(softplus_terms)(const REAL *y, const REAL *o, ptrdiff_t n, REAL *slope) {
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL x = o[i], away = x < 0 ? x : -x, bounded = away > LOWEST ? away : LOWEST;
        const REAL small = NAME(exp_of_negative)(bounded), whole = x == x ? 1 : x;
        total += y[i] * ((x < 0 ? -x : 0) + NAME(log1p_of_small)(small)) * whole;
        slope[i] = -y[i] * ((x < 0 ? 1 : small) / (1 + small)) * whole;
    }
    return total;
}

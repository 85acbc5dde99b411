/* Rows of n-grams: fitted to the vectors of words by sweeps, and added to them. Included by ngrams.pyx.
 *
 * A row of d numbers is whole numbers of 8 bits, and one scale for each SPAN of them. Sweeps take SPAN columns at a time,
 * which need no other ones: the residuals of a word are one cache line then, of numbers of 16 bits (bfloat16), rounded to
 * the nearest. Every sum runs in the order of words or n-grams, so nothing depends on threads. */
#ifndef EACH_ISA
#include "ngrams.hpp"

#include "vec.hpp"

#include <cmath>

namespace wordsparse {
constexpr ptrdiff_t SPAN = 32;
/* How many words, or n-grams, ahead their lines are prefetched. */
constexpr ptrdiff_t WORDS_AHEAD = 32;
/* Words that are looked up before the rows of the first are added. */
constexpr ptrdiff_t LOOKED_UP = 16;

/* Rows of 8 bits (scales not NULL) or of float32, d numbers each. */
template <typename whole> struct NgramRows {
    whole *numbers;
    float *scales;
    ptrdiff_t d;
    ptrdiff_t spans() const { return (d + SPAN - 1) / SPAN; }
};

/* The words of the fit. A word w, whose n-grams have the share x in it and whose weight is ω, pulls with ωx times its
 * residual; a row's change takes ωx² times itself off that. Pulls are what sweeps keep. */
struct SweptWords {
    const int64_t *rows; /* of the vectors */
    ptrdiff_t count;
    const float *first, *second; /* ωx, ωx² */
};

/* Of the problem along the row of an n-gram of these words, one of them as often as it has it. */
static inline float curvature_of(const int32_t *word, const int32_t *end, const SweptWords *words, float ridge) {
    double sum = ridge;
    for (ptrdiff_t times; word < end; word += times) {
        for (times = 1; word + times < end && word[times] == *word; times++);
        sum += double(times * times) * words->second[*word];
    }
    return (float)sum;
}

/* The words of each n-gram, and its curvature. */
struct SweptNgrams {
    const int64_t *starts;
    const int32_t *words;
    const float *curvature;
    ptrdiff_t count;
};
} // namespace wordsparse

#define EACH_ISA "sweeps.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(sweep)
BY_ISA(pack_span)
BY_ISA(unpack_row)
BY_ISA(add_ngrams)
} // namespace wordsparse

#else

/* `width` numbers, and zeros behind them, as a span: the largest becomes 127 or −127. */
template <typename real> void pack_span(const real *x, ptrdiff_t width, int8_t *whole, float *scale) {
    real largest = 0;
#pragma omp simd reduction(max : largest)
    for (ptrdiff_t i = 0; i < width; i++) largest = largest > std::fabs(x[i]) ? largest : std::fabs(x[i]);
    *scale = largest / 127;
    const real by = largest > 0 ? 127 / largest : 0;
#pragma omp simd
    for (ptrdiff_t i = 0; i < width; i++) whole[i] = (int8_t)(int32_t)(x[i] * by + (x[i] < 0 ? -0.5f : 0.5f));
}

template <typename real> void unpack_row(const NgramRows<int8_t> *rows, ptrdiff_t row, real *out) {
    const int8_t *whole = rows->numbers + row * rows->d;
    for (ptrdiff_t span = 0; span < rows->spans(); span++) {
        const real scale = rows->scales[row * rows->spans() + span];
        const ptrdiff_t end = (span + 1) * SPAN < rows->d ? (span + 1) * SPAN : rows->d;
        for (ptrdiff_t i = span * SPAN; i < end; i++) out[i] = scale * whole[i];
    }
}

/* The columns of one span of the rows, by so many sweeps from zeros on. vectors: from its first column on, ld numbers
 * apart; mean: of these columns; pulls: a line for each word. */
template <typename real>
void sweep(const real *vectors, ptrdiff_t ld, const real *mean, const SweptWords *words, const SweptNgrams *ngrams,
           float ridge, int sweeps, ptrdiff_t span, const NgramRows<int8_t> *rows, real *pulls) {
    /* A line's vectors, of which each holds two of the row's. */
    constexpr ptrdiff_t lanes = LANES<real>, halves = LINE / sizeof(vec<real>), line = LINE / sizeof(real);
    const ptrdiff_t width = rows->d - span * SPAN < SPAN ? rows->d - span * SPAN : SPAN;
    for (ptrdiff_t word = 0; word < words->count; word++) {
        real row[SPAN] = {};
        for (ptrdiff_t i = 0; i < width; i++) row[i] = words->first[word] * (vectors[words->rows[word] * ld + i] - mean[i]);
        for (ptrdiff_t v = 0; v < halves; v++)
            store(pulls + word * line + v * lanes, halved(load(row + (2 * v + 1) * lanes), load(row + 2 * v * lanes)));
    }
    for (int turn = 0; turn < sweeps; turn++) {
        for (ptrdiff_t g = 0; g < ngrams->count; g++) {
            const int32_t *begin = ngrams->words + ngrams->starts[g], *end = ngrams->words + ngrams->starts[g + 1];
            int8_t *whole = rows->numbers + g * rows->d + span * SPAN;
            float *scale = rows->scales + g * rows->spans() + span;
            alignas(LINE) real row[SPAN] = {}, asked[SPAN];
            for (ptrdiff_t i = 0; turn && i < width; i++) row[i] = *scale * whole[i];
            vec<real> sum[2 * halves] = {};
            for (const int32_t *word = begin; word < end; word++) {
                /* Behind the last n-gram's words stand WORDS_AHEAD zeros. */
                prefetch(pulls + word[WORDS_AHEAD] * line);
                UNROLLED for (ptrdiff_t v = 0; v < halves; v++) {
                    const vec<real> both = load(pulls + *word * line + v * lanes);
                    sum[2 * v] += lower_half(both);
                    sum[2 * v + 1] += upper_half(both);
                }
            }
            memcpy(asked, sum, sizeof(asked));
            const real by = 1 / ngrams->curvature[g];
            for (ptrdiff_t i = 0; i < SPAN; i++) {
                asked[i] = (asked[i] - ridge * row[i]) * by;
                row[i] += asked[i];
            }
            pack_span<real>(row, width, whole, scale);
            memcpy(sum, asked, sizeof(asked));
            for (const int32_t *word = begin; word < end; word++) {
                UNROLLED for (ptrdiff_t v = 0; v < halves; v++) {
                    real *pull = pulls + *word * line + v * lanes;
                    const vec<real> both = load(pull);
                    store(pull, halved(upper_half(both) - words->second[*word] * sum[2 * v + 1],
                                       lower_half(both) - words->second[*word] * sum[2 * v]));
                }
            }
        }
    }
}

/* to[i] += by * row[i] of 8 bits, or of float32. */
INLINED void add_row(const NgramRows<int8_t> *rows, int64_t row, float by, float *to) {
    const int8_t *whole = rows->numbers + row * rows->d;
    const float *scale = rows->scales + row * rows->spans();
    ptrdiff_t span = 0;
    for (; (span + 1) * SPAN <= rows->d; span++, whole += SPAN, to += SPAN) {
        const float scaled = by * scale[span];
#pragma omp simd
        for (ptrdiff_t i = 0; i < SPAN; i++) to[i] += scaled * whole[i];
    }
    for (ptrdiff_t i = 0; i < rows->d - span * SPAN; i++) to[i] += by * scale[span] * whole[i];
}
INLINED void add_row(const NgramRows<float> *rows, int64_t row, float by, float *to) {
    const float *from = rows->numbers + row * rows->d;
#pragma omp simd
    for (ptrdiff_t i = 0; i < rows->d; i++) to[i] += by * from[i];
}

/* For the words letters[ends[w - 1] : ends[w]], first ≤ w < last: to[w] += shares[w] times the mean of the rows of its
 * n-grams, of which there are sizes[w]; `unit`: to[w] is divided by its length. */
template <typename whole>
void add_ngrams(const NgramKind *kind, const NgramTable *table, const NgramRows<whole> *rows, const int32_t *letters,
                const int64_t *ends, ptrdiff_t first, ptrdiff_t last, const float *shares, bool unit, float *to,
                int32_t *sizes) {
    std::vector<int64_t> numbers;
    for (ptrdiff_t begin = first; begin < last; begin += LOOKED_UP) {
        const ptrdiff_t end = begin + LOOKED_UP < last ? begin + LOOKED_UP : last;
        numbers.clear();
        for (ptrdiff_t word = begin; word < end; word++) {
            const size_t before = numbers.size();
            prefetch_to_write(to + word * rows->d);
            kind->each(letters, word ? ends[word - 1] : 0, ends[word], [&](uint64_t hash, int64_t start, int64_t length) {
                uint64_t slot;
                const int64_t row = table->find(hash, letters + start, length, slot);
                if (row < 0) return;
                numbers.push_back(row);
                const char *from = (const char *)(rows->numbers + row * rows->d);
                for (ptrdiff_t byte = 0; byte < rows->d * (ptrdiff_t)sizeof(whole); byte += LINE) prefetch(from + byte);
                if (rows->scales) prefetch(rows->scales + row * rows->spans());
            });
            sizes[word] = (int32_t)(numbers.size() - before);
        }
        const int64_t *row = numbers.data();
        for (ptrdiff_t word = begin; word < end; word++) {
            float *sum = to + word * rows->d, square = 0;
            for (const int64_t *stop = row + sizes[word]; row < stop; row++)
                add_row(rows, *row, shares[word] / sizes[word], sum);
            if (!unit) continue;
#pragma omp simd reduction(+ : square)
            for (ptrdiff_t i = 0; i < rows->d; i++) square += sum[i] * sum[i];
            const float by = square > 0 ? 1 / std::sqrt(square) : 1;
            for (ptrdiff_t i = 0; i < rows->d; i++) sum[i] *= by;
        }
    }
}
#endif

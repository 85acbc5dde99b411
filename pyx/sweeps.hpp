/* Fits rows of n-grams to the vectors of words by sweeps, and adds these rows to vectors. Included by ngrams.pyx.
 *
 * A row of d numbers is stored as bytes: a float32 scale for each SPAN of numbers, and an 8-bit integer for each
 * number. Sweeps process each SPAN of columns separately, so that the state of a word is one cache line of bfloat16
 * numbers, rounded to nearest. Sums are computed in the order of words or n-grams, so results do not depend on the
 * number of threads. */
#ifndef EACH_ISA
#include "ngrams.hpp"

#include "vec.hpp"

#include <cmath>

namespace wordsparse {
constexpr ptrdiff_t SPAN = LINE / 2;
/* The prefetch distances: in words, for cache lines, and in n-grams, for rows. */
constexpr ptrdiff_t WORDS_AHEAD = 32, ROWS_AHEAD = 8;

static inline ptrdiff_t spans_of(ptrdiff_t d) { return (d + SPAN - 1) / SPAN; }
static inline ptrdiff_t row_bytes(ptrdiff_t d) { return spans_of(d) * (ptrdiff_t)sizeof(float) + d; }

/* Returns 1/(ridge + Σ n² reach), summed over the words that contain an n-gram n times. The result is the best step
 * size if only the row of this n-gram changes. */
static inline float step_of(const int32_t *word, const int32_t *end, const float *reach, float ridge) {
    double sum = ridge;
    for (ptrdiff_t times; word < end; word += times) {
        for (times = 1; word + times < end && word[times] == *word; times++);
        sum += (double)(times * times) * reach[*word];
    }
    return (float)(1 / sum);
}
} // namespace wordsparse

#define EACH_ISA "sweeps.hpp"
#include "foreach_isa.hpp"

namespace wordsparse {
BY_ISA(sweep)
BY_ISA(pack)
BY_ISA(unpack)
BY_ISA(add_ngrams)
} // namespace wordsparse

#else

/* Packs `width` numbers as a span of a row, so that the largest magnitude becomes 127 or −127. */
template <typename real>
INLINED void pack_span(const real *from, ptrdiff_t width, ptrdiff_t d, ptrdiff_t span, uint8_t *row) {
    int8_t *whole = (int8_t *)row + row_bytes(d) - d + span * SPAN;
    real largest = 0;
#pragma omp simd reduction(max : largest)
    for (ptrdiff_t i = 0; i < width; i++) largest = largest > std::fabs(from[i]) ? largest : std::fabs(from[i]);
    const real scale = largest / 127, by = largest > 0 ? 127 / largest : 0;
    memcpy(row + span * sizeof(scale), &scale, sizeof(scale));
#pragma omp simd
    for (ptrdiff_t i = 0; i < width; i++) whole[i] = (int8_t)(int32_t)(from[i] * by + (from[i] < 0 ? -0.5f : 0.5f));
}

template <typename real>
INLINED void add_span(const uint8_t *row, ptrdiff_t width, ptrdiff_t d, ptrdiff_t span, real by, real *to) {
    const int8_t *whole = (const int8_t *)row + row_bytes(d) - d + span * SPAN;
    real scale;
    memcpy(&scale, row + span * sizeof(scale), sizeof(scale));
#pragma omp simd
    for (ptrdiff_t i = 0; i < width; i++) to[i] += by * scale * whole[i];
}

/* to += by * row. */
INLINED void add_row(const uint8_t *row, ptrdiff_t d, float by, float *to) {
    for (ptrdiff_t span = 0; span < d / SPAN; span++) add_span(row, SPAN, d, span, by, to + span * SPAN);
    if (d % SPAN) add_span(row, d % SPAN, d, d / SPAN, by, to + d / SPAN * SPAN);
}

template <typename real> void pack(const real *from, ptrdiff_t d, uint8_t *row) {
    for (ptrdiff_t span = 0; span < spans_of(d); span++)
        pack_span(from + span * SPAN, d - span * SPAN < SPAN ? d - span * SPAN : SPAN, d, span, row);
}
template <typename real> void unpack(const uint8_t *row, ptrdiff_t d, real *to) {
    memset(to, 0, d * sizeof(real));
    add_row(row, d, 1, to);
}

/* Fits one span of the rows of all n-grams, by sweeps that start from zeros. vectors has d numbers per word. ids are
 * the words to fit. pull and reach hold ωx and ωx² for each of these words, where ω is the weight of the word and x is
 * one over the number of its n-grams. starts and of hold the words of each n-gram, followed by WORDS_AHEAD ids of
 * padding. pulls has a cache line per word, which holds ωx times the residual of the word. */
template <typename real>
void sweep(const real *vectors, const real *mean, ptrdiff_t d, const int64_t *ids, ptrdiff_t words, const float *pull,
           const float *reach, const int64_t *starts, const int32_t *of, ptrdiff_t ngrams, const float *steps,
           float ridge, int sweeps, ptrdiff_t span, uint8_t *rows, real *pulls) {
    /* Each of the `halves` vectors of a line holds two vectors of the row. */
    constexpr ptrdiff_t lanes = LANES<real>, halves = LINE / sizeof(vec<real>), line = LINE / sizeof(real);
    const ptrdiff_t first = span * SPAN, width = d - first < SPAN ? d - first : SPAN;
    alignas(LINE) real row[SPAN] = {}, change[SPAN];
    for (ptrdiff_t word = 0; word < words; word++) {
        if (word + ROWS_AHEAD < words) prefetch(vectors + ids[word + ROWS_AHEAD] * d + first);
        for (ptrdiff_t i = 0; i < width; i++)
            row[i] = pull[word] * (vectors[ids[word] * d + first + i] - mean[first + i]);
        for (ptrdiff_t v = 0; v < halves; v++)
            store(pulls + word * line + v * lanes, halved(load(row + (2 * v + 1) * lanes), load(row + 2 * v * lanes)));
    }
    for (ptrdiff_t turn = 0; turn < sweeps * ngrams; turn++) {
        const ptrdiff_t g = turn % ngrams;
        const int32_t *begin = of + starts[g], *end = of + starts[g + 1];
        prefetch_to_write(rows + (g + ROWS_AHEAD) * row_bytes(d));
        prefetch_to_write(rows + (g + ROWS_AHEAD + 1) * row_bytes(d) - d + first);
        vec<real> sum[2 * halves] = {};
        for (const int32_t *word = begin; word < end; word++) {
            prefetch(pulls + word[WORDS_AHEAD] * line);
            UNROLLED for (ptrdiff_t v = 0; v < halves; v++) {
                const vec<real> both = load(pulls + *word * line + v * lanes);
                sum[2 * v] += lower_half(both);
                sum[2 * v + 1] += upper_half(both);
            }
        }
        memcpy(change, sum, sizeof(change));
        memset(row, 0, sizeof(row));
        if (turn >= ngrams) add_span<real>(rows + g * row_bytes(d), width, d, span, 1, row);
        for (ptrdiff_t i = 0; i < SPAN; i++) {
            change[i] = (change[i] - ridge * row[i]) * steps[g];
            row[i] += change[i];
        }
        pack_span(row, width, d, span, rows + g * row_bytes(d));
        memcpy(sum, change, sizeof(change));
        for (const int32_t *word = begin; word < end; word++) {
            UNROLLED for (ptrdiff_t v = 0; v < halves; v++) {
                real *at = pulls + *word * line + v * lanes;
                const vec<real> both = load(at);
                store(at, halved(upper_half(both) - reach[*word] * sum[2 * v + 1],
                                 lower_half(both) - reach[*word] * sum[2 * v]));
            }
        }
    }
}

/* For each word text[ends[w - 1] : ends[w]], first ≤ w < last, with sizes[w] n-grams: adds shares[w] times the mean of
 * the n-grams' rows to to[w]. With `unit`, also divides to[w] by its length. */
template <typename real>
void add_ngrams(const NgramTable *table, const uint8_t *rows, const int32_t *text, const int64_t *ends, ptrdiff_t first,
                ptrdiff_t last, const real *shares, bool unit, real *to, ptrdiff_t d, int32_t *sizes) {
    std::vector<const uint8_t *> chosen;
    for (ptrdiff_t word = first; word < last; word++) {
        chosen.clear();
        table->each(text, word ? ends[word - 1] : 0, ends[word], [&](uint64_t hash, int64_t start, int64_t length) {
            int64_t *slot;
            const int64_t row = table->find(hash, text + start, length, slot);
            if (row < 0) return;
            chosen.push_back(rows + row * row_bytes(d));
            for (ptrdiff_t byte = 0; byte < row_bytes(d); byte += LINE) prefetch(chosen.back() + byte);
        });
        sizes[word] = (int32_t)chosen.size();
        real *sum = to + word * d, square = 0;
        for (const uint8_t *row : chosen) add_row(row, d, shares[word] / sizes[word], sum);
        if (!unit) continue;
#pragma omp simd reduction(+ : square)
        for (ptrdiff_t i = 0; i < d; i++) square += sum[i] * sum[i];
        const real by = square > 0 ? 1 / std::sqrt(square) : 1;
        for (ptrdiff_t i = 0; i < d; i++) sum[i] *= by;
    }
}
#endif

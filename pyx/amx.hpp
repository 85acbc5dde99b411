/* Tall products of float32 matrices on the matrix unit of x86-64 servers (AMX). Included by gemm.hpp.
 *
 * The matrix unit multiplies a 16×32 by a 32×16 matrix of bfloat16 numbers and sums in float32, sixteen times as fast
 * as float32 vectors. The sum x₀ + x₁ of two bfloat16 numbers represents a float32 number x with an error of 2⁻¹⁶ |x|,
 * so that
 *
 *     x y ≈ x₁ y₀ + x₀ y₀ + x₀ y₁ (+ x₁ y₁)
 *
 * with an error of 2⁻¹⁵ |x y|. Without x₁ y₁, the error is larger by 2⁻¹⁶ |x y|. A sum of products of normally
 * distributed numbers has an error of 3.5·10⁻⁶ of its standard deviation with x₁ y₁, and of 4.5·10⁻⁶ without x₁ y₁.
 * Gram matrices include x₁ y₁: otherwise, every square would lack x₁² ≥ 0, and these errors would add up. Other
 * products omit x₁ y₁, because its sign varies and the errors mostly cancel. (Henry, Tang & Heinecke, "Leveraging the
 * bfloat16 artificial intelligence datatype for higher-precision computations", ARITH 2019.) Infinities become NaN.
 *
 * Both factors are first packed into tiles. A panel holds 32 rows of the left factor or 32 columns of the right factor:
 *
 *     panel = for each 32 of the inner dimension: for each of x₀ and x₁: two tiles of 16×32 numbers
 *     left tile   row i, then the inner dimension                    (16 rows of 32 numbers)
 *     right tile  pairs of the inner dimension, columns inside       (16 pairs of 16 columns of 2 numbers)
 *
 * so that a right tile, seen as 16×16 pairs, is the transpose of a left tile. Products of float64 use vectors instead.
 */
namespace wordsparse {
/* The number of rows or columns of a panel, and the number of rows that gram_part reads at a time, so that both factors
 * stay in the second-level cache. */
constexpr ptrdiff_t SIDE = 32, AMX_GRAM_ROWS = 256;

/* Bytes of work space for a Gram matrix. Each number of both factors is stored as two parts of two bytes. */
static inline ptrdiff_t amx_gram_bytes(ptrdiff_t k, ptrdiff_t d) {
    return ((k + SIDE - 1) / SIDE + (d + SIDE - 1) / SIDE) * SIDE * AMX_GRAM_ROWS * 4;
}
} // namespace wordsparse

#if defined(HAS_AMX) && defined(HAS_X86_ISAS)
BEGIN_TARGET(V4_TARGET ",amx-tile,amx-bf16")
namespace wordsparse::amx {

/* The sizes, in numbers, of a tile and of a step of a panel: 32 inner indices, two tiles for each bfloat16 part. */
constexpr ptrdiff_t TILE = 512, STEP = 4 * TILE;

typedef uint16_t halves __attribute__((vector_size(64), may_alias));
typedef uint32_t bits __attribute__((vector_size(64), may_alias));

/* The number of steps, of 32 indices, in an inner dimension; the number of panels for `count` rows or columns. */
INLINED ptrdiff_t steps_of(ptrdiff_t inner) { return (inner + SIDE - 1) / SIDE; }
INLINED ptrdiff_t sides_of(ptrdiff_t count) { return (count + SIDE - 1) / SIDE; }

/* Splits x into two bfloat16 parts. Each part is rounded, and stored in the upper half of 32 bits. */
INLINED void split(vec<float> x, bits *high, bits *low) {
    const bits half = bits{} + 0x8000u, upper = bits{} + 0xffff0000u;
    *high = ((bits)x + half) & upper;
    *low = ((bits)(x - (vec<float>)*high) + half) & upper;
}

template <size_t... i> INLINED halves upper_halves(bits a, bits b, std::index_sequence<i...>) {
    return __builtin_shufflevector((halves)a, (halves)b, (2 * i + 1)...);
}

/* Splits 32 numbers of a row into their bfloat16 parts, and writes each part as a row of a left tile. */
INLINED void pack_row(const float *x, uint16_t *to) {
    bits high[2], low[2];
    for (int i = 0; i < 2; i++) split(load(x + 16 * i), high + i, low + i);
    const std::make_index_sequence<32> all;
    const halves parts[2] = {upper_halves(high[0], high[1], all), upper_halves(low[0], low[1], all)};
    memcpy(to, parts, sizeof(halves));
    memcpy(to + 2 * TILE, parts + 1, sizeof(halves));
}

/* Packs the columns of a matrix (inner, count) as left panels, as right panels, or both (a NULL output is not written).
 * read(k, column) returns 16 numbers of row k of the matrix; numbers outside the matrix are zeros. */
template <typename Read>
INLINED void pack_across(const Read &read, ptrdiff_t inner, ptrdiff_t count, uint16_t *left, uint16_t *right) {
    for (ptrdiff_t k = 0; k < inner; k += SIDE) {
        for (ptrdiff_t column = 0; column < sides_of(count) * SIDE; column += 16) {
            const ptrdiff_t place = (column / SIDE * steps_of(inner) + k / SIDE) * STEP + column % SIDE / 16 * TILE;
            vec<float> pairs[2][16];
            UNROLLED for (int i = 0; i < 16; i++) {
                bits of_even[2], of_odd[2];
                split(read(k + 2 * i, column), of_even, of_even + 1);
                split(read(k + 2 * i + 1, column), of_odd, of_odd + 1);
                for (int part = 0; part < 2; part++) pairs[part][i] = (vec<float>)(of_odd[part] | of_even[part] >> 16);
            }
            for (int part = 0; part < 2; part++) {
                if (right) memcpy(right + place + 2 * part * TILE, pairs[part], sizeof(pairs[part]));
                if (!left) continue;
                transpose<float>(pairs[part]);
                memcpy(left + place + 2 * part * TILE, pairs[part], sizeof(pairs[part]));
            }
        }
    }
}

/* Configures eight tiles of 16 rows of 64 bytes, until end_tiles. The compiler does not know that loading a tile reads
 * memory, so a barrier makes the compiler store the packed numbers first. */
INLINED void begin_tiles() {
    struct {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shapes;
    __asm__ volatile("" : : "r"(&shapes) : "memory");
    _tile_loadconfig(&shapes);
}
INLINED void end_tiles() { _tile_release(); }

/* out (32, 32) = left panel · right panel (+ out). Unless `tall`, only the first 16 rows are computed. Unless `wide`,
 * only the first 16 columns are computed. With `full`, the term x₁ y₁ is included. */
INLINED void multiply_panels(const uint16_t *left, const uint16_t *right, ptrdiff_t steps, bool full, bool tall,
                             bool wide, bool accumulate, float *out, ptrdiff_t ld) {
    const auto load_left = [&](int part) {
        _tile_loadd(4, left + 2 * part * TILE, 64);
        if (tall) _tile_loadd(5, left + (2 * part + 1) * TILE, 64);
    };
    const auto load_right = [&](int part) {
        _tile_loadd(6, right + 2 * part * TILE, 64);
        if (wide) _tile_loadd(7, right + (2 * part + 1) * TILE, 64);
    };
    const auto add_products = [&]() {
        _tile_dpbf16ps(0, 4, 6);
        if (wide) _tile_dpbf16ps(1, 4, 7);
        if (tall) _tile_dpbf16ps(2, 5, 6);
        if (tall && wide) _tile_dpbf16ps(3, 5, 7);
    };
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (accumulate) {
        _tile_loadd(0, out, 4 * ld);
        if (wide) _tile_loadd(1, out + 16, 4 * ld);
        if (tall) _tile_loadd(2, out + 16 * ld, 4 * ld);
        if (tall && wide) _tile_loadd(3, out + 16 * ld + 16, 4 * ld);
    }
    for (ptrdiff_t step = 0; step < steps; step++, left += STEP, right += STEP) {
        load_left(1), load_right(0), add_products();
        load_left(0), add_products();
        load_right(1), add_products();
        if (full) load_left(1), add_products();
    }
    _tile_stored(0, out, 4 * ld);
    if (wide) _tile_stored(1, out + 16, 4 * ld);
    if (tall) _tile_stored(2, out + 16 * ld, 4 * ld);
    if (tall && wide) _tile_stored(3, out + 16 * ld + 16, 4 * ld);
}

/* Computes a block of C, with at most 32 rows and columns, by multiply_panels. Unless the number of rows and the number
 * of columns are multiples of 16, the result is computed in a buffer. */
INLINED void multiply_block(const uint16_t *left, const uint16_t *right, ptrdiff_t steps, bool full, ptrdiff_t rows,
                            ptrdiff_t columns, bool accumulate, float *c, ptrdiff_t ld_c) {
    const bool tall = rows > 16, wide = columns > 16;
    if (rows % 16 == 0 && columns % 16 == 0) {
        multiply_panels(left, right, steps, full, tall, wide, accumulate, c, ld_c);
        return;
    }
    alignas(64) float block[SIDE * SIDE];
    for (ptrdiff_t i = 0; i < rows && accumulate; i++) memcpy(block + i * SIDE, c + i * ld_c, columns * sizeof(float));
    multiply_panels(left, right, steps, full, tall, wide, accumulate, block, SIDE);
    for (ptrdiff_t i = 0; i < rows; i++) memcpy(c + i * ld_c, block + i * SIDE, columns * sizeof(float));
}

/* Copies `count` numbers, `step` apart, as floats. The function is not inlined, because inlining 32 calls in
 * pack_across would take a third of the compiler's time. The speed of `gather` matters little, because it packs only
 * d×d matrices. */
template <typename source>
[[gnu::noinline]] void gather(const source *from, ptrdiff_t step, ptrdiff_t count, float *to) {
    for (ptrdiff_t i = 0; i < count; i++) to[i] = (float)from[i * step];
}

/* The functions of gemm.hpp, on the matrix unit for float; for double, they call the vector versions. */
template <typename real>
void pack_right(const void *b, bool is_double, ptrdiff_t ld, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t columns,
                bool transposed, real *packed) {
    if constexpr (sizeof(real) == 8) {
        v4::pack_right<real>(b, is_double, ld, inner, first, columns, transposed, packed);
    } else {
        const ptrdiff_t along = transposed ? 1 : ld, across = transposed ? ld : 1;
        const auto read = [&](ptrdiff_t k, ptrdiff_t column) {
            float x[16] = {};
            const ptrdiff_t at = k * along + (first + column) * across, left = columns - column;
            const ptrdiff_t count = k < inner ? (left < 16 ? left : 16) : 0;
            if (is_double) gather((const double *)b + at, across, count, x);
            else gather((const float *)b + at, across, count, x);
            return load(x);
        };
        pack_across(read, inner, columns, nullptr, (uint16_t *)packed);
    }
}

template <typename real>
void pack_left(const real *a, ptrdiff_t ld, const int64_t *chosen, const real *last, ptrdiff_t rows, ptrdiff_t inner,
               real *left) {
    if constexpr (sizeof(real) == 8) {
        v4::pack_left<real>(a, ld, chosen, last, rows, inner, left);
    } else {
        const ptrdiff_t own = inner - (last != nullptr);
        for (ptrdiff_t row = 0; row < rows; row++) {
            const ptrdiff_t ahead = row + PACKED_AHEAD;
            const real *from = a + (chosen ? chosen[row] : row) * ld;
            uint16_t *to =
                (uint16_t *)left + row / SIDE * steps_of(inner) * STEP + row % SIDE / 16 * TILE + row % 16 * 32;
            if (!chosen || ahead < rows) v4::prefetch_some(a + (chosen ? chosen[ahead] : ahead) * ld, own);
            ptrdiff_t k = 0;
            for (; k + SIDE <= own; k += SIDE, to += STEP) pack_row(from + k, to);
            if (k == inner) continue;
            alignas(64) real rest[SIDE] = {};
            memcpy(rest, from + k, (own - k) * sizeof(real));
            if (last) rest[own - k] = last[row];
            pack_row(rest, to);
        }
    }
}

template <typename real>
void multiply(const real *left, ptrdiff_t rows, ptrdiff_t inner, const real *packed, ptrdiff_t columns, bool accumulate,
              real *c, ptrdiff_t ld_c) {
    if constexpr (sizeof(real) == 8) {
        v4::multiply<real>(left, rows, inner, packed, columns, accumulate, c, ld_c);
    } else {
        const ptrdiff_t steps = steps_of(inner), panel = steps * STEP;
        begin_tiles();
        for (ptrdiff_t j = 0; j < columns; j += SIDE) {
            const ptrdiff_t width = columns - j < SIDE ? columns - j : SIDE;
            for (ptrdiff_t i = 0; i < rows; i += SIDE)
                multiply_block((const uint16_t *)left + i / SIDE * panel, (const uint16_t *)packed + j / SIDE * panel,
                               steps, false, rows - i < SIDE ? rows - i : SIDE, width, accumulate, c + i * ld_c + j,
                               ld_c);
        }
        end_tiles();
    }
}

template <typename real>
void gram_part(const real *a, ptrdiff_t ld_a, ptrdiff_t k, const real *b, ptrdiff_t ld_b, const int64_t *chosen,
               ptrdiff_t d, ptrdiff_t n, const real *scale, bool half, real *c, real *packed) {
    if constexpr (sizeof(real) == 8) {
        v4::gram_part<real>(a, ld_a, k, b, ld_b, chosen, d, n, scale, half, c, packed);
    } else {
        for (ptrdiff_t first = 0; first < n; first += AMX_GRAM_ROWS) {
            const ptrdiff_t rows = n - first < AMX_GRAM_ROWS ? n - first : AMX_GRAM_ROWS, steps = steps_of(rows);
            uint16_t *left = (uint16_t *)packed, *right = left + sides_of(k) * steps * STEP;
            const auto row_of_b = [&](ptrdiff_t row) {
                return b + (chosen ? chosen[first + row] : first + row) * ld_b;
            };
            const auto read_a = [&](ptrdiff_t row, ptrdiff_t column) {
                if (row >= rows || column >= k) return vec<real>{};
                const real *from = a + (first + row) * ld_a + column;
                prefetch(from + SIDE * ld_a);
                return load_some<real>(from, k - column);
            };
            const auto read_b = [&](ptrdiff_t row, ptrdiff_t column) {
                if (row >= rows || column >= d) return vec<real>{};
                if (row + SIDE < rows) prefetch(row_of_b(row + SIDE) + column);
                vec<real> x = load_some<real>(row_of_b(row) + column, d - column);
                if (chosen) x += (real)0.5 * read_a(row, column);
                return scale ? x * (scale[first + row] * scale[first + row]) : x;
            };
            pack_across(read_a, rows, k, left, nullptr);
            pack_across(read_b, rows, d, nullptr, right);
            begin_tiles();
            for (ptrdiff_t j = 0; j < d; j += SIDE) {
                const ptrdiff_t width = d - j < SIDE ? d - j : SIDE;
                for (ptrdiff_t i = half ? j : 0; i < k; i += SIDE)
                    multiply_block(left + i / SIDE * steps * STEP, right + j / SIDE * steps * STEP, steps, true,
                                   k - i < SIDE ? k - i : SIDE, width, first > 0, c + i * d + j, d);
            }
            end_tiles();
        }
    }
}

} // namespace wordsparse::amx
END_TARGET
#endif

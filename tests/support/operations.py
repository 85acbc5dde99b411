"""Every operation of the kernels on random arrays, with its result computed by NumPy in float64."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from support import problems
from support.arrays import normal, structure
from wordsparse.kernels.pool import ArrayPool
from wordsparse.types import Array


class Operation(NamedTuple):
    """A call of the kernels, its exact result, the largest error that rounding may cause, and the result's dtype."""

    call: Callable[[Any], Array]
    exact: Array
    atol: float
    dtype: str
    symmetric: bool = False

    def check(self, kernels):
        result = self.call(kernels)
        assert result.dtype == self.dtype
        np.testing.assert_allclose(result, self.exact, rtol=0, atol=self.atol)
        if self.symmetric:
            np.testing.assert_array_equal(result, result.T)


def of(name, *arguments, **options):
    """Return a function that calls the named method of kernels."""
    return lambda kernels: getattr(kernels, name)(*arguments, **options)


def rounding(dtype, terms):
    """Return a bound on the rounding error of a sum of ``terms`` standard normal numbers or their products."""
    return float(8 * np.finfo(dtype).eps * (terms + 4))


def dense(csr, values):
    """Return the dense matrix, with repeated entries added up."""
    out = np.zeros((csr.rows, csr.columns))
    values = values if csr.order is None else values[csr.order]
    np.add.at(out, (csr.row_of_entry, csr.indices), values)
    return out


# Each case is (rows, columns, d, entries). Cases cover every kind of empty matrix, odd sizes, more than one block (64
# and 512 rows, 1,024 columns), and rows with thousands of entries.
SPARSE = [
    (0, 3, 4, 0),
    (3, 0, 4, 0),
    (3, 2, 1, 0),
    (1, 1, 1, 1),
    (7, 5, 37, 20),
    (65, 130, 252, 1500),
    (700, 300, 33, 9000),
    (5, 9, 1030, 60),
    (4, 70, 3, 3001),
    (2, 1500, 252, 2000),
]


@cache
def sparse(dtype, rows, columns, d, entries):
    """Return operations that multiply sparse matrices by dense rows, and that select, scale and add rows."""
    csr = structure(rows, columns, entries)
    values, left, right = normal((entries,), dtype, 1), normal((rows, d), dtype, 2), normal((columns, d), dtype, 3)
    matrix, left64, right64 = dense(csr, values), left.astype(np.float64), right.astype(np.float64)
    scale, factors = normal((rows,), dtype, 4), normal((columns,), dtype, 5)
    product, terms = matrix @ right64, rounding(dtype, entries)
    pairs = (left64 @ right64.T)[csr.row_of_entry, csr.indices]
    tall, last = normal((columns + rows, d), dtype, 6), normal((rows,), dtype, 7)
    apart = np.hstack([tall, tall])[:, :d]  # a view with gaps between its rows
    chosen = np.random.default_rng(5).permutation(columns + rows)[:rows].astype(np.int64)

    def added(kernels, scale):
        changed = tall.copy()
        kernels.add_rows(changed, chosen, left, scale)
        return changed

    plus, plus_scaled = tall.astype(np.float64), tall.astype(np.float64)
    plus[chosen] += left
    plus_scaled[chosen] += scale[:, None] * left64
    return [
        Operation(of("combine", csr, values, right), product, terms, dtype),
        Operation(of("combine", csr, values, right, left, scale), product + scale[:, None] * left64, terms, dtype),
        Operation(
            lambda kernels: kernels.combine(kernels.transpose(csr), values, left), matrix.T @ left64, terms, dtype
        ),
        Operation(of("scale_columns", csr, values, factors), values * factors[csr.indices], 0, dtype),
        Operation(of("pair_dots", csr, left, right), pairs, rounding(dtype, d), dtype),
        Operation(of("sum_rows", csr, values), matrix.sum(axis=1), terms, "float64"),
        Operation(
            lambda kernels: np.array([kernels.total(values)]),
            values.sum(keepdims=True, dtype="float64"),
            1e-9,
            "float64",
        ),
        Operation(of("take", tall, chosen), tall[chosen], 0, dtype),
        Operation(of("take", apart, chosen), tall[chosen], 0, dtype),
        Operation(of("take", tall, chosen, last), np.column_stack([tall[chosen], last]), 0, dtype),
        Operation(of("scale_rows", left, scale), scale[:, None] * left64, rounding(dtype, 1), dtype),
        Operation(lambda kernels: added(kernels, None), plus, rounding(dtype, 1), dtype),
        Operation(lambda kernels: added(kernels, scale), plus_scaled, rounding(dtype, 1), dtype),
    ]


# Each case is (tokens, columns, d, reach of windows). Cases cover an empty text, a single column, sizes at and above
# blocks of 2048 tokens and strips of 2 and 6 cache lines, long windows, and more columns than a tile of the GPU holds.
WINDOWS = [
    (0, 3, 4, 2),
    (2, 2, 1, 1),
    (40, 1, 70, 2),
    (64, 7, 32, 5),
    (65, 9, 33, 1),
    (300, 20, 37, 5),
    (500, 3, 5, 255),
    (3000, 90, 100, 5),
    (700, 40, 96, 4),
    (2048, 50, 7, 3),
    (17000, 60, 130, 7),
    (150, 7, 530, 5),
]


@cache
def windows(dtype, n, columns, d, reach):
    """Return operations on the windows of a text: their means, their outputs, and their gradients."""
    bags = problems.windows(np.random.default_rng(7), n, columns, reach)
    C, m = problems.dense_bags(bags), bags.rows
    targets = np.random.default_rng(8).integers(0, columns + 1, m).astype(np.int32)  # one more output than features
    F, W = normal((columns, d), dtype, 9), normal((columns + 1, d), dtype, 10)
    zeta, gamma = normal((m,), dtype, 11), normal((m,), dtype, 12)
    H, X = C @ F.astype(np.float64), np.zeros(W.shape)
    np.add.at(X, targets, gamma[:, None] * H)
    Z, G = C.T @ (zeta[:, None] * H), C.T @ (gamma[:, None] * W[targets].astype(np.float64))
    few, some, all_of_them = (rounding(dtype, terms + 2 * reach + 64) for terms in (0, d, m))
    return [
        Operation(of("window_means", bags, F), H, few, dtype),
        Operation(of("window_dots", bags, F, targets, W), np.einsum("jd,jd->j", H, W[targets]), some, dtype),
        Operation(
            lambda kernels: np.concatenate(kernels.window_pull(bags, F, targets, W, zeta, gamma)),
            np.concatenate([X, Z, G]),
            all_of_them,
            dtype,
        ),
        Operation(
            lambda kernels: np.stack(kernels.window_sums(bags, zeta, 1 - zeta)),
            np.stack([zeta @ C, bags.share * (1 - zeta) @ C]),
            1e-12 * (m + 1),
            "float64",
        ),
    ]


# Sizes at, below and one above the sizes of blocks (96, 112, 448 and 512 rows), of tiles (6 and 14 rows, 2 vectors),
# and of sums in registers (320 terms).
PRODUCTS = [
    (0, 3, 4),
    (1, 1, 1),
    (7, 3, 5),
    (511, 9, 9),
    (1024, 37, 37),
    (9999, 17, 33),
    (128, 64, 32),
    (129, 65, 48),
    (161, 97, 49),
    (400, 300, 301),
    (449, 14, 17),
    (193, 641, 15),
    (576, 320, 43),
]


@cache
def products(dtype, n, k, d):
    """List dense products, compared with NumPy's."""
    a, b, m = normal((n, k), dtype, 1), normal((n, d), dtype, 2), normal((k, d), "float64", 3)
    a64, b64, narrow, across = a.astype(np.float64), b.astype(np.float64), m.astype("f4"), np.asfortranarray(m)
    rows, last, below = (
        np.random.default_rng(6).permutation(n)[: n // 2],
        normal((n // 2,), dtype, 7),
        np.vstack([m, m[:1]]),
    )
    weights, square, scaled = np.random.default_rng(4).random(n), normal((k, k), "float64", 10), a * a[:, :1]
    base, even, definite = normal((k, d), "float64", 5), square + square.T, square @ square.T / k + np.eye(k)
    larger, chosen = normal((2 * n + 1, k), dtype, 8), np.random.default_rng(9).permutation(2 * n + 1)[:n]
    changed = larger.astype(np.float64)
    changed[chosen] += a
    sides = a64.T @ (a64 + 1)

    def onto_ones(kernels, m):
        out = np.ones((n, d), dtype)
        assert kernels.matmul(a, m, out) is out
        return out

    def in_place(kernels, place):
        place[:] = a
        assert kernels.matmul_in_place(place, square) is place
        return place

    few, many, more = rounding(dtype, k), rounding(dtype, n), rounding(dtype, 3 * n)
    return [
        Operation(of("matmul", a, m), a64 @ m, few, dtype),
        Operation(of("matmul", a, narrow), a64 @ narrow, few, dtype),
        Operation(of("matmul", a, across), a64 @ m, few, dtype),
        Operation(lambda kernels: onto_ones(kernels, m), a64 @ m + 1, few, dtype),
        Operation(lambda kernels: onto_ones(kernels, across), a64 @ m + 1, few, dtype),
        # These arrays have gaps between their rows.
        Operation(
            lambda kernels: kernels.matmul(a[:, :-1], m[:-1], np.ones((n, d + 2), dtype)[:, 1:-1]),
            a64[:, :-1] @ m[:-1] + 1,
            few,
            dtype,
        ),
        Operation(of("matmul_rows", a, rows, m), a64[rows] @ m, few, dtype),
        Operation(
            of("matmul_rows", a, rows, below, last),
            np.column_stack([a64[rows], last]) @ below,
            rounding(dtype, k + 1),
            dtype,
        ),
        # Arrays from the pool have gaps between rows; NumPy arrays have no gaps.
        Operation(lambda kernels: in_place(kernels, ArrayPool().rows(n, k, dtype)), a64 @ square, few, dtype),
        Operation(lambda kernels: in_place(kernels, np.empty((n, k), dtype)), a64 @ square, few, dtype),
        Operation(of("gram", a, b), a64.T @ b64, many, "float64"),
        Operation(of("gram", a[:, 1:], b[:, 1:]), a64[:, 1:].T @ b64[:, 1:], many, "float64"),
        # On the diagonal, no terms cancel, so rounding errors are larger than elsewhere.
        Operation(of("gram", a), a64.T @ a64, more, "float64", True),
        Operation(of("gram", a, scaled, symmetric=True), a64.T @ scaled, more, "float64", True),
        Operation(of("plus_gram", base, a, b), base + a64.T @ b64, many, "float64"),
        Operation(of("plus_gram", base, a, b, 0.5, -0.25), base / 2 - a64.T @ b64 / 4, many, "float64"),
        Operation(
            of("plus_gram", even, a, a + 1, 0.5, -0.25, symmetric=True),
            even / 2 - (sides + sides.T) / 4,
            more,
            "float64",
            True,
        ),
        Operation(
            of("gram_change", larger, chosen, a),
            changed.T @ changed - larger.T.astype(np.float64) @ larger,
            rounding(dtype, 4 * n),
            "float64",
            True,
        ),
        Operation(of("weighted_gram", a, weights), a64.T @ (weights[:, None] * a64), more, "float64", True),
        Operation(
            of("column_sums", a, weights), a64.T @ weights, rounding(dtype, n if dtype == "float64" else 64), "float64"
        ),
        Operation(of("row_dots", a, scaled), np.einsum("ij,ij->i", a64, scaled), rounding(dtype, 4 * k), "float64"),
        Operation(of("inverse", definite), np.linalg.inv(definite), 1e-9, "float64"),
    ]


SHAPES = [
    *((sparse, shape) for shape in SPARSE),
    *((windows, shape) for shape in WINDOWS),
]
SHAPES += [(products, shape) for shape in PRODUCTS]

"""The interface between the algebra and the machine: the functions that every set of kernels computes."""

from typing import Any, Protocol

from numpy.typing import NDArray

from wordsparse.kernels.structures import Csr, Windows

Array = NDArray[Any]


class Kernels(Protocol):
    """The interface between the algebra and the machine. Arrays in, new arrays out (unless said otherwise).

    Arrays are those of ``xp``, which is NumPy or a module with its functions (CuPy, whose arrays are on the GPU).
    """

    @property
    def xp(self) -> Any:
        """The module whose arrays these kernels take."""

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""

    @property
    def threads(self) -> int:
        """How many threads of the host they work on."""

    def to_device(self, array: Array) -> Array:
        """A NumPy array as one of ``xp``; one of ``xp`` as it is."""

    def to_host(self, array: Array) -> Array:
        """An array of ``xp`` as one of NumPy."""

    def inverse(self, matrix: Array) -> Array:
        """The inverse (n, n), or that of each of several matrices (k, n, n), in their precision; not finite where one
        is singular, so that its condition number says so."""

    def row_of_entry(self, csr: Csr) -> Array:
        """The row of each stored entry, int64 (entries,)."""

    def sum_rows(self, csr: Csr, values: Array) -> Array:
        """The sum of each row's values, float64 (rows,)."""

    def loss_sums(
        self,
        loss: str,
        constants: tuple[float, ...],
        csr: Csr,
        y: Array,
        o: Array,
        q: Array | None,
        s: Array | None,
        total: float,
    ) -> tuple[Array, Array, Array, Array] | None:
        """``loss_pass.per_example`` of the built-in loss of that class and constants in one pass, zeros for q and s
        that are None; or None, where array operations are to do it."""

    def target_terms(self, loss: str, y: Array, o: Array) -> tuple[float, Array] | None:
        """Σ y t(o) and the array y t'(o) of the built-in linear loss of that class in one pass; or None, where array
        operations are to do it."""

    def window_sums(self, windows: Windows, values: Array, *, squared: bool = False) -> Array:
        """Cᵀ values for one number a bag, float64 (columns,). ``squared``: the share of each of a bag's tokens by
        itself once more; repeats inside a bag still count one by one."""

    def scale_columns(self, csr: Csr, values: Array, scale: Array) -> Array:
        """The value of each stored entry (entries,) times a factor for its column, of the same dtype."""

    def take(self, matrix: Array, rows: Array, last: Array | None = None) -> Array:
        """``matrix[rows]``, with ``last`` (u,) as one more column where given."""

    def add_rows(self, matrix: Array, rows: Array, change: Array, scale: Array | None = None) -> None:
        """``matrix[rows] += diag(scale) change`` in place; ``rows`` are distinct."""

    def scale_rows(self, matrix: Array, scale: Array) -> Array:
        """``diag(scale) matrix``, one number of the same dtype a row."""

    def column_sums(self, matrix: Array, weights: Array) -> Array:
        """``matrixᵀ weights`` for one number a row, (d,) float64."""

    def transpose(self, csr: Csr) -> Csr:
        """The structure of the transpose, reading the values of the original."""

    def pair_dots(self, csr: Csr, left: Array, right: Array) -> Array:
        """``left[r] · right[c]`` for every stored entry (r, c)."""

    def row_dots(self, left: Array, right: Array) -> Array:
        """``left[r] · right[r]`` for every row, (n,) float64."""

    def combine(
        self, csr: Csr, values: Array, rows: Array, base: Array | None = None, scale: Array | None = None
    ) -> Array:
        """The sparse matrix (structure ``csr``, values ``values``) times ``rows``, plus ``diag(scale) base`` where
        given."""

    def sparse_gram(self, csr: Csr, transposed: Csr, values: Array, out: Array) -> None:
        """``out`` (rows, rows) += the sparse matrix times its transpose, whose structure is ``transposed``."""

    def window_dots(self, windows: Windows, features: Array, targets: Array, rows: Array) -> Array:
        """``h_j · rows[targets_j]``, h_j the mean of ``features`` over bag j; (m,)."""

    def window_means(self, windows: Windows, features: Array) -> Array:
        """H, every h_j, (m, d)."""

    def window_pull(
        self, windows: Windows, features: Array, targets: Array, rows: Array, zeta: Array, gamma: Array
    ) -> tuple[Array, Array, Array]:
        """``ΓᵀH`` shaped like ``rows``, ``Cᵀ diag(zeta) H`` and ``CᵀΓ rows`` shaped like ``features``: C the bags, Γ
        with one ``gamma_j`` in each row j, at column ``targets_j``. ``rows`` are overwritten: the first may take their
        place."""

    def matmul(self, a: Array, m: Array, out: Array | None = None) -> Array:
        """``a m``, in a's dtype; added to ``out`` where given."""

    def matmul_in_place(self, a: Array, m: Array) -> Array:
        """``a ← a m``, m square; a itself."""

    def matmul_rows(self, matrix: Array, rows: Array, m: Array, last: Array | None = None) -> Array:
        """``matrix[rows] m``, in the matrix's dtype, with ``last`` (u,) as one more column of the rows where given."""

    def transform(self, matrix: Array, m: Array, last: Array | None = None) -> None:
        """``matrix ← matrix m`` in place, in float64 until each row is rounded; with ``last`` (n,) float64 as one more
        column of the matrix where given. m is float64, and has as many columns as the matrix."""

    def gram(self, a: Array, b: Array | None = None, *, symmetric: bool = False) -> Array:
        """``aᵀ b`` in float64; ``aᵀ a`` without b. ``symmetric``: aᵀ b is known to be, and comes out so exactly."""

    def gram_change(self, matrix: Array, rows: Array, change: Array) -> Array:
        """By how much ``matrixᵀ matrix`` grows with ``matrix[rows] += change``; float64, symmetric. ``rows`` are
        distinct."""

    def plus_gram(
        self, matrix: Array, a: Array, b: Array, keep: float = 1.0, by: float = 1.0, *, symmetric: bool = False
    ) -> Array:
        """``keep·matrix + by·aᵀ b`` in float64, the product in a's dtype; ``aᵀ b + bᵀ a`` for it if ``symmetric``."""

    def weighted_gram(self, a: Array, weights: Array) -> Array:
        """``aᵀ diag(weights) a`` in float64, symmetric to the last bit; no weight is negative."""

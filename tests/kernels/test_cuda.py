"""The CUDA kernels without a device: compiled for every architecture, and their logic run on the emulated device."""

import shutil
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray
from support import problems
from support.emulation import compiler, cuda_kernels, nvrtc
from support.emulation.compiler import LaunchError, compile_kernels
from support.emulation.hostface import HostFace

from wordsparse.kernels import Csr, NumpyKernels, cuda
from wordsparse.layer import loss_pass, losses
from wordsparse.layer.losses import BoundedNS, LinearLoss, Loss, Spherical, Squared, Taylor, ZLoss

Array = NDArray[Any]
ARCHITECTURES = ("sm_70", "sm_80", "sm_86", "sm_89", "sm_90")
# Each d takes another number of columns a lane; the last ones more than one tile.
WIDTHS = (1, 31, 33, 65, 97, 150, 225, 300, 301, 390, 800)
needs_compiler = pytest.mark.skipif(compiler.COMPILER is None, reason=compiler.MISSING)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sources_compile_for_every_architecture_without_a_warning(architecture: str) -> None:
    if nvrtc.library() is None and (shutil.which("nvcc") is None or architecture == "sm_70"):
        pytest.skip("neither nvidia-cuda-nvrtc-cu12 nor an nvcc that knows this architecture is installed")
    assert nvrtc.compile_for(architecture, cuda.source(), cuda.instances()) == ""


def test_the_device_compiler_refuses_what_is_wrong() -> None:
    if nvrtc.library() is None:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")
    with pytest.raises(nvrtc.CompileError, match="undefined"):
        nvrtc.compile_for("sm_80", cuda.source().replace("indptr[middle]", "index[middle]"), cuda.instances())


def test_constants_are_those_of_the_sources() -> None:
    for line in ("WARP = 32", "ENTRIES_PER_WARP = 64", "CARRY_WARPS = 8", "RUN = 32", "COLUMNS = 2", "MAX_WARPS = 8"):
        assert f"constexpr int {line};" in cuda.source()
    assert (cuda.WARP, cuda.ENTRIES_PER_WARP, cuda.WARPS_PER_BLOCK) == (32, 64, 8)
    assert (cuda.RUN, cuda.COLUMNS, cuda.MAX_WARPS) == (32, 2, 8)


@pytest.mark.parametrize("d", range(1, 1500, 7))
def test_tiles_cover_the_columns_once(d: int) -> None:
    tile = 32 * cuda._parts(d)
    assert cuda._parts(d) in cuda.PARTS
    tiles = -(-d // tile)
    assert tiles * tile >= d > (tiles - 1) * tile


def difference(kernels: HostFace, d: int, lengths: list[int], columns: int) -> float:
    """How far the device's kernels are from NumPy's on rows of these lengths; inf where a launch is refused."""
    plain, random = NumpyKernels(), np.random.default_rng(d)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries, rows = int(indptr[-1]), len(lengths)
    csr = Csr(indptr, random.integers(0, columns, entries).astype(np.int32), columns)
    values, left, right = (random.standard_normal(shape) for shape in (entries, (rows, d), (columns, d)))
    flipped = plain.transpose(csr)
    chosen = random.permutation(columns)[:rows]
    sides = []
    for side in (kernels, plain):
        matrix = right.copy()
        side.add_rows(matrix, chosen, left[: len(chosen)], values[: len(chosen)] if entries >= rows else None)
        sides.append(
            [
                side.combine(csr, values, right),
                side.combine(flipped, values, left),
                side.pair_dots(csr, left, right),
                matrix,
            ]
        )
    return max(float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0)) for a, b in zip(*sides, strict=True))


# Rows: one long one between others; all of them empty but one; starts and ends at the warps' borders of 64 entries;
# more warps than one block sums the carries of.
STRUCTURES = {
    "long": [3, 0, 700, 0, 0, 1, 5],
    "lonely": [0, 0, 0, 40, 0, 0],
    "borders": [64, 64, 128, 63, 1, 65, 127, 0, 64],
    "one": [1],
    "one-row": [1000],
    "many": [1, 2] * 90,
    "several-long": [200, 3, 500, 300, 65],
}
# A single column, a few lanes of a second part, and two tiles.
WORST_WIDTHS = (1, 33, 390)


def worst(kernels: HostFace, widths: tuple[int, ...] = WORST_WIDTHS) -> float:
    with mock.patch.object(cuda, "CARRY_BLOCKS", 2), np.errstate(all="ignore"):
        try:
            return max(difference(kernels, d, lengths, 11) for lengths in STRUCTURES.values() for d in widths)
        except LaunchError:
            return float("inf")


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("d", WIDTHS)
def test_the_logic_of_the_kernels(d: int, name: str) -> None:
    assert difference(HostFace(cuda_kernels(emulated=True)), d, STRUCTURES[name], 9) < 1e-11


# Places and reach: no place, no bag, runs of 32 met and crossed, windows within one and over several of them.
TEXTS = {"nothing": (0, 1), "no bag": (1, 2), "runs": (64, 1), "crossed": (150, 5), "wide": (120, 70)}
# A single column, two of a thread, two tiles.
WORST_WINDOW_WIDTHS = (1, 65, 530)


def window_difference(kernels: HostFace, d: int, n: int, reach: int) -> float:
    """How far the windows' kernels are from plain products where each distance has a weight of its own."""
    random, columns = np.random.default_rng(n + d), 7
    windows = problems.windows(random, n, columns, reach)
    by_distance = random.random(reach) + 0.5
    C, m = np.zeros((windows.rows, columns)), windows.rows
    for j, (i, start, stop) in enumerate(zip(windows.centre, windows.start, windows.stop, strict=True)):
        for p in set(range(start, stop)) - {i}:
            C[j, windows.tokens[p]] += by_distance[abs(p - i) - 1]
    F, W, zeta, gamma = (random.standard_normal(shape) for shape in ((columns, d), (columns + 1, d), m, m))
    targets = random.integers(0, columns + 1, m).astype(np.int32)
    Gamma = np.zeros((m, columns + 1))
    Gamma[np.arange(m), targets] = gamma
    B = windows.share[:, None] * C
    table = kernels.kernels.to_device(by_distance)
    with mock.patch.object(kernels.kernels, "_by_distance", return_value=table):
        found = (
            kernels.window_means(windows, F),
            kernels.window_dots(windows, F, targets, W),
            *kernels.window_pull(windows, F, targets, W, zeta, gamma),
            kernels.window_sums(windows, zeta),
        )
    H = B @ F
    expected = (H, (H * W[targets]).sum(1), Gamma.T @ H, B.T @ (zeta[:, None] * H), B.T @ Gamma @ W, zeta @ B)
    return max(
        float(np.nan_to_num(np.abs(a - b), nan=np.inf).max(initial=0)) for a, b in zip(found, expected, strict=True)
    )


def worst_window(kernels: HostFace) -> float:
    with np.errstate(all="ignore"):
        try:
            return max(window_difference(kernels, d, *text) for d in WORST_WINDOW_WIDTHS for text in TEXTS.values())
        except LaunchError:
            return float("inf")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("d", [*WORST_WINDOW_WIDTHS, 31, 300])
def test_the_logic_of_the_kernels_of_windows(d: int, name: str) -> None:
    assert window_difference(HostFace(cuda_kernels(emulated=True)), d, *TEXTS[name]) < 1e-11


def test_places_are_sorted_once_for_one_minibatch() -> None:
    kernels, random = cuda_kernels(emulated=True), np.random.default_rng(0)
    for _ in range(2):
        windows = problems.windows(random, 40, 5, 2).moved(kernels.to_device)
        first = kernels._places(windows)
        assert kernels._places(windows) is first
        owners = kernels.to_host(windows.tokens)[kernels.to_host(first[0])]
        owners = np.where(owners < 0, 5, owners)
        assert (np.diff(owners) >= 0).all()
        np.testing.assert_array_equal(kernels.to_host(first[1]), np.searchsorted(owners, np.arange(7)))


# Every loss that has a kernel, with constants that are not its defaults.
FUSED = {
    "bounded-ns": BoundedNS(3.5),
    "bounded-ns, touching": BoundedNS(3.5, 2.0),
    "squared": Squared(0.7),
    "spherical": Spherical(0.2),
    "taylor": Taylor(),
    "zloss": ZLoss(0.4, 3.0),
}


def loss_difference(kernels: HostFace, loss: Loss, dtype: str = "float64") -> float:
    """How far a loss's kernel is from its definition, relative to what is largest in each result."""
    plain, random = NumpyKernels(), np.random.default_rng(0)
    lengths = [3, 0, 250, 0, 1, 40, 7]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries, m, total = int(indptr[-1]), len(lengths), 1.5
    csr = Csr(indptr, np.zeros(entries, np.int32), 1)
    y, o = (random.random(entries) + 0.5).astype(dtype), (3 * random.standard_normal(entries)).astype(dtype)
    o[:4] = 0, 50, -50, 1e-3
    s = random.standard_normal(m)
    q = s * s / total + random.random(m)
    q[2] = s[2] ** 2 / total  # no spread
    sides = []
    for side in (kernels, plain):
        all_of_it = loss_pass.per_example(loss, csr, y, o, q, s, total, side)
        sides.append([*all_of_it])
        if isinstance(loss, LinearLoss):
            of_targets, rest = loss_pass.of_targets(loss, csr, y, o, total, side)
            sides[-1] += [np.array(of_targets), *rest]
    with np.errstate(all="ignore"):
        errors = [np.abs(a - b) / max(np.abs(b).max(initial=0), 1e-3) for a, b in zip(*sides, strict=True)]
    return max(float(np.nan_to_num(error, nan=np.inf).max(initial=0)) for error in errors)


def worst_loss(kernels: HostFace) -> float:
    try:
        return max(loss_difference(kernels, loss) for loss in FUSED.values())
    except LaunchError:
        return float("inf")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUSED)
def test_the_kernel_of_a_loss_is_its_definition(name: str, dtype: str) -> None:
    face = HostFace(cuda_kernels(emulated=True))
    assert loss_difference(face, FUSED[name], dtype) < (1e-12 if dtype == "float64" else 3e-6)


def test_every_built_in_loss_has_a_kernel_and_no_other() -> None:
    kernels = cuda_kernels(emulated=True)
    assert {type(loss).__name__ for loss in FUSED.values()} == set(cuda.LOSSES)
    assert {type(loss) for loss in FUSED.values()} == set(losses.LOSSES.values())

    class Mine(Taylor):
        """Of the same name, with terms of its own."""

        def terms(self, o: Any, q: Any, s: Any, total: float) -> Any:
            return losses.Terms(0 * o + 7, 0 * o, 0 * o, 0 * o)

    assert loss_difference(HostFace(kernels), Mine()) < 1e-12


# A mistake in the sources, which line by line could have been made; each has to be found.
MUTATIONS = {
    "entries: one too many": ("last = smaller(first + ENTRIES_PER_WARP, entries);", "entries", "entries + 1"),
    "entries: one too few": ("smaller(first + ENTRIES_PER_WARP, entries);\n    const int", "entries)", "entries - 1)"),
    "index read beyond the entries": ("const int partner = mine < last", "mine < last", "mine < last + WARP"),
    "columns: one too many": ("if (column + part * WARP < d) sum[part] += scale", "< d", "<= d"),
    "columns: stored beyond the row": ("if (column + part * WARP < d) out[column", "< d", "< d + 1"),
    "columns: the last tile left out": ("Position(blockIdx.y) * (WARP * PARTS) + lane", "blockIdx.y", "0"),
    "sums not cleared": ("        sum[part] = 0;\n", "sum[part] = 0", "(void)0"),
    "row taken from its end": ("if (indptr[middle] <= entry)", "<=", "<"),
    "empty rows not skipped": ("if (stop == entry) find(indptr, rows, entry);", "stop == entry", "false"),
    "row changed too late": ("if (base + k == row.stop) row.advance", "base + k ==", "base + k - 1 =="),
    "order of the values ignored": ("order == nullptr ? mine : order[mine]", "order[mine]", "mine"),
    "owner of a carry missed at a border": ("row.start >= first - ENTRIES_PER_WARP", ">=", ">"),
    "owner claimed twice": ("row.start >= first - ENTRIES_PER_WARP", "first", "first - first"),
    "one carry too few": ("ENTRIES_PER_WARP - warp + 1;", "+ 1", ""),
    "one carry too many": ("(indptr[row + 1] - 1) / ENTRIES_PER_WARP", "- 1", ""),
    "no barrier before the sum": ("partial[share][lane] = sum;\n        __syncthreads();", "__syncthreads();", ""),
    "no barrier before the next row": ("__syncthreads();  // before", "__syncthreads();", ""),
    "barrier in a branch": ("if (row < 0) continue;", "row < 0", "row < 0 || share == 7"),
    "half of the lanes summed": ("distance = WARP / 2; distance > 0", "WARP / 2", "WARP / 4"),
    "rows added to one further": ("matrix + rows[i] * d", "rows[i]", "(rows[i] + 1)"),
    "one row too many": ("if (i >= count) return;", ">=", ">"),
}  # fmt: skip


TILES = "for (Position column = threadIdx.x; column < d; column += tile_columns()) {"
BEGIN = "Position begin = nearest;"
WINDOW_MUTATIONS = {
    "the centre in its own bag": ("const int p = k < centre ? k : k + 1;", "k < centre ? k : k + 1", "k"),
    "the last token left out": ("k < stop - 1; ++k", "stop - 1", "stop - 2"),
    "one token too many": ("k < stop - 1; ++k", "stop - 1", "stop"),
    "the next distance's weight": ("by_distance[distance(p, centre) - 1]", " - 1", ""),
    "distances of one side only": ("return a < b ? b - a : a - b;", "b - a : a - b", "b - a : b - a"),
    "means: of another bag's share": ("= share[j] * sum[i];", "share[j]", "share[first]"),
    "means: a run too long": ("last = smaller(first + RUN, bags);\n    for (Position column", "bags", "bags + 1"),
    "means: stored beyond the row": ("< d) out[j * d", "< d", "<= d"),
    "a column too many": ("< d) sum[i] += scale", "< d", "<= d"),
    "half of the tiles": ("Position(blockDim.x) * COLUMNS;", "COLUMNS", "COLUMNS * 2"),
    "dots: the run's first target": ("W + targets[j] * d", "targets[j]", "targets[first]"),
    "dots: of another bag's share": ("share[first + threadIdx.x] * dot", "first + threadIdx.x", "first"),
    "dots: no barrier": ("__syncthreads();\n    if (threadIdx.x < last", "__syncthreads();", ""),
    "dots: a warp's columns left out": ("warp < int(blockDim.x) / WARP; ++warp", "WARP;", "WARP - 1;"),
    "dots: the columns of one lane": ("dot = sum_of_lanes(dot);", "sum_of_lanes(dot)", "T(1) * dot"),
    "dots: written beyond the bags": ("if (threadIdx.x < last - first)", "last - first", "RUN"),
    "received: the first bag missed": ("if (centre[middle] < place)", "<", "<="),
    "received: searched too late": ("first_bag(centre, bags, first - reach)", "first - reach", "first"),
    "received: left behind too early": ("centre[begin] < p - reach", "<", "<="),
    "received: the farthest bag missed": ("centre[j] <= p + reach", "<=", "<"),
    "received: from its own bag": ("if (centre[j] == p || p", "centre[j] == p || p", "p"),
    "received: before the window": ("p < start[j]", "start[j]", "start[j] - 1"),
    "received: the window's first place missed": ("p < start[j]", "<", "<="),
    "received: past the window": ("p >= stop[j]", ">=", ">"),
    "received: rows of bags for rows of targets": ("index == nullptr ? j : index[j]", ": index[j]", ": j"),
    "received: bags past the last one": ("j < bags && centre[j]", "j < bags && ", ""),
    "received: the second tile begins where the first ended": (
        f"{TILES}\n        {BEGIN}", f"{TILES}\n        {BEGIN}", f"{BEGIN}\n    {TILES}"
    ),
}  # fmt: skip


LOSS_MUTATIONS = {
    "an entry too many": ("if (entry >= entries) return;", ">=", ">"),
    "the first example's sums": ("q_j = q == nullptr ? 0 : q[example]", "q[example]", "q[0]"),
    "the weight left out": ("const double weight = y[entry];", "y[entry]", "y[0]"),
    "sums change places": ("sums[3 * entry + 1] = weight * terms.dq", "terms.dq", "terms.ds"),
    "the slope is not weighted": ("T(weight * terms.d_o)", "weight", "1"),
    "bounded-ns: half of a share": ("dq = a * by_square / total", "a *", "2 * a *"),
    "bounded-ns: the sign of o": ("fmax(-o, 0.0) + log1p", "-o", "o"),
    "bounded-ns: the constant twice": ("+ a * constant + dq", "a *", "2 * a *"),
    "bounded-ns: touching twice as far": ("tanh(xi / 2)", "xi / 2", "xi"),
    "bounded-ns: the limit's size": ("(1 - xi * xi / 12) / 8", "/ 8", "/ 4"),
    "bounded-ns: a constant of the limit": ("log1p(exp(-xi)) - by_square * xi * xi", "by_square * xi * xi", "0"),
    "bounded-ns: the slope's branch": ("-(o >= 0 ? small : 1.0)", ">=", "<"),
    "squared: the target's square": ("q + a * a - 2 * a * o", "a * a -", "a -"),
    "squared: the slope of target 1": ("1.0, 0.0, -2 * a}", "2 * a", "2"),
    "spherical: epsilon twice": ("normaliser = q + total * a", "total * a", "2 * total * a"),
    "spherical: no epsilon": ("score = o * o + a;", "+ a", "+ 0"),
    "taylor: q for its half": ("total + s + q / 2", "q / 2", "q"),
    "taylor: the slope at zero": ("1 / normaliser, -(1 + o) / score", "1 + o", "o"),
    "zloss: the mean of a sum": ("mean = s / total", "s / total", "s"),
    "zloss: nothing is rounding": ("64 * 2.220446049250313e-16", "64 *", "0 *"),
    "zloss: mu by s alone": ("(-precision - 2 * mean * by_variance)", "2 * mean", "0 * mean"),
    "zloss: a left out": ("log1p(small)) / a", " / a", ""),
}  # fmt: skip


def mutated(context: str, old: str, new: str) -> str:
    code = cuda.source()
    assert context in code
    assert old in context
    return code.replace(context, context.replace(old, new))


@needs_compiler
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_in_the_sources_is_found(name: str) -> None:
    kernels = cuda_kernels(emulated=True)
    module = kernels.xp.RawModule(code=mutated(*MUTATIONS[name]), name_expressions=INSTANCES)
    with mock.patch.object(cuda, "_compiled", lambda _, kernel: module.get_function(kernel)):
        assert worst(HostFace(kernels)) > 1e-6


@needs_compiler
@pytest.mark.parametrize("name", WINDOW_MUTATIONS)
def test_a_mistake_in_the_kernels_of_windows_is_found(name: str) -> None:
    kernels = cuda_kernels(emulated=True)
    module = kernels.xp.RawModule(code=mutated(*WINDOW_MUTATIONS[name]), name_expressions=WINDOW_INSTANCES)
    with mock.patch.object(cuda, "_compiled", lambda _, kernel: module.get_function(kernel)):
        assert worst_window(HostFace(kernels)) > 1e-6


@needs_compiler
@pytest.mark.parametrize("name", LOSS_MUTATIONS)
def test_a_mistake_in_the_kernels_of_losses_is_found(name: str) -> None:
    kernels = cuda_kernels(emulated=True)
    module = kernels.xp.RawModule(code=mutated(*LOSS_MUTATIONS[name]), name_expressions=LOSS_INSTANCES)
    with mock.patch.object(cuda, "_compiled", lambda _, kernel: module.get_function(kernel)):
        assert worst_loss(HostFace(kernels)) > 1e-6


# What `worst`, `worst_window` and `worst_loss` need, in float64.
INSTANCES = [f"combine<double, {cuda._parts(d)}>" for d in WORST_WIDTHS]
INSTANCES += ["combine_carry<double>", "pair_dots<double>", "add_rows<double>"]
LOSS_INSTANCES = [f"loss_terms<double, {name}>" for name in cuda.LOSSES]
LOSS_INSTANCES += ["combine<double, 1>", "combine_carry<double>"]
WINDOW_INSTANCES = [f"combine<double, {parts}>" for parts in sorted({cuda._parts(d) for d in WORST_WINDOW_WIDTHS})]
WINDOW_INSTANCES += [f"{name}<double>" for name in ("combine_carry", "window_means", "window_dots", "window_received")]


@needs_compiler
def test_without_a_mistake_the_same_test_passes() -> None:
    assert worst(HostFace(cuda_kernels(emulated=True))) < 1e-11
    assert worst_window(HostFace(cuda_kernels(emulated=True))) < 1e-11


BAD_KERNELS: dict[str, tuple[str, str]] = {
    "beyond the end": ("out[threadIdx.x + 1] = 1;", "illegal memory access"),
    "before the beginning": ("out[int(threadIdx.x) - 1] = 1;", "beside an array"),
    "a race": ("out[0] = threadIdx.x;", "order of threads"),
    "a read before the beginning": ("out[threadIdx.x] = out[int(threadIdx.x) - 1];", "illegal memory access"),
    "nobody wrote": ("__shared__ double s[64]; if (threadIdx.x == 7) out[3] = s[0]; s[0] = threadIdx.x;", "order of"),
    "divergent shuffle": ("if (threadIdx.x < 9) out[0] = __shfl_sync(0xffffffffu, 1.0, 0);", "not every thread"),
    "divergent barrier": ("for (unsigned i = 0; i < threadIdx.x; ++i) __syncthreads(); "
                          "out[0] = __shfl_sync(0xffffffffu, 1, 0);", "not every thread"),
    "part of a mask": ("out[threadIdx.x] = __shfl_sync(0xffffu, 1.0, 0);", "arithmetic overflowed"),
    "overflow": ("int big = 2147483647 - 60; out[0] = big + int(threadIdx.x) > 5;", "arithmetic overflowed"),
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", BAD_KERNELS)
def test_the_emulator_refuses(name: str) -> None:
    body, message = BAD_KERNELS[name]
    code = "__global__ void bad(double* out) { " + body + " }"
    with pytest.raises(LaunchError, match=message):
        compile_kernels(code, ("bad",))["bad"]((1,), (64,), (np.zeros(64),))


ARGUMENTS: dict[str, tuple[Callable[[], tuple[Any, ...]], str]] = {
    "too few": (lambda: (np.zeros(3),), "1 arguments for 2"),
    "another dtype": (lambda: (np.zeros(3, np.float32), np.int64(3)), "argument 0 is float32"),
    "another size of a number": (lambda: (np.zeros(3), np.int32(3)), "argument 1 is int32"),
    "a number of Python's": (lambda: (np.zeros(3), 3), "argument 1 is int"),
    "gaps": (lambda: (np.zeros(6)[::2], np.int64(3)), "not contiguous"),
}


@needs_compiler
@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_emulator_checks_arguments(name: str) -> None:
    make, message = ARGUMENTS[name]
    kernel = compile_kernels("__global__ void fill(double* x, long long n) { x[n - 1] = 1; }", ("fill",))["fill"]
    with pytest.raises(LaunchError, match=message):
        kernel((1,), (32,), make())
    with pytest.raises(LaunchError, match="refuses a grid"):
        kernel((1, 70_000), (32,), (np.zeros(3), np.int64(3)))

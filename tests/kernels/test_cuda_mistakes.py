"""A mistake in the sources of the CUDA kernels is found by the comparison with NumPy on the emulated device."""

from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import pytest
from support.cuda_comparison import WORST_WIDTHS, WORST_WINDOW_WIDTHS, needs_compiler, worst, worst_loss, worst_window
from support.emulation import cuda_kernels
from support.emulation.host_adapter import HostAdapter

from wordsparse.kernels import cuda
from wordsparse.layer.losses import LOSSES

pytestmark = pytest.mark.nightly

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
    "the centre in its own bag": ("const int p = k < centre ? k : k + 1;", "k : k + 1", "k : k"),
    "the last token left out": ("k < stop - 1; ++k", "stop - 1", "stop - 2"),
    "one token too many": ("k < stop - 1; ++k", "stop - 1", "stop"),
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


# Float64 instances of the kernels that each comparison runs.
INSTANCES = [f"combine<double, {cuda._parts(d)}>" for d in WORST_WIDTHS]
INSTANCES += ["combine_carry<double>", "pair_dots<double>", "add_rows<double>"]
LOSS_INSTANCES = [f"loss_terms<double, {loss.cuda}>" for loss in LOSSES.values()]
LOSS_INSTANCES += ["combine<double, 1>", "combine_carry<double>"]
WINDOW_INSTANCES = [f"combine<double, {parts}>" for parts in sorted({cuda._parts(d) for d in WORST_WINDOW_WIDTHS})]
WINDOW_INSTANCES += [f"{name}<double>" for name in ("combine_carry", "window_means", "window_dots", "window_received")]


class Comparison(NamedTuple):
    """Mistakes, and the comparison with NumPy that must find each of them."""

    mistakes: dict[str, tuple[str, str, str]]
    instances: list[str]
    worst: Callable[[HostAdapter], float]


COMPARISONS = {
    "rows": Comparison(MUTATIONS, INSTANCES, worst),
    "windows": Comparison(WINDOW_MUTATIONS, WINDOW_INSTANCES, worst_window),
    "losses": Comparison(LOSS_MUTATIONS, LOSS_INSTANCES, worst_loss),
}


@needs_compiler
@pytest.mark.parametrize(
    ("of", "name"), [(of, name) for of, comparison in COMPARISONS.items() for name in comparison.mistakes]
)
def test_a_mistake_in_the_sources_is_found(of: str, name: str) -> None:
    kernels, comparison = cuda_kernels(emulated=True), COMPARISONS[of]
    code = mutated(*comparison.mistakes[name])
    module = kernels.xp.RawModule(code=code, name_expressions=comparison.instances)
    with mock.patch.object(cuda, "_compiled", lambda _, kernel: module.get_function(kernel)):
        assert comparison.worst(HostAdapter(kernels)) > 1e-6


@needs_compiler
@pytest.mark.parametrize("of", COMPARISONS)
def test_without_a_mistake_the_same_test_passes(of: str) -> None:
    assert COMPARISONS[of].worst(HostAdapter(cuda_kernels(emulated=True))) < 1e-11

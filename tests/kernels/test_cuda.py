"""The CUDA kernels without a device: compiled for every architecture, and their logic run on the emulated device."""

import shutil
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import problems
from support.cuda_comparison import (
    FUSED,
    STRUCTURES,
    TEXTS,
    WORST_WINDOW_WIDTHS,
    difference,
    loss_difference,
    window_difference,
)
from support.emulation import cuda_kernels, nvrtc
from support.emulation.host_adapter import HostAdapter

from wordsparse.kernels import cuda, mapped
from wordsparse.layer import losses
from wordsparse.layer.losses import Taylor

pytestmark = pytest.mark.nightly

Array = NDArray[Any]
STRUCTS = [loss.cuda for loss in losses.LOSSES.values()]
ARCHITECTURES = ("sm_70", "sm_80", "sm_86", "sm_89", "sm_90")
# Each d takes another number of columns a lane; the last ones more than one tile.
WIDTHS = (1, 31, 33, 65, 97, 150, 225, 300, 301, 390, 800)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sources_compile_for_every_architecture_without_a_warning(architecture: str) -> None:
    if nvrtc.library() is None and (shutil.which("nvcc") is None or architecture == "sm_70"):
        pytest.skip("neither nvidia-cuda-nvrtc-cu12 nor an nvcc that knows this architecture is installed")
    assert nvrtc.compile_for(architecture, cuda.source(), cuda.instances(STRUCTS)) == ""


def test_the_device_compiler_refuses_what_is_wrong() -> None:
    if nvrtc.library() is None:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")
    with pytest.raises(nvrtc.CompileError, match="undefined"):
        nvrtc.compile_for("sm_80", cuda.source().replace("indptr[middle]", "index[middle]"), cuda.instances(STRUCTS))


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


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("d", WIDTHS)
def test_the_logic_of_the_kernels(d: int, name: str) -> None:
    assert difference(HostAdapter(cuda_kernels(emulated=True)), d, STRUCTURES[name], 9) < 1e-11


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("d", [*WORST_WINDOW_WIDTHS, 31, 300])
def test_the_logic_of_the_kernels_of_windows(d: int, name: str) -> None:
    assert window_difference(HostAdapter(cuda_kernels(emulated=True)), d, *TEXTS[name]) < 1e-11


def test_places_are_sorted_once_for_one_minibatch() -> None:
    kernels, random = cuda_kernels(emulated=True), np.random.default_rng(0)
    for _ in range(2):
        windows = mapped(problems.windows(random, 40, 5, 2), kernels.to_device)
        first = kernels._places(windows)
        assert kernels._places(windows) is first
        owners = kernels.to_host(windows.tokens)[kernels.to_host(first[0])]
        owners = np.where(owners < 0, 5, owners)
        assert (np.diff(owners) >= 0).all()
        np.testing.assert_array_equal(kernels.to_host(first[1]), np.searchsorted(owners, np.arange(7)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUSED)
def test_the_kernel_of_a_loss_is_its_definition(name: str, dtype: str) -> None:
    face = HostAdapter(cuda_kernels(emulated=True))
    assert loss_difference(face, FUSED[name], dtype) < (1e-12 if dtype == "float64" else 3e-6)


def test_every_built_in_loss_has_a_kernel_and_no_other() -> None:
    kernels = cuda_kernels(emulated=True)
    assert {type(loss) for loss in FUSED.values()} == set(losses.LOSSES.values())
    assert all(loss.cuda for loss in losses.LOSSES.values())

    class Mine(Taylor):
        """Of the same name, with terms of its own."""

        def terms(self, o: Any, q: Any, s: Any, total: float) -> Any:
            return losses.Terms(0 * o + 7, 0 * o, 0 * o, 0 * o)

    assert loss_difference(HostAdapter(kernels), Mine()) < 1e-12

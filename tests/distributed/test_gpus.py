"""Ranks whose kernels are those of a GPU: the emulated one everywhere, and a real one where there is one."""

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray
from support import problems
from support.emulation import cuda_kernels
from support.fake_cupy import OutOfMemoryError, fake_cupy
from support.mpi import launched, needs_mpi
from support.sharded import WIDTH, D, check_steps
from support.thread_ranks import ThreadRanks, on_ranks

import wordsparse as ws
from wordsparse.distributed import gpus
from wordsparse.distributed.gpus import staged
from wordsparse.distributed.output import ShardedOutput
from wordsparse.distributed.ranks import ONE
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, Kernels
from wordsparse.kernels.cuda import CudaKernels
from wordsparse.machine import devices

pytestmark = pytest.mark.nightly

Array = NDArray[Any]
CARD_RANK = Path(__file__).resolve().parents[1] / "support" / "card_rank.py"
OPTIONS = ["--dim", 6, "--min-count", 1, "--threads", 1, "--batch-tokens", 300, "--sample", 0, "--device", "cuda"]


@pytest.fixture(params=["emulated", pytest.param("gpu", marks=pytest.mark.gpu)])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return cuda_kernels(emulated=request.param == "emulated")


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("measure", [None, np.linspace(1, 3, D)], ids=["counted", "weighted"])
@pytest.mark.parametrize("loss", problems.LOSSES)
def test_the_layer_takes_the_steps_of_one_process_on_the_cpu(
    kernels: Kernels, loss: str, measure: Array | None, size: int
) -> None:
    """Arrays travel through the host."""
    assert staged(ONE, CpuKernels(1)) is ONE
    on_ranks(size, lambda ranks: check_steps(ranks, problems.LOSSES[loss], measure, kernels))


def test_each_rank_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, addresses in ((4, ["00", "01", "02"]), (2, ["00", "01", "00"]), (1, ["00", "00", "00"])):
        found = []
        for rank in range(3):
            monkeypatch.setitem(sys.modules, "cupy", fake_cupy(count=count))
            devices.find_gpu.cache_clear()
            ranks: Any = mock.Mock(size=3, local_rank=rank)
            assert gpus.choose("cuda", ranks).device == "cuda"
            assert gpus.choose("auto", ranks).device == gpus.choose("cpu", ranks).device == "cpu"
            found.append(devices.address())
        assert found == [f"0000:{address}:00.0" for address in addresses]
    devices.find_gpu.cache_clear()


def test_a_gpu_that_is_full_on_one_rank_is_refused_on_all(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Any:
        raise OutOfMemoryError("Out of memory allocating 9,000 bytes")

    def work(ranks: ThreadRanks) -> None:
        own: Any = CudaKernels(kernels.xp)
        if ranks.rank == 1:
            own.to_device = full
        with pytest.raises(InputError, match="rank 1 of 2: the GPU is out of memory"):
            ShardedOutput(ranks, D, WIDTH, base_measure=np.ones(D), kernels=own)

    on_ranks(2, work)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path, random = tmp_path / "text.txt", np.random.default_rng(0)
    starts = random.zipf(1.5, 150) % 30
    path.write_text("".join(" ".join(f"w{(start + step) % 30}" for step in range(8)) + "\n" for start in starts))
    return path


@needs_mpi
@pytest.mark.parametrize(
    ("ranks", "kind", "loss"), [(2, "cbow", "bounded-ns"), (3, "skipgram", "bounded-ns"), (2, "cbow", "zloss")]
)
def test_training_on_emulated_cards(ranks: int, kind: str, loss: str, text: Path, tmp_path: Path) -> None:
    """Over MPI, with a checkpoint; a run that goes on with other ranks, and three epochs of one process."""
    cuda_kernels(emulated=True)  # skips where there is no compiler
    asked = [text, *OPTIONS, "--model", kind, "--loss", loss, "--json", "-o"]
    run = launched(ranks, CARD_RANK, 3, 0, "none", "train", *asked, tmp_path / "model", "--epochs", 2)
    assert run.returncode == 0, run.stderr
    asked += [tmp_path / "model", "--resume", "--epochs", 3]
    run = launched(5 - ranks, CARD_RANK, 3, "own", "none", "train", *asked)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert (report["ranks"], report["device"]) == (5 - ranks, "cuda")
    same: dict[str, Any] = {"dim": 6, "min_count": 1, "threads": 1, "batch_tokens": 300, "sample": 0}
    same |= {"model": kind, "loss": loss}
    for epochs in (2, 3):
        expected = ws.train(text, **same, epochs=epochs, output=tmp_path / "alone", resume=True, progress=False)
    model = ws.load(tmp_path / "model")
    vectors, others = (each.without_subwords().vectors for each in (model, expected))  # ranks fit no n-grams
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    assert ((vectors * others).sum(axis=1) / lengths).min() > 0.9999
    assert len(model.report["loss"]) == 3


@needs_mpi
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((3, 0, "no-cupy"), "rank 1 of 2: device cuda: an NVIDIA GPU needs CuPy, which is not installed"),
        ((3, 0, "no-card"), "rank 1 of 2: device cuda: no GPU is visible to this process"),
        ((3, 0, "driver"), "the ranks differ in GPU: NVIDIA H100 (driver 13.0, "),
        ((3, 2, "none"), "device cuda: ranks 0 and 1 have the same GPU (0000:02:00.0 of "),
    ],
)
def test_gpus_that_are_missing_are_one_line_of_one_rank(
    given: tuple[object, ...], message: str, text: Path, tmp_path: Path
) -> None:
    cuda_kernels(emulated=True)
    run = launched(2, CARD_RANK, *given, "train", text, *OPTIONS, "-o", tmp_path / "model")
    assert run.returncode == 2, run.stderr
    assert run.stderr.startswith(f"wordsparse: {message}")
    assert run.stderr.count("\n") == 1, run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]

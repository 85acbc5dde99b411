"""The layer and word vectors on the emulated device, and also on a GPU if there is one.

The emulated device (tests/support/emulation/standin.py) refuses, as CuPy does, to mix host and device arrays.
"""

import numpy as np
import pytest
from support import problems
from support.emulation import cuda_kernels
from support.fake_cupy import CUDARuntimeError, OutOfMemoryError

import wordsparse as ws
from wordsparse import kernels as kernels_module
from wordsparse.errors import InputError, TrainingError, WordsparseError
from wordsparse.kernels import CpuKernels
from wordsparse.layer.losses import LOSSES
from wordsparse.layer.output import FactoredOutput
from wordsparse.machine import devices
from wordsparse.training import loop


@pytest.fixture(params=["emulated", pytest.param("gpu", marks=pytest.mark.gpu)])
def kernels(request):
    return cuda_kernels(emulated=request.param == "emulated")


def pair(kernels, loss, *, measure, D=40, d=6):
    """Return the same float64 layer on the device and on the CPU."""
    random = np.random.default_rng(1)
    start, pi = random.standard_normal((D, d)), problems.measure(random, D) if measure else None
    return [
        FactoredOutput(D, d, problems.LOSSES[loss], pi, np.float64, weights=start, kernels=where)
        for where in (kernels, CpuKernels(1))
    ]


def test_arrays_of_the_device_stay_there(kernels):
    there, here = pair(kernels, "taylor", measure=True)
    random = np.random.default_rng(3)
    H, Y = random.standard_normal((5, 6)), problems.targets(random, 5, 40, 3)
    losses, gradient = there.step(kernels.to_device(H), Y, 0.01)
    expected_losses, expected_gradient = here.step(H, Y, 0.01)
    for found, expected in ((losses, expected_losses), (gradient, expected_gradient)):
        assert isinstance(found, kernels.xp.ndarray)
        assert problems.off(kernels.to_host(found), expected, 1.0) < 1e-11
    for found in (there.outputs(kernels.to_device(H), [1]), *there.top(kernels.to_device(H), 2)):
        assert isinstance(found, kernels.xp.ndarray)


def test_arrays_of_the_device_are_checked(kernels):
    there, _ = pair(kernels, "squared", measure=False)
    with pytest.raises(InputError, match="H holds a value that is not a finite float64 number"):
        there.outputs(kernels.to_device(np.full((5, 6), np.nan)), [0])


def test_a_step_that_would_explode_changes_nothing(kernels):
    there, here = pair(kernels, "squared", measure=False)
    H = np.eye(6)
    with pytest.raises(TrainingError, match="singular"):  # A = I − 2 lr I
        there.step(H, problems.targets(np.random.default_rng(0), 6, 40, 2), 0.5)
    np.testing.assert_array_equal(there.weights(), here.weights())


SENTENCES = [[f"w{(i * j + j * j) % 23}" for j in range(20)] for i in range(60)]
SMALL = {"dim": 4, "min_count": 1, "epochs": 1, "window": 2, "threads": 1, "batch_tokens": 120}


def use_as_gpu(kernels, monkeypatch):
    """Make ``device="cuda"`` use these kernels for the rest of the test."""
    monkeypatch.setattr(devices, "choose", lambda device: devices.Choice("cuda", "an emulated card"))
    monkeypatch.setattr(loop, "kernels_on", lambda device, threads, bfloat16: kernels)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
def test_training_on_the_device(kernels, monkeypatch, kind, loss):
    options = {**SMALL, "model": kind, "loss": loss}
    expected = ws.train(SENTENCES, device="cpu", **options)
    use_as_gpu(kernels, monkeypatch)
    model = ws.train(SENTENCES, device="cuda", **options)
    assert (model.report["device"], model.report["device_reason"]) == ("cuda", "an emulated card")
    assert isinstance(model.vectors, np.ndarray)
    assert problems.off(model.vectors, expected.vectors) < 1e-3
    again = ws.train(SENTENCES, device="cuda", **{**options, "threads": 4})
    np.testing.assert_array_equal(again.vectors, model.vectors)
    more = [*SENTENCES, ["new", "w1", "w2"] * 9]
    there, here = (of.train(more, epochs=1, min_count=1) for of in (model, expected))
    assert problems.off(there.vectors, here.vectors) < 1e-2


# Each value is the step after which the GPU is lost, and the call that then fails: a kernel, or a copy to the host.
LOST = {"in a step": (4, "window_pull"), "in a checkpoint": (4, "to_host"), "at the end": (10, "to_host")}


@pytest.mark.parametrize("when", LOST)
def test_a_gpu_lost_in_mid_run_loses_nothing(kernels, monkeypatch, tmp_path, when):
    use_as_gpu(kernels, monkeypatch)
    options = {**SMALL, "device": "cuda", "checkpoint_every": 1e-9}
    expected = ws.train(SENTENCES, **options)
    steps, name = LOST[when]
    works, tokens = getattr(kernels, name), 0

    def progress(done):
        nonlocal tokens
        tokens = done.tokens
        assert done.total_tokens == 10 * SMALL["batch_tokens"]

    def fail(*arguments):
        if tokens >= steps * SMALL["batch_tokens"]:
            raise CUDARuntimeError("cudaErrorDeviceUnavailable: it has fallen off the bus")
        return works(*arguments)

    run = {**options, "output": tmp_path / "model"}
    with monkeypatch.context() as broken:
        broken.setattr(kernels, name, fail)
        message = (
            r"the GPU failed during the computation .*off the bus.*checkpoint-.* is kept; resume from it with --resume"
        )
        with pytest.raises(WordsparseError, match=message):
            ws.train(SENTENCES, **run, progress=progress)
    assert not (tmp_path / "model").exists()
    model = ws.train(SENTENCES, **run, resume=True)
    np.testing.assert_array_equal(model.vectors, expected.vectors)


def test_a_run_too_large_for_the_gpu_is_refused(kernels, monkeypatch, tmp_path):
    use_as_gpu(kernels, monkeypatch)

    def full(*arguments):
        raise OutOfMemoryError("Out of memory allocating 9,000 bytes")

    monkeypatch.setattr(kernels, "to_device", full)
    for given in ({}, {"output": tmp_path / "model"}):
        with pytest.raises(InputError, match=r"the GPU is out of memory .*a smaller dim"):
            ws.train(SENTENCES, **SMALL, **given)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="the GPU is out of memory"):
        FactoredOutput(3, 2, base_measure=np.ones(3), kernels=kernels)


@pytest.mark.usefixtures("no_gpu")
def test_kernels_on_a_device():
    assert isinstance(kernels_module.kernels_on("auto", 1), CpuKernels)
    assert FactoredOutput(3, 2, device="auto").core.kernels.device == "cpu"
    with pytest.raises(InputError, match="device cuda: there is no GPU here; or use device cpu or auto"):
        FactoredOutput(3, 2, device="cuda")

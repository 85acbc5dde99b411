"""The choice of a device and its reason, with a fake CuPy that imitates many machines."""

import sys

import pytest
from support.fake_cupy import CUDARuntimeError, OutOfMemoryError, fake_cupy

from wordsparse.errors import InputError, MissingDependencyError, TrainingError
from wordsparse.machine import devices


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(devices, "has_nvidia_driver", lambda: True)
    devices._warn_once.cache_clear()
    devices.find_gpu.cache_clear()
    yield
    devices.find_gpu.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    def install(**changes):
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy(**changes))

    return install


def test_a_gpu_that_works_is_taken(machine):
    machine()
    for device in ("auto", "cuda"):
        choice = devices.choose(device)
        assert choice.device == "cuda"
        assert choice.reason == "NVIDIA H100 (compute capability 9.0, CuPy 14.2.0)"
    assert devices.choose("cpu").device == "cpu"
    gpu = devices.find_gpu()
    assert (gpu.driver, gpu.runtime, gpu.memory_bytes) == ("13.0", "12.9", 80 * 2**30)
    with pytest.raises(InputError, match="device must be one of auto, cpu, cuda, not 'tpu'"):
        devices.choose("tpu")


MACHINES = {
    "no card": ({"properties": CUDARuntimeError("cudaErrorNoDevice: none is detected")}, "cudaErrorNoDevice: none"),
    "no cuBLAS": ({"product": ImportError("libcublas.so: none\nmore")}, "libcublas.so: none; check .*cuda12"),
    "no memory left": ({"product": OutOfMemoryError("Out of memory allocating 512 bytes")}, "Out of memory"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_why_no_gpu_can_be_used_is_reported(machine, name):
    changes, message = MACHINES[name]
    machine(**changes)
    with pytest.raises(InputError, match=f"device cuda: no GPU can be used: {message}"):
        devices.choose("cuda")
    choice = devices.choose("auto")
    assert choice.device == "cpu"
    assert choice.reason.startswith("the CPU, since ")


def test_a_gpu_left_unused_is_said_once(machine, caplog):
    machine(product=ImportError("libcublas.so: none"))
    for _ in range(2):
        devices.choose("auto")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("wordsparse.machine.devices", "WARNING")
    assert record.message.startswith("using the CPU, since no GPU can be used: libcublas.so: none")


def test_nothing_is_said_of_gpus_where_there_is_no_driver(monkeypatch, caplog):
    # Without an NVIDIA driver, a run must not advise users to install CuPy.
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(devices, "has_nvidia_driver", lambda: False)
    assert devices.choose("auto") == devices.Choice("cpu", "the CPU: no NVIDIA driver was found")
    assert not caplog.records
    with pytest.raises(MissingDependencyError, match="device cuda: an NVIDIA GPU needs CuPy"):
        devices.choose("cuda")
    with pytest.raises(MissingDependencyError, match="an NVIDIA GPU needs CuPy"):
        devices.usable_cupy()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OutOfMemoryError("Out of memory allocating 8,000 bytes"), "the GPU is out of memory .*smaller minibatches"),
        (CUDARuntimeError("cudaErrorMemoryAllocation: out of memory"), "the GPU is out of memory"),
        (
            CUDARuntimeError("cudaErrorIllegalAddress: an illegal memory access"),
            "failed during the computation .*checkpoint",
        ),
        (CUDARuntimeError(""), r"failed during the computation \(CUDARuntimeError\)"),
    ],
)
def test_errors_of_a_run(error, message):
    with pytest.raises(TrainingError, match=message) as caught, devices.translated_errors():
        raise error
    assert caught.value.__cause__ is error
    # If memory runs out at the start of a run, InputError is raised: the request was too large.
    kind = InputError if "out of memory" in message else TrainingError
    with pytest.raises(kind, match=message), devices.translated_errors(starting=True):
        raise error

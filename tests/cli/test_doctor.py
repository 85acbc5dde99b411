"""The output of ``doctor`` on this machine and on simulated ones."""

import json
from importlib import metadata

import pytest

from wordsparse import optional
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, diagnosis
from wordsparse.machine import devices, threads

CARD = devices.Gpu("NVIDIA H100", "9.0", 80 * 2**30, "13.0", "12.9", "14.2.0")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["threads"]["used"] == CpuKernels().threads
    assert found["compiled"]["instruction_set_used"] in found["compiled"]["instruction_sets"]
    assert found["compiled"]["instruction_set_used"] == CpuKernels().isa
    assert found["compiled"]["own_products"] is CpuKernels().own_products
    assert found["compiled"]["product_fault"] is None
    assert found["blas"][0]["name"]
    assert found["environment"]["OMP_WAIT_POLICY"]
    assert found["gpu"]["usable"] or any(reason.startswith("a GPU: ") for reason in found["unused"])
    assert found["extras"]["safetensors"] == {"safetensors": metadata.version("safetensors")}


def test_a_machine_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find_gpu", lambda: CARD)
    monkeypatch.setattr(diagnosis.os, "cpu_count", threads.available_cpus)
    monkeypatch.setattr(metadata, "version", lambda package: "1.0")
    monkeypatch.setattr(optional, "installed", lambda package: True)
    monkeypatch.setattr(diagnosis.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    found = diagnosis.diagnose()
    assert found["gpu"]["name"] == "NVIDIA H100"
    assert found["mpi"] == {"found": True, "version": "1.0", "launcher": "/usr/bin/mpiexec"}
    assert found["unused"] == []
    text = diagnosis.describe(found)
    assert "NVIDIA H100, compute capability 9.0, 80.0 GiB; driver for CUDA 13.0, CuPy 14.2.0 with CUDA 12.9" in text
    assert "MPI       mpi4py 1.0, /usr/bin/mpiexec" in text
    monkeypatch.setattr(diagnosis.shutil, "which", lambda name, path=None: None)
    (unused,) = diagnosis.diagnose()["unused"]
    assert unused.startswith("MPI: there is no mpiexec, so training runs in one process")


def test_without_a_driver_no_package_for_a_gpu_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop was told to install CuPy."""

    def find_gpu() -> devices.Gpu:
        raise InputError("an NVIDIA GPU needs CuPy")

    monkeypatch.setattr(devices, "find_gpu", find_gpu)
    for has_driver, said in ((False, "no NVIDIA driver was found"), (True, "an NVIDIA GPU needs CuPy")):
        monkeypatch.setattr(devices, "has_nvidia_driver", lambda has_driver=has_driver: has_driver)
        (line,) = (line for line in diagnosis.diagnose()["unused"] if line.startswith("a GPU: "))
        assert said in line

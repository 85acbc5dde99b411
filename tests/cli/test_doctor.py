"""The output of ``doctor`` on this machine and on simulated ones."""

import json
from importlib import metadata

import pytest

from wordsparse import optional
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, cpu, diagnosis
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


def test_a_machine_with_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(package: str) -> str:
        if package in ("safetensors", "cupy-cuda12x", "cupy-cuda13x"):
            raise metadata.PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(metadata, "version", without)
    monkeypatch.setattr(metadata, "requires", lambda package: ["safetensors>=0.5; extra == 'safetensors'"])
    monkeypatch.setattr(diagnosis._build, "openmp", False)
    unused = diagnosis.diagnose()["unused"]
    (threads_line,) = (line for line in unused if line.startswith("more than one thread: "))
    assert "install a compiler that has it" in threads_line
    text = diagnosis.describe(diagnosis.diagnose())
    assert "extras    none\n          not installed: safetensors (pip install 'wordsparse[NAME]')" in text


def test_without_a_driver_no_package_for_a_gpu_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop was told to install CuPy."""

    def find_gpu() -> devices.Gpu:
        raise InputError("an NVIDIA GPU needs CuPy")

    monkeypatch.setattr(devices, "find_gpu", find_gpu)
    for has_driver, said in ((False, "no NVIDIA driver was found"), (True, "an NVIDIA GPU needs CuPy")):
        monkeypatch.setattr(devices, "has_nvidia_driver", lambda has_driver=has_driver: has_driver)
        (line,) = (line for line in diagnosis.diagnose()["unused"] if line.startswith("a GPU: "))
        assert said in line


def test_products_that_are_wrong_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "product_fault", lambda isa: "gram of 2×3 and 3×4 float32 matrices is wrong")
    found = diagnosis.diagnose()
    assert found["compiled"]["own_products"] is False
    line = "our own products: their gram of 2×3 and 3×4 float32 matrices is wrong on this machine"
    assert line in found["unused"]
    assert f"not used: {line}" in diagnosis.describe(found)
    assert "; products by BLAS" in diagnosis.describe(found)


@pytest.mark.parametrize(("affinity", "quota", "cause"), [(2, None, "affinity mask"), (8, 3, "the cgroup's CPU quota")])
def test_why_cpus_are_left_alone(monkeypatch: pytest.MonkeyPatch, affinity: int, quota: int | None, cause: str) -> None:
    monkeypatch.setattr(diagnosis.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "affinity", lambda: affinity)
    monkeypatch.setattr(threads, "cgroup_quota", lambda: quota)
    (reason,) = (line for line in diagnosis.diagnose()["unused"] if "CPUs" in line)
    left = quota or affinity
    assert reason.startswith(f"{8 - left} of 8 CPUs: ")
    assert reason.endswith(f"{cause} leaves {left}")

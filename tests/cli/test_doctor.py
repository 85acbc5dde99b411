"""The output of ``doctor`` on this machine and on simulated ones."""

import json
from importlib import metadata

import pytest

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
    assert found["blas"][0]["name"]
    assert found["environment"]["OMP_WAIT_POLICY"]
    assert found["gpu"]["usable"] or any(reason.startswith("a GPU: ") for reason in found["unused"])
    assert found["extras"]["safetensors"] == {"safetensors": metadata.version("safetensors")}


def test_a_machine_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find_gpu", lambda: CARD)
    monkeypatch.setattr(diagnosis.os, "cpu_count", threads.available_cpus)
    found = diagnosis.diagnose()
    assert found["unused"] == []
    assert "name NVIDIA H100" in diagnosis.describe(found)


def test_without_a_driver_no_package_for_a_gpu_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop was told to install CuPy."""

    def find_gpu() -> devices.Gpu:
        raise InputError("an NVIDIA GPU needs CuPy")

    monkeypatch.setattr(devices, "find_gpu", find_gpu)
    for has_driver, said in ((False, "no NVIDIA driver was found"), (True, "an NVIDIA GPU needs CuPy")):
        monkeypatch.setattr(devices, "has_nvidia_driver", lambda has_driver=has_driver: has_driver)
        (line,) = (line for line in diagnosis.diagnose()["unused"] if line.startswith("a GPU: "))
        assert said in line

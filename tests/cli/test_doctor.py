"""The output of ``doctor`` on this machine and on simulated ones."""

import json
from importlib import metadata

import pytest

from wordsparse.cli import main
from wordsparse.kernels import CpuKernels, diagnosis
from wordsparse.machine import devices, threads


def test_json(capsys):
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["threads"]["used"] == CpuKernels().threads
    assert report["compiled"]["instruction_set_used"] in report["compiled"]["instruction_sets"]
    assert report["compiled"]["instruction_set_used"] == CpuKernels().isa
    assert report["blas"][0]["name"]
    assert report["environment"]["OMP_WAIT_POLICY"]
    assert report["gpu"]["usable"] or any(reason.startswith("a GPU: ") for reason in report["unused"])
    assert report["extras"]["safetensors"] == {"safetensors": metadata.version("safetensors")}


def test_a_machine_with_everything(monkeypatch):
    card = devices.Gpu("NVIDIA H100", "9.0", 80 * 2**30, "13.0", "12.9", "14.2.0")
    monkeypatch.setattr(devices, "find_gpu", lambda: card)
    monkeypatch.setattr(diagnosis.os, "cpu_count", threads.available_cpus)
    report = diagnosis.diagnose()
    assert report["unused"] == []
    assert "name NVIDIA H100" in diagnosis.describe(report)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_driver_no_package_for_a_gpu_is_advised(monkeypatch):
    """Previously, users of a laptop without an NVIDIA GPU were told to install CuPy."""
    for has_driver, message in ((False, "no NVIDIA driver was found"), (True, "there is no GPU here")):
        monkeypatch.setattr(devices, "has_nvidia_driver", lambda has_driver=has_driver: has_driver)
        (line,) = (line for line in diagnosis.diagnose()["unused"] if line.startswith("a GPU: "))
        assert message in line

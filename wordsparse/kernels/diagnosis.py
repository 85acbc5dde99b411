"""The parts of this installation, which of them are used on this machine, and why the others are not."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib import metadata
from typing import Any

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, _build  # type: ignore[attr-defined] # compiled
from wordsparse.machine import description, devices, threads


def diagnose() -> dict[str, Any]:
    """Versions, compiled kernels, threads, BLAS, GPU and extras, as JSON; ``unused`` says why, a line each."""
    found: dict[str, Any] = {
        "wordsparse": metadata.version("wordsparse"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in ("numpy", "scipy")},
        "commit": commit(),
        "processor": description.processor(),
        "compiled": _compiled(),
        "threads": _threads(),
        "blas": description.blas_pools(),
        "environment": description.environment(),
        "gpu": _gpu(),
        "extras": _extras(),
    }
    found["unused"] = list(_unused(found))
    return found


def provenance(threads: int, sgemm_size: int = 2048) -> dict[str, Any]:
    """The machine, the version and the kernels that give a result on ``threads`` threads, as JSON for its file."""
    kernels = {"instruction_set": _compiled()["instruction_set_used"]}
    return {**description.describe(threads, sgemm_size), "commit": commit(), **kernels}


def rounding() -> dict[str, str]:
    """What decides how results are rounded on this machine, by its name."""
    compiled, pools = _compiled(), description.blas_pools()
    blas = sorted({f"{pool['name']} {pool['version']} ({pool['architecture']})" for pool in pools})
    return {
        "instruction set": compiled["instruction_set_used"],
        "BLAS": ", ".join(blas),
    }


@cache
def commit() -> str | None:
    """The commit of the checkout in use, or that of the sources which the installed modules were compiled from."""
    return description.commit() or _build.commit or None


def describe(found: Mapping[str, Any]) -> str:
    """The same for people."""
    compiled, cpus, gpu = found["compiled"], found["threads"], found["gpu"]
    checkout = f" at commit {found['commit']}" if found["commit"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    pools = [f"{pool['name']} {pool['version']} ({pool['architecture']}, {pool['threads']})" for pool in found["blas"]]
    extras = {package: version for extra in found["extras"].values() for package, version in extra.items()}
    facts = {
        "kernels": f"for {', '.join(compiled['instruction_sets'])}, this machine takes "
        f"{compiled['instruction_set_used']} ({compiled['compiler']})",
        "threads": f"{cpus['used']} used of {cpus['cpus']} CPUs",
        "variables": ", ".join(f"{name}={value}" for name, value in found["environment"].items()),
        "BLAS": ", ".join(pools),
        "GPU": ", ".join(f"{name} {value}" for name, value in gpu.items()) if gpu["usable"] else "none used",
        "extras": ", ".join(f"{package} {version}" for package, version in extras.items() if version) or "none",
        "missing": ", ".join(package for package, version in extras.items() if version is None) or "none",
    }
    lines = [f"wordsparse {found['wordsparse']}{checkout}, Python {found['python']}, {versions}"]
    lines += [f"{name:<9} {value}" for name, value in facts.items()]
    return "\n".join(lines + [f"not used: {reason}" for reason in found["unused"]])


def _compiled() -> dict[str, Any]:
    kernels = CpuKernels(1)
    return {
        "openmp": _build.openmp,
        "compiler": _build.compiler,
        "instruction_sets": list(_build.compiled_isas),
        "instruction_set_used": kernels.isa,
    }


def _threads() -> dict[str, Any]:
    return {"used": threads.available_cpus() if _build.openmp else 1, "cpus": os.cpu_count()}


def _gpu() -> dict[str, Any]:
    try:
        return {"usable": True, "reason": None, **asdict(devices.find_gpu())}
    except InputError as error:
        # Without a driver, what else a GPU needs would only mislead.
        reason = str(error) if devices.has_nvidia_driver() else "no NVIDIA driver was found, so training uses the CPU"
        return {"usable": False, "reason": reason}


def _extras() -> dict[str, dict[str, str | None]]:
    """Each extra's packages and their versions here, None where missing."""
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("wordsparse") or ():
        extra = re.search(r"""extra\s*==\s*["']([^"']+)""", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if extra and package and package[0] != "wordsparse":  # of the extra "all", whose packages are those of others
            extras.setdefault(extra[1], {})[package[0]] = description.version_of(package[0])
    return extras


def _unused(found: Mapping[str, Any]) -> Iterator[str]:
    cpus = found["threads"]
    if not found["compiled"]["openmp"]:
        yield "more than one thread: the kernels were compiled without OpenMP; install a compiler that has it (g++)"
    elif cpus["cpus"] and cpus["used"] < cpus["cpus"]:
        yield f"{cpus['cpus'] - cpus['used']} of {cpus['cpus']} CPUs: the process's affinity mask or its cgroup's quota"
    if not found["gpu"]["usable"]:
        yield f"a GPU: {found['gpu']['reason']}"

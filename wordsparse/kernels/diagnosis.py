"""A report on this installation: its parts, which parts this machine uses, and why this machine does not use the other
parts."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib import metadata
from typing import Any

import threadpoolctl

from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, _build  # type: ignore[attr-defined] # compiled
from wordsparse.machine import description, devices
from wordsparse.machine.threads import available_cpus


def diagnose() -> dict[str, Any]:
    """Return the versions, compiled kernels, threads, BLAS, GPU and extras as a dict for JSON. The entry ``unused``
    says why parts of the installation are not used."""
    report: dict[str, Any] = {
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
    report["unused"] = list(_unused(report))
    return report


def provenance(threads: int, sgemm_size: int = 2048) -> dict[str, Any]:
    """Return a dict for JSON files of results. The dict describes the machine, its speed with ``threads`` threads, the
    versions and the kernels."""
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        rate = description.sgemm_gflops(sgemm_size)
    names = ("wordsparse", "numpy", "scipy", "gensim")
    return {
        "processor": description.processor(),
        "cpus": available_cpus(),
        "threads": threads,
        "load_average": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in names if (version := description.version_of(name))},
        "blas": [*map(_named, description.blas_pools())],
        "environment": description.environment(),
        "sgemm_gflops": rate,
        "commit": commit(),
        "instruction_set": _compiled()["instruction_set_used"],
    }


def rounding() -> dict[str, str]:
    """Return a dict of the properties of this machine that affect the rounding of results."""
    blas = sorted({*map(_named, description.blas_pools())})
    return {"instruction set": _compiled()["instruction_set_used"], "BLAS": ", ".join(blas)}


@cache
def commit() -> str | None:
    """Return the commit of this checkout, or the commit from which the installed modules were compiled."""
    return description.commit() or _build.commit or None


def describe(report: Mapping[str, Any]) -> str:
    """Return the report of :func:`diagnose` as text for people."""
    compiled, cpus, gpu = report["compiled"], report["threads"], report["gpu"]
    checkout = f" at commit {report['commit']}" if report["commit"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in report["packages"].items())
    pools = [f"{pool['name']} {pool['version']} ({pool['architecture']}, {pool['threads']})" for pool in report["blas"]]
    extras = {package: version for extra in report["extras"].values() for package, version in extra.items()}
    facts = {
        "kernels": f"compiled for {', '.join(compiled['instruction_sets'])}; this machine uses "
        f"{compiled['instruction_set_used']} ({compiled['compiler']})",
        "threads": f"{cpus['used']} used of {cpus['cpus']} CPUs",
        "variables": ", ".join(f"{name}={value}" for name, value in report["environment"].items()),
        "BLAS": ", ".join(pools),
        "GPU": ", ".join(f"{name} {value}" for name, value in gpu.items()) if gpu["usable"] else "none used",
        "extras": ", ".join(f"{package} {version}" for package, version in extras.items() if version) or "none",
        "missing": ", ".join(package for package, version in extras.items() if version is None) or "none",
    }
    lines = [f"wordsparse {report['wordsparse']}{checkout}, Python {report['python']}, {versions}"]
    lines += [f"{name:<9} {value}" for name, value in facts.items()]
    return "\n".join(lines + [f"not used: {reason}" for reason in report["unused"]])


def _named(pool: Mapping[str, Any]) -> str:
    return f"{pool['name']} {pool['version']} ({pool['architecture']})"


def _compiled() -> dict[str, Any]:
    kernels = CpuKernels(1)
    return {
        "openmp": _build.openmp,
        "compiler": _build.compiler,
        "instruction_sets": list(_build.compiled_isas),
        "instruction_set_used": kernels.isa,
    }


def _threads() -> dict[str, Any]:
    return {"used": available_cpus() if _build.openmp else 1, "cpus": os.cpu_count()}


def _gpu() -> dict[str, Any]:
    try:
        return {"usable": True, "reason": None, **asdict(devices.find_gpu())}
    except InputError as error:
        # If there is no driver, a message about other missing software would only mislead.
        reason = str(error) if devices.has_nvidia_driver() else "no NVIDIA driver was found, so training uses the CPU"
        return {"usable": False, "reason": reason}


def _extras() -> dict[str, dict[str, str | None]]:
    """Return, for each extra, its packages and their installed versions. The version of a missing package is None."""
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("wordsparse") or ():
        extra = re.search(r"""extra\s*==\s*["']([^"']+)""", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if extra and package and package[0] != "wordsparse":  # skip the extra "all", which requires wordsparse[…]
            extras.setdefault(extra[1], {})[package[0]] = description.version_of(package[0])
    return extras


def _unused(report: Mapping[str, Any]) -> Iterator[str]:
    cpus = report["threads"]
    if not report["compiled"]["openmp"]:
        yield "more than one thread: the kernels were compiled without OpenMP; install a compiler with OpenMP (g++)"
    elif cpus["cpus"] and cpus["used"] < cpus["cpus"]:
        yield f"{cpus['cpus'] - cpus['used']} of {cpus['cpus']} CPUs: excluded by the affinity mask or the cgroup quota"
    if not report["gpu"]["usable"]:
        yield f"a GPU: {report['gpu']['reason']}"

"""The parts of this installation, which of them are used on this machine, and why the others are not."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError
from wordsparse.kernels import CpuKernels, _build, cpu  # type: ignore[attr-defined] # compiled
from wordsparse.machine import description, devices, threads


def diagnose() -> dict[str, Any]:
    """Versions, compiled kernels, threads, BLAS, GPU, MPI and extras, as JSON; ``unused`` says why, a line each."""
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
        "mpi": _mpi(),
        "extras": _extras(),
    }
    found["unused"] = list(_unused(found))
    return found


def provenance(threads: int, sgemm_size: int = 2048) -> dict[str, Any]:
    """The machine, the version and the kernels that give a result on ``threads`` threads, as JSON for its file."""
    compiled = _compiled()
    kernels = {"instruction_set": compiled["instruction_set_used"], "products": _who_multiplies(compiled)}
    return {**description.describe(threads, sgemm_size), "commit": commit(), **kernels}


def rounding(found: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What decides how results are rounded on this machine, or on that of a diagnosis, by its name."""
    compiled, pools = (found["compiled"], found["blas"]) if found else (_compiled(), description.blas_pools())
    blas = sorted({f"{pool['name']} {pool['version']} ({pool['architecture']})" for pool in pools})
    return {
        "instruction set": compiled["instruction_set_used"],
        "products": _who_multiplies(compiled),
        "BLAS": ", ".join(blas),
    }


@cache
def commit() -> str | None:
    """The commit of the checkout in use, or that of the sources which the installed modules were compiled from."""
    return description.commit() or _build.commit or None


def describe(found: Mapping[str, Any]) -> str:
    """The same for people."""
    compiled, cpus, gpu, mpi = found["compiled"], found["threads"], found["gpu"], found["mpi"]
    checkout = f" at commit {found['commit']}" if found["commit"] else ""
    lines = [
        f"wordsparse {found['wordsparse']}{checkout}, Python {found['python']}, "
        + ", ".join(f"{name} {version}" for name, version in found["packages"].items()),
        f"kernels   {'OpenMP' if compiled['openmp'] else 'no OpenMP'}; for {', '.join(compiled['instruction_sets'])}, "
        f"this machine takes {compiled['instruction_set_used']}"
        f"; products by {_who_multiplies(compiled)} (compiler {compiled['compiler']})",
        f"threads   {cpus['used']} used of {cpus['cpus']} CPUs (affinity {_or_none(cpus['affinity'])}, cgroup quota "
        f"{_or_none(cpus['cgroup_quota'])}, OMP_WAIT_POLICY {_or_none(cpus['wait_policy'])})",
    ]
    lines.append(f"variables {', '.join(f'{name}={value}' for name, value in found['environment'].items())}")
    pools = [f"{pool['name']} {pool['version']} ({pool['architecture']}, {pool['threads']})" for pool in found["blas"]]
    lines.append(f"BLAS      {', '.join(pools)}")
    if gpu["usable"]:
        lines.append(
            f"GPU       {gpu['name']}, compute capability {gpu['capability']}, {gpu['memory_bytes'] / 2**30:.1f} GiB; "
            f"driver for CUDA {gpu['driver']}, CuPy {gpu['cupy']} with CUDA {gpu['runtime']}"
            f"{', TF32 products as CUPY_TF32 asks' if gpu['tf32'] else ''}"
        )
    else:
        lines.append("GPU       none used")
    launcher = mpi["launcher"] or "no mpiexec"
    lines.append(f"MPI       {'mpi4py ' + mpi['version'] + ', ' + launcher if mpi['found'] else 'none found'}")
    packages = {package: version for extra in found["extras"].values() for package, version in extra.items()}
    here = [f"{package} {version}" for package, version in packages.items() if version]
    lines.append(f"extras    {', '.join(here) or 'none'}")
    missing = [name for name, extra in found["extras"].items() if None in extra.values()]
    if missing:
        lines.append(f"          not installed: {', '.join(missing)} (pip install 'wordsparse[NAME]')")
    lines += [f"not used: {reason}" for reason in found["unused"]]
    return "\n".join(lines)


def _compiled() -> dict[str, Any]:
    kernels = CpuKernels(1)
    return {
        "openmp": _build.openmp,
        "compiler": _build.compiler,
        "instruction_sets": list(_build.compiled_isas),
        "instruction_set_used": kernels.isa,
        "own_products": kernels.own_products,
        "product_fault": cpu.product_fault(kernels.isa),
    }


def _who_multiplies(compiled: Mapping[str, Any]) -> str:
    return "wordsparse" if compiled["own_products"] else "BLAS"


def _threads() -> dict[str, Any]:
    return {
        "used": threads.available_cpus() if _build.openmp else 1,
        "cpus": os.cpu_count(),
        "affinity": threads.affinity(),
        "cgroup_quota": threads.cgroup_quota(),
        "wait_policy": os.environ.get("OMP_WAIT_POLICY"),
    }


def _gpu() -> dict[str, Any]:
    try:
        return {"usable": True, "reason": None, **asdict(devices.find_gpu())}
    except InputError as error:
        # Without a driver, what else a GPU needs would only mislead.
        reason = str(error) if devices.has_nvidia_driver() else "no NVIDIA driver was found, so training uses the CPU"
        return {"usable": False, "reason": reason}


def _mpi() -> dict[str, Any]:
    # Found, not imported: importing it starts MPI.
    found = optional.installed("mpi4py")
    launcher = shutil.which("mpiexec") or shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    return {"found": found, "version": _version("mpi4py") if found else None, "launcher": launcher}


def _extras() -> dict[str, dict[str, str | None]]:
    """Each extra's packages and their versions here, None where missing."""
    extras: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("wordsparse") or ():
        extra = re.search(r"""extra\s*==\s*["']([^"']+)""", requirement)
        package = re.match(r"[\w.-]+", requirement)
        if extra and package and package[0] != "wordsparse":  # of the extra "all", whose packages are those of others
            extras.setdefault(extra[1], {})[package[0]] = _version(package[0])
    return extras


def _unused(found: Mapping[str, Any]) -> Iterator[str]:
    cpus = found["threads"]
    if not found["compiled"]["openmp"]:
        yield (
            "more than one thread: the kernels were compiled without OpenMP (install a compiler that has it, such as "
            "g++, "
            "and wordsparse again)"
        )
    elif cpus["cpus"] and cpus["used"] < cpus["cpus"]:
        cause = "this process's affinity mask" if cpus["affinity"] == cpus["used"] else "the cgroup's CPU quota"
        yield f"{cpus['cpus'] - cpus['used']} of {cpus['cpus']} CPUs: {cause} leaves {cpus['used']}"
    if found["compiled"]["product_fault"]:
        yield f"our own products: their {found['compiled']['product_fault']} on this machine"
    if not found["gpu"]["usable"]:
        yield f"a GPU: {found['gpu']['reason']}"
    if not found["mpi"]["found"]:
        yield f"MPI: mpi4py is not installed, so training runs in one process ({optional.command('mpi4py')})"
    elif found["mpi"]["launcher"] is None:
        yield "MPI: there is no mpiexec, so training runs in one process (pip install mpich, or the site's own MPI)"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _or_none(value: object) -> object:
    return "none" if value is None else value

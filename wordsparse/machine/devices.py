"""Which device does the work, and why: the one place that asks CuPy for a GPU.

``auto`` takes an NVIDIA GPU where one can be used and the CPU elsewhere; ``cuda`` is refused, with the reason, where
none can be used. What CuPy raises while a run is under way becomes a :class:`TrainingError` that says what to do.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError, MissingDependencyError, TrainingError

DEVICES = ("auto", "cpu", "cuda")
INSTALL = optional.command("cupy")
LEAST_CUPY = 14
LEAST_CAPABILITY = 70  # 7.0, Volta: the oldest that CUDA 12 compiles for without a warning
CUPY_PACKAGES = ("cupy", "cupy_backends", "cupyx")
DRIVER_FILES = ("/dev/nvidiactl", "/proc/driver/nvidia")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gpu:
    """The card that would be used, and the software that reaches it; versions as ``12.9``, capability as ``9.0``.

    ``tf32``: whether CuPy was told, by the environment variable CUPY_TF32, to round the factors of float32 products.
    """

    name: str
    capability: str
    memory_bytes: int
    driver: str
    runtime: str
    cupy: str
    tf32: bool = False


@dataclass(frozen=True)
class Choice:
    """``device`` is ``cpu`` or ``cuda``; ``reason`` says in a sentence why, for people."""

    device: str
    reason: str


def choose(device: str) -> Choice:
    """Settle what ``auto``, ``cpu`` or ``cuda`` means on this machine.

    A warning tells once why ``auto`` leaves the GPU of a machine that has an NVIDIA driver.

    Raises
    ------
    InputError
        If ``device`` is none of the three, or ``cuda`` and no GPU can be used.
    """
    if device not in DEVICES:
        raise InputError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if device == "cpu":
        return Choice("cpu", "the CPU, as asked")
    try:
        gpu = find_gpu()
    except InputError as error:
        if device == "cuda":
            raise type(error)(f"device cuda: {error}; or use device cpu or auto") from None
        if not has_nvidia_driver():
            return Choice("cpu", "the CPU: no NVIDIA driver was found")
        _warn_once(f"using the CPU, since {error}")
        return Choice("cpu", f"the CPU, since {error}")
    rounded = ", TF32 products as CUPY_TF32 asks" if gpu.tf32 else ""
    return Choice("cuda", f"{gpu.name} (compute capability {gpu.capability}, CuPy {gpu.cupy}{rounded})")


def has_nvidia_driver() -> bool:
    """Whether there is a sign of an NVIDIA driver: its device, its entry in /proc, or nvidia-smi."""
    return any(Path(file).exists() for file in DRIVER_FILES) or shutil.which("nvidia-smi") is not None


@cache
def find_gpu() -> Gpu:
    """The current GPU, after a small product, an inverse and a kernel have run on it.

    Raises
    ------
    MissingDependencyError
        If CuPy or the CUDA libraries that it needs are not installed.
    InputError
        If there is no driver or no card, or either is too old.
    """
    cupy = _import_cupy()
    runtime = cupy.cuda.runtime
    if runtime.driverGetVersion() == 0:
        raise InputError("no NVIDIA driver is loaded on this machine")
    driver, library = _version(runtime.driverGetVersion()), _version(runtime.runtimeGetVersion())
    try:
        count = runtime.getDeviceCount()
    except Exception as error:
        if "InsufficientDriver" in str(error):
            raise InputError(
                f"the NVIDIA driver is too old: it runs CUDA {driver}, and CuPy here needs CUDA {library}; "
                f"update the driver, or {INSTALL}"
            ) from None
        raise InputError(f"no GPU can be used: {error}") from None
    if count == 0:
        raise InputError("no GPU is visible to this process (is CUDA_VISIBLE_DEVICES set?)")
    properties = runtime.getDeviceProperties(runtime.getDevice())
    name = properties["name"].decode()
    capability = 10 * properties["major"] + properties["minor"]
    if capability < LEAST_CAPABILITY:
        raise InputError(
            f"{name} is too old: its compute capability is {properties['major']}.{properties['minor']}, and "
            f"{LEAST_CAPABILITY / 10} is the least"
        )
    _try_out(cupy)
    return Gpu(
        name,
        f"{properties['major']}.{properties['minor']}",
        int(properties["totalGlobalMem"]),
        driver,
        library,
        str(cupy.__version__),
        cupy._core.get_compute_type("f") == cupy._core._routines_linalg.COMPUTE_TYPE_TF32,
    )


def usable_cupy() -> Any:
    """CuPy, where it can use a GPU; raises as :func:`find_gpu`."""
    find_gpu()
    return _import_cupy()


def set_tf32(cupy: Any, tf32: bool) -> None:
    """Whether cuBLAS may round the factors of float32 products to TF32, for the whole process."""
    core = cupy._core  # not in CuPy's public face: its environment variable is read only once
    setting = core._routines_linalg.COMPUTE_TYPE_TF32 if tf32 else core._routines_linalg.COMPUTE_TYPE_DEFAULT
    core.set_compute_type("f", setting)


@contextmanager
def translated_errors(*, starting: bool = False) -> Iterator[None]:
    """Raises what CuPy raises as a TrainingError; while ``starting``, too little memory as an InputError.

    A failed kernel shows itself at some later call, so the place where CuPy complains says little.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in CUPY_PACKAGES:
            raise
        kind = InputError if starting and _is_out_of_memory(error) else TrainingError
        raise kind(_explain(error)) from error


def _is_out_of_memory(error: Exception) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "MemoryAllocation" in str(error)


def _explain(error: Exception) -> str:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if _is_out_of_memory(error):
        return (
            f"the GPU is out of memory ({said}): use smaller minibatches (batch_tokens), fewer words (min_count, "
            "max_vocab) or a smaller dim; or train on the CPU (device cpu)"
        )
    if type(error).__name__ in ("CompileException", "NVRTCError"):
        return f"the CUDA kernels could not be compiled for this GPU ({said}); train on the CPU (device cpu)"
    return (
        f"the GPU failed while it worked ({said}): what was in its memory is lost. nvidia-smi and the system's log "
        "tell whether the card is still there; go on from the last checkpoint if there is one, or on the CPU "
        "(device cpu)"
    )


def _import_cupy() -> Any:
    cupy = optional.load("an NVIDIA GPU", "cupy")
    if int(str(cupy.__version__).partition(".")[0]) < LEAST_CUPY:
        raise MissingDependencyError(f"CuPy {cupy.__version__} is too old, {LEAST_CUPY} is the least; {INSTALL}")
    return cupy


def _try_out(cupy: Any) -> None:
    """A product, an inverse and a kernel: each needs a CUDA library that may be missing."""
    try:
        cupy.linalg.inv(cupy.eye(2) @ cupy.eye(2)).get()
    except ImportError as error:
        raise MissingDependencyError(
            f"a CUDA library is missing ({str(error).splitlines()[0]}): the extras bring all of them; {INSTALL}"
        ) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in CUPY_PACKAGES:
            raise
        raise InputError(f"the GPU does not work: {str(error).splitlines()[0]}") from None


@cache
def _warn_once(message: str) -> None:
    logger.warning("%s", message)


def _version(number: int) -> str:
    """CUDA's 12090 as 12.9."""
    return f"{number // 1000}.{number % 1000 // 10}"

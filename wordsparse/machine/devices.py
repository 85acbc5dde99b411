"""The choice of the device and its reason. No other module asks CuPy for a GPU.

``auto`` chooses an NVIDIA GPU if one is usable and the CPU otherwise; ``cuda`` without a usable GPU raises an error
with the reason. An exception of CuPy during a run becomes a :class:`TrainingError` that names a remedy.
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
MIN_CUPY = 14
MIN_CAPABILITY = 70  # 7.0, Volta: the oldest architecture that CUDA 12 compiles for without a warning
CUPY_PACKAGES = ("cupy", "cupy_backends", "cupyx")
DRIVER_FILES = ("/dev/nvidiactl", "/proc/driver/nvidia")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gpu:
    """The current GPU and its software; versions have the form ``12.9``, the capability the form ``9.0``."""

    name: str
    capability: str
    memory_bytes: int
    driver: str
    runtime: str
    cupy: str


@dataclass(frozen=True)
class Choice:
    """``device`` is ``cpu`` or ``cuda``; ``reason`` explains the choice to the user."""

    device: str
    reason: str


def choose(device: str) -> Choice:
    """Choose the device for ``auto``, ``cpu`` or ``cuda`` on this machine.

    If the machine has an NVIDIA driver but ``auto`` cannot use the GPU, one warning explains why. InputError if
    ``device`` is none of the three, or if it is ``cuda`` and no GPU is usable.
    """
    if device not in DEVICES:
        raise InputError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if device == "cpu":
        return Choice("cpu", "the CPU, as asked")
    try:
        gpu = find_gpu()
    except InputError as error:
        if device == "cuda":
            raise _refused(error) from None
        if not has_nvidia_driver():
            return Choice("cpu", "the CPU: no NVIDIA driver was found")
        _warn_once(f"using the CPU, since {error}")
        return Choice("cpu", f"the CPU, since {error}")
    return Choice("cuda", f"{gpu.name} (compute capability {gpu.capability}, CuPy {gpu.cupy})")


def has_nvidia_driver() -> bool:
    """Whether the machine seems to have an NVIDIA driver: its device file, its entry in /proc, or nvidia-smi."""
    return any(Path(file).exists() for file in DRIVER_FILES) or shutil.which("nvidia-smi") is not None


@cache
def find_gpu() -> Gpu:
    """The current GPU; a small product, an inverse and a kernel run on it first.

    MissingDependencyError if CuPy or a CUDA library that it needs is not installed; InputError if the machine has no
    NVIDIA driver or no GPU, or if one of them is too old.
    """
    cupy = _import_cupy()
    runtime = cupy.cuda.runtime
    _count(runtime)
    properties = runtime.getDeviceProperties(runtime.getDevice())
    name = properties["name"].decode()
    capability = 10 * properties["major"] + properties["minor"]
    if capability < MIN_CAPABILITY:
        raise InputError(
            f"{name} is too old: its compute capability is {properties['major']}.{properties['minor']}, and "
            f"the minimum is {MIN_CAPABILITY / 10}; use another card, or the CPU"
        )
    _check_gpu(cupy)
    return Gpu(
        name,
        f"{properties['major']}.{properties['minor']}",
        int(properties["totalGlobalMem"]),
        _version(runtime.driverGetVersion()),
        _version(runtime.runtimeGetVersion()),
        str(cupy.__version__),
    )


def take(number: int) -> None:
    """Make GPU ``number``, modulo the number of GPUs, the current one of this thread.

    MissingDependencyError, InputError as :func:`find_gpu`, which finds it from now on.
    """
    try:
        runtime = _import_cupy().cuda.runtime
        count = _count(runtime)
    except InputError as error:
        raise _refused(error) from None
    if runtime.getDevice() != number % count:
        runtime.setDevice(number % count)
        find_gpu.cache_clear()


def usable_cupy() -> Any:
    """The module ``cupy`` after :func:`find_gpu`, with the same errors."""
    find_gpu()
    return _import_cupy()


@contextmanager
def translated_errors(*, starting: bool = False) -> Iterator[None]:
    """Convert CuPy's exceptions to TrainingError; while ``starting``, out of memory becomes InputError.

    The error of a failed kernel appears at a later call, so CuPy's traceback does not locate it.
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
        f"the GPU failed during the computation ({said}): the contents of its memory are lost. nvidia-smi and the "
        "system's log show whether the GPU still works; resume from the last checkpoint if there is one, or train on "
        "the CPU (device cpu)"
    )


def _refused(error: InputError) -> InputError:
    return type(error)(f"device cuda: {error}; or use device cpu or auto")


def _count(runtime: Any) -> int:
    """How many GPUs there are, at least one; InputError, as CUDA says it, otherwise."""
    try:
        count = int(runtime.getDeviceCount())
    except Exception as error:
        raise InputError(f"no GPU can be used: {error}; check its driver with nvidia-smi, or {INSTALL}") from None
    if count == 0:
        raise InputError("no GPU is visible to this process (unset CUDA_VISIBLE_DEVICES, if it is set)")
    return count


def _import_cupy() -> Any:
    cupy = optional.load("an NVIDIA GPU", "cupy")
    if int(str(cupy.__version__).partition(".")[0]) < MIN_CUPY:
        raise MissingDependencyError(f"CuPy {cupy.__version__} is too old, the minimum is {MIN_CUPY}; {INSTALL}")
    return cupy


def _check_gpu(cupy: Any) -> None:
    """Run a product, an inverse and a kernel: each needs a CUDA library that may be missing."""
    try:
        cupy.linalg.inv(cupy.eye(2) @ cupy.eye(2)).get()
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in CUPY_PACKAGES and not isinstance(error, ImportError):
            raise
        said = str(error).splitlines()[0]
        raise InputError(f"the GPU does not work: {said}; check its driver with nvidia-smi, or {INSTALL}") from None


@cache
def _warn_once(message: str) -> None:
    logger.warning("%s", message)


def _version(number: int) -> str:
    """CUDA's version number as text: 12090 becomes 12.9."""
    return f"{number // 1000}.{number % 1000 // 10}"

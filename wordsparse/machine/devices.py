"""Chooses the device, and gives a reason for the choice. Only this module asks CuPy for a GPU.

``auto`` chooses an NVIDIA GPU if one can be used, and the CPU otherwise. If no GPU can be used, ``cuda`` raises an
error that says why. Exceptions that CuPy raises during a run become a :class:`TrainingError` that names a remedy.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from wordsparse import optional
from wordsparse.errors import InputError, TrainingError

DEVICES = ("auto", "cpu", "cuda")
INSTALL = optional.command("cupy")
CUPY_PACKAGES = ("cupy", "cupy_backends", "cupyx")
DRIVER_FILES = ("/dev/nvidiactl", "/proc/driver/nvidia")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gpu:
    """The current GPU and its software. Versions have the form ``12.9``, the compute capability the form ``9.0``."""

    name: str
    capability: str
    memory_bytes: int
    driver: str
    runtime: str
    cupy: str


@dataclass(frozen=True)
class Choice:
    """A device, ``cpu`` or ``cuda``, and a ``reason`` that explains the choice to the user."""

    device: str
    reason: str


def choose(device: str) -> Choice:
    """Choose the device for ``auto``, ``cpu`` or ``cuda`` on this machine.

    If the machine has an NVIDIA driver but ``auto`` cannot use the GPU, a single warning says why. Raise InputError if
    ``device`` is not one of these three names, or if ``device`` is ``cuda`` and no GPU can be used.
    """
    if device not in DEVICES:
        raise InputError(f"device must be one of {', '.join(DEVICES)}, not {device!r}")
    if device == "cpu":
        return Choice("cpu", "the CPU, as requested")
    try:
        gpu = find_gpu()
    except InputError as error:
        if device == "cuda":
            raise type(error)(f"device cuda: {error}; or use device cpu or auto") from None
        if not has_nvidia_driver():
            return Choice("cpu", "the CPU: no NVIDIA driver was found")
        _warn_once(f"using the CPU, since {error}")
        return Choice("cpu", f"the CPU, since {error}")
    return Choice("cuda", f"{gpu.name} (compute capability {gpu.capability}, CuPy {gpu.cupy})")


def has_nvidia_driver() -> bool:
    """Return whether the machine seems to have an NVIDIA driver: a device file, an entry in /proc, or nvidia-smi."""
    return any(map(os.path.exists, DRIVER_FILES)) or shutil.which("nvidia-smi") is not None


@cache
def find_gpu() -> Gpu:
    """Return the current GPU, after computing a product and an inverse on the GPU, which need CUDA libraries that may
    be missing.

    Raise MissingDependencyError if CuPy is not installed, or InputError with the message of CUDA if no GPU works.
    """
    cupy = _import_cupy()
    with _needing_a_gpu():
        runtime = cupy.cuda.runtime
        properties = runtime.getDeviceProperties(runtime.getDevice())
        cupy.linalg.inv(cupy.eye(2) @ cupy.eye(2)).get()
        return Gpu(
            properties["name"].decode(),
            f"{properties['major']}.{properties['minor']}",
            int(properties["totalGlobalMem"]),
            _version(runtime.driverGetVersion()),
            _version(runtime.runtimeGetVersion()),
            str(cupy.__version__),
        )


def take(number: int) -> None:
    """Make a GPU the current GPU of this thread, which :func:`find_gpu` returns. ``number`` is taken modulo the number
    of GPUs.

    Raise the same errors as :func:`find_gpu`.
    """
    runtime = _import_cupy().cuda.runtime
    with _needing_a_gpu():
        number %= runtime.getDeviceCount()
        if runtime.getDevice() != number:
            runtime.setDevice(number)
            find_gpu.cache_clear()


def usable_cupy() -> Any:
    """Return the module ``cupy`` after checking the GPU. Raise the same errors as :func:`find_gpu`."""
    find_gpu()
    return _import_cupy()


@contextmanager
def translated_errors(*, starting: bool = False) -> Iterator[None]:
    """Convert CuPy's exceptions to TrainingError, or to InputError if memory runs out and ``starting`` is True.

    If a kernel fails, CuPy raises the error in a later call, so the traceback does not show which kernel failed.
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
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if _is_out_of_memory(error):
        return (
            f"the GPU is out of memory ({message}): use smaller minibatches (batch_tokens), fewer words (min_count, "
            "max_vocab) or a smaller dim; or train on the CPU (device cpu)"
        )
    return (
        f"the GPU failed during the computation ({message}): the contents of its memory are lost. nvidia-smi and the "
        "system's log show whether the GPU still works; resume from the last checkpoint if there is one, or train on "
        "the CPU (device cpu)"
    )


def _import_cupy() -> Any:
    return optional.load("an NVIDIA GPU", "cupy")


@contextmanager
def _needing_a_gpu() -> Iterator[None]:
    """Convert any failure to use a GPU into an InputError."""
    try:
        yield
    except Exception as error:
        message = str(error).partition("\n")[0]
        raise InputError(f"no GPU can be used: {message}; check its driver with nvidia-smi, or {INSTALL}") from None


@cache
def _warn_once(message: str) -> None:
    logger.warning("%s", message)


def _version(number: int) -> str:
    """Return CUDA's version number as text: 12.9 for 12090."""
    return f"{number // 1000}.{number % 1000 // 10}"

"""Compilation of CUDA source by a C++ compiler, through shim.h, so that the kernels run on NumPy arrays."""

import ctypes
import shutil
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path

import numpy as np

from wordsparse.kernels import cuda
from wordsparse.layer.losses import LOSSES

SHIM = Path(__file__).with_name("shim.h")
COMPILER = shutil.which("g++") or shutil.which("clang++")
FLAGS = [
    *("-std=c++17", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wno-unknown-pragmas"),
    # Fibers jump between stacks; a fortified longjmp would report jumps between stacks as errors.
    *("-U_FORTIFY_SOURCE", "-fsanitize=signed-integer-overflow,shift,bounds", "-fsanitize-undefined-trap-on-error"),
]
# shim.h handles the fibers of one launch at a time, so ranks that are threads take turns.
LAUNCHING = threading.Lock()
MISSING = "no C++ compiler: the CUDA kernels' logic is not checked"
# The kernels that the package may launch, with their template arguments.
INSTANCES = [
    f"{name}<{scalar}{parts}>"
    for scalar in ("float", "double")
    for name, parts in (
        *(("combine", f", {parts}") for parts in cuda.PARTS),
        *((name, "") for name in ("combine_carry", "pair_dots", "add_rows")),
        *(("loss_terms", f", {loss.cuda}") for loss in LOSSES.values()),
    )
]


class EmulatedKernel:
    """One instance of a kernel template, called as in CuPy: ``kernel((grid x, y), (block,), arguments)``."""

    def __init__(self, library, index, name):
        signature, self._launch = library[f"signature_{index}"], library[f"launch_{index}"]
        signature.restype = self._launch.restype = ctypes.c_char_p
        text = signature().decode()
        self._parameters = [text[i : i + 3] for i in range(0, len(text), 3)]
        self._name = name

    def __call__(self, grid, block, arguments):
        if len(arguments) != len(self._parameters):
            raise RuntimeError(f"{self._name}: {len(arguments)} arguments for {len(self._parameters)} parameters")
        limits = (2**31 - 1, 65_535)
        if not all(1 <= n <= limit for n, limit in zip(grid, limits, strict=False)) or not 1 <= block[0] <= 1024:
            raise RuntimeError(f"{self._name}: a device refuses a grid of {grid} blocks of {block} threads")
        pointers = (ctypes.c_void_p * len(arguments))()
        bytes_ = (ctypes.c_int64 * len(arguments))()
        alive = []  # keeps the arrays alive while the kernel runs
        for i, (argument, parameter) in enumerate(zip(arguments, self._parameters, strict=True)):
            is_array = parameter[0] in "Pp"
            if is_array and isinstance(argument, np.uintp) and argument == 0:  # a null pointer
                bytes_[i] = -2
                continue
            self._check(i, argument, parameter, is_array)
            array = argument if is_array else np.array(argument)
            alive.append(array)
            pointers[i], bytes_[i] = array.ctypes.data, array.nbytes if is_array else -1
        sizes = map(ctypes.c_uint, (grid[0], grid[1] if len(grid) > 1 else 1, block[0]))
        with LAUNCHING:
            failure = self._launch(*sizes, pointers, bytes_, len(arguments))
        if failure is not None:
            raise RuntimeError(f"{self._name}: {failure.decode()}")

    def _check(self, place, argument, parameter, is_array):
        """Check the type of an argument: a device would interpret any bytes as the type of the parameter."""
        dtype = np.dtype(parameter[1:])
        if not isinstance(argument, np.ndarray if is_array else np.generic) or argument.dtype != dtype:
            kind = getattr(argument, "dtype", type(argument).__name__)
            raise RuntimeError(f"{self._name}: argument {place} is {kind}, the kernel takes {dtype}")
        if is_array and not argument.flags.c_contiguous:
            raise RuntimeError(f"{self._name}: argument {place} is not contiguous")
        if parameter[0] == "P" and not argument.flags.writeable:
            raise RuntimeError(f"{self._name}: the kernel writes argument {place}, but the array is read-only")


@cache
def compile_kernels(code, names):
    """Compile the named kernels (with their template arguments) of a CUDA source."""
    assert COMPILER, MISSING
    exports = "".join(f"SHIM_KERNEL({i}, {name})\n" for i, name in enumerate(names))
    text = f'#include "{SHIM}"\n#line 1 "kernels.cu"\n{code}\n{exports}'
    with tempfile.TemporaryDirectory(prefix="wordsparse-emulated-") as folder:
        source, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(text)
        done = subprocess.run(
            [COMPILER, *FLAGS, str(source), "-o", str(library)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode or done.stderr:
            raise RuntimeError(f"the C++ compiler says:\n{done.stderr[:4000]}")
        loaded = ctypes.CDLL(str(library))
    return {name: EmulatedKernel(loaded, i, name) for i, name in enumerate(names)}

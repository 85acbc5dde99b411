"""NVIDIA's run-time compiler (NVRTC), called through ctypes. NVRTC needs no GPU and no driver."""

import ctypes
import importlib.util
from functools import cache
from pathlib import Path

from wordsparse.kernels import cuda


@cache
def library():
    """Load NVRTC from its PyPI package, nvidia-cuda-nvrtc-cu12; return None if the package is not installed."""
    package = importlib.util.find_spec("nvidia")
    for place in package.submodule_search_locations or () if package else ():
        for path in sorted(Path(place).glob("cuda_nvrtc/lib/libnvrtc.so.*")):
            if "alt" not in path.name:
                return ctypes.CDLL(str(path))
    return None


def compile_for(architecture, code, names):
    """Compile the named kernels for an architecture such as ``sm_70``; return the warnings."""
    nvrtc = library()
    assert nvrtc is not None
    program = ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"kernels.cu", 0, None, None), "create")
    try:
        for name in names:
            _check(nvrtc.nvrtcAddNameExpression(program, name.encode()), name)
        # CuPy, too, passes --device-as-default-execution-space.
        arguments = (f"--gpu-architecture={architecture}", *cuda.OPTIONS, "--device-as-default-execution-space")
        options = [option.encode() for option in arguments]
        status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
        size = ctypes.c_size_t()
        _check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)), "log size")
        log = ctypes.create_string_buffer(size.value)
        _check(nvrtc.nvrtcGetProgramLog(program, log), "log")
        if status:
            raise RuntimeError(log.value.decode())
        lines = log.value.decode().splitlines(keepends=True)
        return "".join(line for line in lines if "Architectures prior to" not in line)  # deprecated, still supported
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _check(status, what):
    if status:
        raise RuntimeError(f"NVRTC fails ({status}): {what}")

"""The stand-in for CuPy refuses every operation that CuPy refuses or lacks."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from support.emulation.standin import FUNCTIONS, METHODS, cupy
from wordsparse.kernels import cuda
from wordsparse.layer.losses import LOSSES

pytestmark = pytest.mark.nightly

HOST = np.arange(3.0)
MISTAKES: dict[str, Callable[[Any], Any]] = {
    "a host array in an operation": lambda x: x + HOST,
    "a device array in a host array's operation": lambda x: HOST * x,
    "a host array made of a device array": lambda x: np.asarray(x),
    "a function of both": lambda x: np.concatenate([x, HOST]),
    "a host index": lambda x: x[np.array([0, 1])],
    "a host value stored": lambda x: x.__setitem__(slice(0, 3), HOST),
    "the fallback to NumPy of the module's functions": lambda x: cupy.dot(HOST, x),
    "a parameter that CuPy lacks": lambda x: x.max(initial=0),
    "a function that CuPy lacks": lambda x: np.piecewise(x, [x > 0], [1]),
    "a host array handed to a kernel": lambda x: cupy.take(x, np.array([0]), axis=0),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused(name: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        MISTAKES[name](cupy.arange(3, dtype=np.float64))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cupy_has_the_functions(name: str) -> None:
    real: Any = pytest.importorskip("cupy", reason="CuPy is not installed")
    for part in name.split("."):
        real = getattr(real, part)
    if not isinstance(real, __import__("cupy").ufunc):
        described = real.__doc__ if name == "einsum" else inspect.signature(real).parameters
        for parameter in FUNCTIONS[name]:
            assert parameter in described


@pytest.mark.parametrize("name", METHODS)
def test_cupy_has_the_methods(name: str) -> None:
    real = pytest.importorskip("cupy", reason="CuPy is not installed")
    signature = getattr(real.ndarray, name).__doc__.splitlines()[0]
    for parameter in METHODS[name]:
        assert parameter in signature


def test_cupy_has_what_decides_on_tf32() -> None:
    """The package asks CuPy's inner face for it; off unless the environment asks for it."""
    core = pytest.importorskip("cupy", reason="CuPy is not installed")._core
    kinds = core._routines_linalg
    assert kinds.COMPUTE_TYPE_TF32 != kinds.COMPUTE_TYPE_DEFAULT
    assert core.get_compute_type("f") == kinds.COMPUTE_TYPE_DEFAULT
    core.set_compute_type("f", kinds.COMPUTE_TYPE_DEFAULT)


def test_cupy_compiles_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CuPy's own options, and the names by which it finds the kernels; a card would say the architecture."""
    compiler = pytest.importorskip("cupy.cuda.compiler", reason="CuPy is not installed")
    monkeypatch.setattr(compiler, "_get_arch_for_options_for_nvrtc", lambda arch: (f"-arch=sm_{arch}", "cubin"))
    names = tuple(cuda.instances([loss.cuda for loss in LOSSES.values()]))
    try:
        code, mangled = compiler.compile_using_nvrtc(cuda.source(), cuda.OPTIONS, "80", "kernels.cu", names)
    except (ImportError, RuntimeError) as reason:  # not a CompileException
        pytest.skip(f"no NVRTC that CuPy finds: {reason}")
    assert set(mangled) == set(names)
    assert len(code) > 10_000

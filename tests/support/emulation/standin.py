"""A stand-in for CuPy that needs no GPU: arrays with CuPy's restrictions, and kernels compiled through shim.h.

:class:`Array` is not a NumPy array and is never converted to a NumPy array. NumPy's functions accept :class:`Array`
through the same protocols as CuPy's arrays, and only if CuPy has the function (``FUNCTIONS``, ``METHODS``). Operations
that mix host and device arrays raise TypeError, indexing included. Reductions return 0-d device arrays, and ``empty``
returns NaN.
"""

from types import SimpleNamespace

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from support.emulation import compiler
from wordsparse.kernels import cuda

# The NumPy functions, methods and keyword parameters that CuPy has too, so that the package may use them.
FUNCTIONS = """
abs all any arange argsort array asarray ascontiguousarray bincount broadcast_to column_stack concatenate cumsum
diff dot einsum empty empty_like exp eye flatnonzero full full_like hstack isfinite log log1p matmul max maximum
minimum multiply ones ones_like outer repeat searchsorted sqrt square stack sum take take_along_axis trace unique
vdot vstack where zeros zeros_like linalg.inv linalg.norm
"""
OPERATORS = """
absolute add bitwise_and bitwise_or bitwise_xor divide equal floor_divide greater greater_equal less less_equal
logical_and negative not_equal power remainder subtract
"""
METHODS = "all any argmax astype copy cumsum diagonal fill max min reshape sum trace"
KEYWORDS = "axis copy dtype kind minlength out return_inverse side"


class Array(NDArrayOperatorsMixin):
    """An array on the emulated device."""

    def __init__(self, host):
        self._host = np.asarray(host)

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct one.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__":
            return NotImplemented  # CuPy's arrays do not support add.at and add.reduce either
        result = self.__array_function__(ufunc, (), inputs, kwargs)
        return kwargs["out"][0] if "out" in kwargs else result

    def __array_function__(self, function, types, args, kwargs):
        name = ("linalg." if function.__module__ == "numpy.linalg" else "") + function.__name__
        if name not in (FUNCTIONS + OPERATORS).split():
            raise TypeError(f"the stand-in has no {name}: if CuPy has it, add it to FUNCTIONS")
        return _call(function, args, kwargs)

    def __getitem__(self, index):
        return Array(self._host[_host(index)])

    def __setitem__(self, index, value):
        self._host[_host(index)] = _host(value)

    def __len__(self):
        return len(self._host)

    def __float__(self):
        return float(self._host)

    def __int__(self):
        return int(self._host)

    def __index__(self):
        return self._host.__index__()

    def __bool__(self):
        return bool(self._host)

    def get(self):
        return self._host.copy()

    def item(self):
        return self._host.item()

    @property
    def T(self):
        return Array(self._host.T)

    def __getattr__(self, name):
        if name in ("shape", "dtype", "ndim", "size", "nbytes", "flags"):
            return getattr(self._host, name)
        if name not in METHODS.split():
            raise AttributeError(f"the stand-in has no method {name}: if CuPy has it, add it to METHODS")

        def method(*args, **kwargs):
            return _call(getattr(self._host, name), args, kwargs)

        return method

    def __repr__(self):
        return f"device {self._host!r}"


def _host(value):
    """Return the host array inside a device array. Refuse host arrays, as CuPy does."""
    if isinstance(value, Array):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}: a NumPy array among device arrays")
    if isinstance(value, (tuple, list)):
        return type(value)(_host(part) for part in value)
    return value


def _device(value):
    if value is NotImplemented:
        raise TypeError("an operation that the arrays do not know")
    if isinstance(value, (np.ndarray, np.generic)):
        return Array(value)
    if isinstance(value, tuple):
        return tuple(map(_device, value))
    return value


def _call(function, args, kwargs):
    if unknown := set(kwargs).difference(KEYWORDS.split()):
        raise TypeError(f"{function.__name__}: CuPy takes no {unknown}, or KEYWORDS lacks it")
    return _device(function(*_host(tuple(args)), **{name: _host(value) for name, value in kwargs.items()}))


class RawModule:
    """A replacement for cupy.RawModule whose kernels are compiled through shim.h."""

    def __init__(self, *, code, options=(), name_expressions=None):
        # Compile all kernels of the package at once: starting the compiler takes longer than compiling the kernels.
        names = compiler.INSTANCES if code == cuda.source() else name_expressions
        self._kernels = compiler.compile_kernels(code, tuple(names))

    def get_function(self, name):
        kernel = self._kernels[name]

        def launch(grid, block, arguments):
            kernel(grid, block, tuple(map(_host, arguments)))

        return launch


class Module:
    """A replacement for the module cupy: ``xp`` of the kernels under test."""

    ndarray = Array
    RawModule = RawModule
    float32, float64, int32, int64 = np.float32, np.float64, np.int32, np.int64

    def __getattr__(self, name):
        if name not in FUNCTIONS.split():
            raise AttributeError(f"the stand-in has no {name}: if CuPy has it, add it to FUNCTIONS")
        function = getattr(np, name)

        def call(*args, **kwargs):
            return _call(function, args, kwargs)

        return call

    @property
    def linalg(self):
        return SimpleNamespace(inv=_inverse, norm=lambda *args, **kwargs: _call(np.linalg.norm, args, kwargs))

    @staticmethod
    def array(value, dtype=None):
        """Copy a host array or a device array to a new device array."""
        return Array(np.array(value._host if isinstance(value, Array) else value, dtype))

    @staticmethod
    def asarray(value, dtype=None):
        """Copy a host array to the device; return a device array unchanged."""
        if isinstance(value, Array) and dtype in (None, value.dtype):
            return value
        return Module.array(value, dtype)

    @staticmethod
    def asnumpy(value, order="C"):
        return np.array(value._host if isinstance(value, Array) else value, order=order)

    @staticmethod
    def empty(shape, dtype=float):
        """Return an array filled with NaN or -1, so that reading an element before writing it gives visible errors."""
        host = np.empty(shape, dtype)
        host.view(np.uint8 if host.ndim else host.dtype)[...] = 0xFF
        return Array(host)


def _inverse(matrix):
    """Invert as cuSOLVER does: a singular matrix gives inf or NaN, and no error."""
    try:
        return Array(np.linalg.inv(_host(matrix)))
    except np.linalg.LinAlgError:
        return Array(np.full(matrix.shape, np.nan, matrix.dtype))


cupy = Module()

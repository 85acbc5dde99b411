"""Types that the whole package uses."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""An array with any dtype, of NumPy or of CuPy, whose arrays have the same methods."""

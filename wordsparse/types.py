"""Types that the whole package uses."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""A NumPy array of any dtype, or a CuPy array, which has the same methods."""

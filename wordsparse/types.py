"""Names for types that the whole package uses."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""An array of any type, of NumPy or of CuPy, which has the same methods."""

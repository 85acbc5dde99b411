"""Models and their training state that a stranger has written and signed: what is impossible is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files import arrays


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_with_numbers_that_are_not_finite(tmp_path: Path, value: float, order: Any) -> None:
    state = {"a": np.array([[1.0, value], [2, 3]], order=order), "n": 1}
    table = arrays.write(tmp_path / "f", state)
    for into in (None, {"a": np.zeros((2, 2)), "n": 1}):
        with pytest.raises(InputError, match="a holds numbers that are not finite"):
            arrays.read(tmp_path / "f", table, into)


def test_counts_that_add_up_beyond_64_bits_are_refused() -> None:
    # Their sum wrapped, and subsampling gave NaN.
    with pytest.raises(InputError, match="add up to less than"):
        Vocabulary(["a", "b"], [2**62, 2**62])
    assert Vocabulary(["a", "b"], [2**62, 2**61]).counts.sum() == 3 * 2**61

"""Unknown options get hints, and functions take the fields of their options as keyword arguments."""

import inspect
from dataclasses import dataclass

import pytest

from wordsparse.errors import InputError
from wordsparse.options import hint, option, taking
from wordsparse.words.options import Options


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("dimm", "did you mean dim?"),
        ("vector_size", "did you mean dim?"),
        ("workers", "did you mean threads?"),
        ("alpha", "there is no learning rate to choose: the exact steps find their own length"),
        ("lr", "there is no learning rate to choose: the exact steps find their own length"),
        ("xyzzy", ""),
    ],
)
def test_names_of_gensim_and_fasttext_are_understood(name, advice):
    assert hint(name, list(Options.__dataclass_fields__)) == advice


@dataclass(frozen=True, kw_only=True)
class Times:
    times: int = option(2, "How often.")


@taking(Times)
def product(number: int, options: Times) -> int:
    """Multiply.

    Parameters
    ----------
    number : int
    {options}
    """
    return options.times * number


def test_a_function_takes_the_fields_of_its_options():
    assert (product(3, times=4), product(3), product(number=3)) == (12, 6, 6)
    assert str(inspect.signature(product)) == "(number: int, *, times: int = 2) -> int"
    # From Python 3.13 on, the compiler removes the indentation of docstrings.
    assert "times : int\n    How often.  [default: 2]" in inspect.cleandoc(product.__doc__ or "")
    with pytest.raises(InputError, match=r"unknown option time: did you mean times\?"):
        product(3, time=4)
    with pytest.raises(InputError, match="unknown option x: choose from times"):
        product(3, x=4)

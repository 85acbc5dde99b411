"""Hints for names of options that do not exist."""

import pytest

from wordsparse.errors import InputError
from wordsparse.words.names import _ELSEWHERE, hint, refusing_unknown_names
from wordsparse.words.options import Options

KNOWN = list(Options.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dimm", "did you mean dim?"),
        ("vector_size", "did you mean dim?"),
        ("vector-size", "did you mean dim?"),
        ("workers", "did you mean threads?"),
        ("iter", "did you mean epochs?"),
        ("sg", "did you mean model?"),
        ("ws", "did you mean window?"),
        ("alpha", "there is no learning rate to choose: the exact steps find their own length"),
        ("lr", "there is no learning rate to choose: the exact steps find their own length"),
        ("xyzzy", ""),
    ],
)
def test_names_of_gensim_and_fasttext_are_understood(name: str, said: str) -> None:
    assert hint(name, KNOWN) == said


def test_every_name_elsewhere_is_written_as_it_is_looked_up() -> None:
    assert all(name == name.lower().replace("_", "").replace("-", "") for name in _ELSEWHERE)


def test_an_unknown_keyword_is_refused_with_a_hint() -> None:
    @refusing_unknown_names
    def twice(number: int, *, times: int = 2) -> int:
        return times * number

    assert twice(3, times=4) == 12
    with pytest.raises(InputError, match=r"unknown option time: did you mean times\?"):
        twice(3, time=4)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="unknown option x: choose from times"):
        twice(3, x=4)  # type: ignore[call-arg]

"""TOML of strangers."""

import pytest

from wordsparse.errors import InputError
from wordsparse.files import toml


@pytest.mark.parametrize(
    "text", ["x." * 400_000 + "y = 1", "[" + "x . " * 200_000 + "y]", "a = {" + "'x'." * 99_999 + "y=1}"]
)
def test_dotted_keys_do_not_take_the_square_of_their_length(text: str) -> None:
    """40 KB took eight seconds."""
    with pytest.raises(InputError, match="a key has more than 64 parts"):
        toml.loads(text, "card.toml")


def test_keys_of_tables_and_long_values_are_read() -> None:
    text = "[a.b.c]\nx = '" + "word " * 50_000 + "'\n" + "d" * 100_000 + " = 1.5\n"
    assert toml.loads(text, "card.toml")["a"]["b"]["c"]["d" * 100_000] == 1.5

"""Laws of tables: the rows of a group are in the order of their exact values."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.laws import law

from wordsparse.corpus.reading import RawText, joined

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    # The difference between a text and its nearest float64 is below float64 for smaller numbers.
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number if abs(number) > 1e-200 else 0.0),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=9),
)


@law(40)
@given(st.lists(st.tuples(st.integers(0, 2), NUMBERS, st.booleans()), min_size=1, max_size=12))
def test_rows_are_sorted_by_exact_values(rows: list[tuple[int, Any, bool]]) -> None:
    """Numbers may be integers, floats and decimals, equal, negative, and given as text. Equal rows keep their order."""
    table = [
        {"user": f"u{user}", "item": str(place), "at": str(value) if is_text else value}
        for place, (user, value, is_text) in enumerate(rows)
    ]

    def exact(place: int) -> Fraction:
        value, is_text = rows[place][1:]
        return Fraction(Decimal(str(value)) if is_text else value)

    users = {user: [place for place, row in enumerate(rows) if row[0] == user] for user in range(3)}
    expected = [[str(place) for place in sorted(places, key=exact)] for places in users.values() if places]
    assert list(joined(RawText(table, column="item", group_by="user", order_by="at").pieces())) == expected

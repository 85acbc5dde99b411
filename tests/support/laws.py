"""Laws: properties that hold for any input, as tests of hypothesis. Laws of a room are in its test_laws.py."""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# How many times as many examples a law has as in `make test`: `make nightly` sets it.
TIMES = int(os.environ.get("LAWS", "1"))


def law(examples):
    """Return the settings of a law with this number of examples in `make test`. A failing example is printed as it was
    drawn, because a search for a smaller one would take minutes."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )


# Names that programs often merge, strip or cut: line ends, NUL, marks of files, invisible characters, equal texts in
# other forms of Unicode, white space around a name, texts that look like numbers, and a long name.
ODD = [
    *("a\nb", "\r", "a\rb", "\x85", "\u2028", "\0a", "a\0", "a,b", '"', "'", "#a", "__label__", "__label__x", "[UNK]"),
    *(
        "🦊👩\u200d👧",
        "\u200d",
        "\ufeffa",
        "\u202eabc",
        "שלום\u200f",
        "\xe9",
        "e\u0301",
        "\ufb01",
        "fi",
        "\xc5",
        "\u212b",
    ),
    *("a", " a", "a ", "\ta", "\t", "-1", "1", "1.0", "01", "1e5", "nan", "True", "None", "x" * 10_000, "x" * 10_001),
]
NAMES = st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=6))

"""Laws: properties that hold for any input, as tests of hypothesis. Laws of a room are in its test_laws.py."""

import os

from hypothesis import HealthCheck, Phase, settings

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

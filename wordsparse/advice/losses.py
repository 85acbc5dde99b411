"""The losses of the family that fit the targets, and the outputs of each."""

from typing import Any

FITS: dict[str, tuple[str, ...]] = {
    "one-hot": ("bounded-ns", "taylor", "spherical", "zloss", "squared"),
    "several": ("bounded-ns", "taylor", "spherical", "squared"),
    "weighted": ("bounded-ns", "taylor", "spherical", "squared"),
    "real-valued": ("squared",),
}
GIVES = {
    "bounded-ns": "rankings",
    "taylor": "probabilities",
    "spherical": "probabilities",
    "zloss": "rankings",
    "squared": "values",
    "softmax": "probabilities",
}
NEAREST = ("taylor", "spherical")


def fitting(targets: str) -> list[dict[str, Any]]:
    """Every loss, whether it fits such targets, and its outputs; softmax among them, which never fits."""
    rows: list[dict[str, Any]] = [
        {"loss": loss, "fits": loss in FITS[targets], "gives": gives} for loss, gives in GIVES.items()
    ]
    for row in rows:
        if row["loss"] == "softmax":
            row["nearest"] = [loss for loss in NEAREST if loss in FITS[targets]] or ["squared"]
    return rows

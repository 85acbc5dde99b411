"""The recipe: the constants of a model and a loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.layer import losses
from wordsparse.words.embedding import StepSizes
from wordsparse.words.examples import Distances

# By how much the relative frequency of a word may exceed its weight in the base measure.
MAX_RATIO = 300.0


@dataclass(frozen=True)
class Recipe:
    """Constants that users need not know.

    ``loss`` with the constants that suit words; ``start`` the output that every word has before training, where the
    loss says nothing at 0; ``distances`` how contexts count by distance; ``measure_power`` the base measure is
    π_i ∝ count_i to this power; during the first ``warmup_tokens`` tokens E stays where it started and only W is
    fitted. A minibatch takes ``growth`` times as many corpus tokens as were passed over before it, or pass
    before E moves, times r to the power ``acceleration`` where that is r times the warm-up, and at most
    ``batch_tokens``. With a growth of 1 all are as large as may be. A run over more than ``long_run`` tokens may take
    fewer steps than a shorter one (:mod:`wordsparse.words.schedule`).
    """

    loss: losses.Loss
    steps: StepSizes = field(default_factory=StepSizes)
    start: float = 0.0
    distances: Distances = "linear"
    measure_power: float = 0.5
    growth: float = 1.0
    acceleration: float = 0.0
    batch_tokens: int = 131_072
    warmup_tokens: int = 400_000
    long_run: int = 20_000_000

    def base_measure(self, counts: ArrayLike) -> NDArray[np.float64]:
        """π of words that occur so often, (V,), not normalised.

        With a power of 0 or less, frequent words would weigh so little that a step for them overshoots: no word weighs
        less than its relative frequency divided by ``MAX_RATIO``. InputError if powers are beyond float64.
        """
        occurrences = np.asarray(counts, np.float64)
        with np.errstate(over="ignore"):
            measure = occurrences**self.measure_power
            if not 0 < measure.sum() < np.inf:
                raise InputError(
                    f"counts to the power of {self.measure_power:g} are no base measure (measure_power, gensim's "
                    "ns_exponent): choose a number near 0.75"
                )
        return np.asarray(np.maximum(measure, occurrences * (measure.sum() / occurrences.sum() / MAX_RATIO)))

    def scaled(self, rate: float) -> Recipe:
        """The recipe for a corpus whose unit is ``rate`` times smaller than a token."""
        names = ("batch_tokens", "warmup_tokens", "long_run")
        lengths = {name: round(getattr(self, name) * rate) for name in names}
        return replace(self, steps=replace(self.steps, forget_tokens=self.steps.forget_tokens * rate), **lengths)

    def as_dict(self) -> dict[str, Any]:
        """As JSON and TOML can hold it; a loss that is not one of wordsparse's by its ``text`` only."""
        content = {field.name: validation.plain(getattr(self, field.name)) for field in fields(self)}
        content["steps"] = {name: validation.plain(value) for name, value in asdict(self.steps).items()}
        stored: dict[str, Any] = {"text": repr(self.loss)}
        if losses.LOSSES.get(self.loss.name) is type(self.loss):
            stored = {name: validation.plain(value) for name, value in vars(self.loss).items() if value is not None}
        return {**content, "loss": {"name": self.loss.name, **stored}}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Recipe:
        """The inverse of :meth:`as_dict`.

        Raises
        ------
        InputError
            If a constant is unknown, or if the loss is an object that only its author has.
        """
        try:
            loss, steps = dict(content["loss"]), StepSizes(**content["steps"])
            name = loss.pop("name")
            if name not in losses.LOSSES or "text" in loss:
                raise InputError(
                    f"the loss {name} is none of wordsparse's: give its object, in recipe=wordsparse.Recipe"
                )
            return cls(**{**content, "loss": losses.LOSSES[name](**loss), "steps": steps})
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the stored recipe has another version or was altered ({error}): restore it, or train again"
            ) from error


def adapted(recipe: Recipe, constants: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the ``distances`` and ``negatives`` of a kind of data that is no text."""
    if "negatives" in constants and isinstance(recipe.loss, losses.BoundedNS):
        recipe = replace(recipe, loss=replace(recipe.loss, negatives=constants["negatives"]))
    return replace(recipe, distances=constants.get("distances", recipe.distances))


def recommended(model: str, loss: str) -> Recipe:
    """Return the recommended recipe of a model (``cbow`` or ``skipgram``) and a loss by its name, for text."""
    # docs/recipe.md says where the constants of each loss come from.
    constants = dict(losses.LOSSES[loss].recipe)
    kind, steps = losses.LOSSES[loss](**constants.pop("loss", {})), StepSizes(**constants.pop("steps", {}))
    recipe = Recipe(kind, steps, **constants)
    if model == "cbow":
        recipe = replace(recipe, steps=replace(recipe.steps, m0=20.0))
        return replace(recipe, batch_tokens=1_048_576, long_run=4_000_000) if loss == "bounded-ns" else recipe
    recipe = replace(recipe, steps=replace(recipe.steps, m0=100.0), distances="harmonic")
    if loss != "bounded-ns":
        return recipe
    # Measured for this loss only: larger minibatches, and for the sake of rare words less shrinkage, a longer memory.
    steps = replace(recipe.steps, m0=20.0, forget_tokens=2_600_000.0)
    return replace(recipe, steps=steps, batch_tokens=425_984)

"""The recipe: the constants with which a model and a loss are trained."""

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

# The largest ratio of a word's relative frequency to its weight in the base measure.
MAX_RATIO = 300.0


@dataclass(frozen=True)
class Recipe:
    """The constants of training, which most users need not change.

    ``loss`` is a loss with constants that suit words. ``start`` is the output of every word before training; losses
    whose gradient is 0 at W = 0 need a ``start`` other than 0. ``distances`` says how the weight of a context word
    depends on its distance. The base measure is π_i ∝ count_i to the power of ``measure_power``. During the first T₀ =
    ``warmup_tokens`` tokens, E is fixed and only W is fitted. After T ≥ T₀ tokens, a minibatch has ``growth`` · T ·
    (T/T₀)^``acceleration`` corpus tokens, but at most ``batch_tokens``. With the defaults of ``growth`` and
    ``acceleration``, the product is T, the number of tokens read so far. A run over more than ``long_run`` tokens may
    take fewer steps than a shorter run (:mod:`wordsparse.words.schedule`).
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
        """Return the base measure π, (V,), not normalised, of words with these counts.

        With a power of 0 or less, the weights of frequent words would be so small that the steps of these words would
        overshoot. Hence a weight is at least the word's relative frequency divided by ``MAX_RATIO``. Raise InputError
        if numbers overflow.
        """
        occurrences = np.asarray(counts, np.float64)
        with np.errstate(over="ignore"):
            measure = occurrences**self.measure_power
            if not 0 < measure.sum() < np.inf:
                raise InputError(
                    f"counts to the power of {self.measure_power:g} are not a base measure (measure_power, gensim's "
                    "ns_exponent): choose a number near 0.75"
                )
        return np.asarray(np.maximum(measure, occurrences * (measure.sum() / occurrences.sum() / MAX_RATIO)))

    def scaled(self, rate: float) -> Recipe:
        """Return the recipe with constants in the units of a :class:`wordsparse.words.source.Source`: one token is
        ``rate`` units."""
        names = ("batch_tokens", "warmup_tokens", "long_run")
        lengths = {name: round(getattr(self, name) * rate) for name in names}
        return replace(self, steps=replace(self.steps, forget_tokens=self.steps.forget_tokens * rate), **lengths)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as a dict of types that JSON and TOML can store. A user's own loss is stored only as its
        repr, under ``text``."""
        content = {field.name: validation.plain(getattr(self, field.name)) for field in fields(self)}
        content["steps"] = {name: validation.plain(value) for name, value in asdict(self.steps).items()}
        stored: dict[str, Any] = {"text": repr(self.loss)}
        if losses.LOSSES.get(self.loss.name) is type(self.loss):
            stored = {name: validation.plain(value) for name, value in vars(self.loss).items() if value is not None}
        return {**content, "loss": {"name": self.loss.name, **stored}}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Recipe:
        """Invert :meth:`as_dict`. Raise InputError if a constant is unknown, or if the loss is a user's own object."""
        try:
            loss, steps = dict(content["loss"]), StepSizes(**content["steps"])
            name = loss.pop("name")
            if name not in losses.LOSSES or "text" in loss:
                raise InputError(
                    f"the loss {name} is not a built-in loss: pass the loss object in recipe=wordsparse.Recipe"
                )
            return cls(**{**content, "loss": losses.LOSSES[name](**loss), "steps": steps})
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the stored recipe has another version or was altered ({error}): restore it, or train again"
            ) from error


def adapted(recipe: Recipe, constants: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the ``distances`` and ``negatives`` of a kind of data that is not text."""
    if "negatives" in constants and isinstance(recipe.loss, losses.BoundedNS):
        recipe = replace(recipe, loss=replace(recipe.loss, negatives=constants["negatives"]))
    return replace(recipe, distances=constants.get("distances", recipe.distances))


def recommended(model: str, loss: str) -> Recipe:
    """Return the recommended recipe for training the model ``cbow`` or ``skipgram`` on text with the loss of this
    name."""
    # docs/notes/recipe.md says where the constants of each loss come from.
    constants = dict(losses.LOSSES[loss].recipe)
    kind, steps = losses.LOSSES[loss](**constants.pop("loss", {})), StepSizes(**constants.pop("steps", {}))
    recipe = Recipe(kind, steps, **constants)
    if model == "cbow":
        recipe = replace(recipe, steps=replace(recipe.steps, m0=20.0))
        return replace(recipe, batch_tokens=1_048_576, long_run=4_000_000) if loss == "bounded-ns" else recipe
    recipe = replace(recipe, steps=replace(recipe.steps, m0=100.0), distances="harmonic")
    if loss != "bounded-ns":
        return recipe
    # Three changes were measured only for this loss: larger minibatches, a smaller m0 (so that rare words move
    # faster), and running means over more tokens.
    steps = replace(recipe.steps, m0=20.0, forget_tokens=2_600_000.0)
    return replace(recipe, steps=steps, batch_tokens=425_984)

"""The recipe, the constants of a model and a loss, and the options of a run, checked."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.layer import losses
from wordsparse.machine import devices
from wordsparse.words.embedding import StepSizes
from wordsparse.words.examples import MAX_WINDOW, Distances

ModelName = Literal["cbow", "skipgram"]
MODELS: tuple[str, ...] = get_args(ModelName)
LOSSES = tuple(losses.LOSSES)


@dataclass(frozen=True)
class Recipe:
    """Constants that users need not know.

    ``loss`` with the constants that suit words; ``start`` the output that every word has before training, where the
    loss says nothing at 0; ``distances`` how contexts count by distance; ``measure_power`` the base measure is
    π_i ∝ count_i to this power; ``warmup_tokens`` while the first so many tokens pass, E stays where it started and
    only W is fitted. A minibatch takes ``growth`` times as many corpus tokens as were passed over before it, or pass
    before E moves, times r to the power ``acceleration`` where that is r times the warm-up, and at most
    ``batch_tokens``. With a growth of 1 all are as large as may be.
    """

    loss: losses.Loss
    steps: StepSizes
    start: float = 0.0
    distances: Distances = "linear"
    measure_power: float = 0.5
    growth: float = 1.0
    acceleration: float = 0.0
    batch_tokens: int = 131_072
    warmup_tokens: int = 400_000

    def base_measure(self, counts: ArrayLike) -> NDArray[np.float64]:
        """π of words that occur so often, (V,), not normalised."""
        return np.asarray(counts, np.float64) ** self.measure_power


# docs/recipe.md says where these come from.
LONG_STEPS = StepSizes(lr=4.0, eta=1.0, t0=15.0, trust=0.3)
SQUARED_STEPS = StepSizes(lr=1.0, eta=0.5, t0=40.0)
LOG_STEPS = StepSizes(lr=1.0, eta=0.25, t0=80.0)
Z_STEPS = StepSizes(lr=2.0, eta=0.5, t0=40.0)
_BY_LOSS: dict[str, Recipe] = {
    "bounded-ns": Recipe(losses.BoundedNS(touching=6.0), LONG_STEPS, growth=0.04, acceleration=0.25),
    "squared": Recipe(losses.Squared(target_value=1.0), SQUARED_STEPS),
    "spherical": Recipe(losses.Spherical(), LOG_STEPS, start=0.7),
    "taylor": Recipe(losses.Taylor(), LOG_STEPS),
    "zloss": Recipe(losses.ZLoss(), Z_STEPS),
}


def recommended(model: str, loss: str) -> Recipe:
    """The recommended recipe of a model (``cbow`` or ``skipgram``) and a loss by its name."""
    recipe = _BY_LOSS[loss]
    if model == "cbow":
        recipe = replace(recipe, steps=replace(recipe.steps, m0=20.0))
        return replace(recipe, batch_tokens=1_048_576) if loss == "bounded-ns" else recipe
    recipe = replace(recipe, steps=replace(recipe.steps, m0=100.0), distances="harmonic")
    if loss != "bounded-ns":
        return recipe
    # Measured for this loss only: larger minibatches, and for the sake of rare words less shrinkage, a longer memory.
    steps = replace(recipe.steps, m0=20.0, forget_tokens=2_600_000.0)
    return replace(recipe, steps=steps, batch_tokens=425_984)


@dataclass(frozen=True)
class Options:
    """The options of a training run; every field is checked when it is made.

    ``batch_tokens`` corpus tokens of the largest minibatches, None for the recipe's, fewer for a short text;
    ``threads`` None for every CPU; ``max_tokens`` trains on the first so many tokens of the corpus only; ``sample``
    word2vec's subsampling threshold, 0 for none; ``heldout`` the share of the text that is never trained on, whose
    loss is measured after each epoch; ``patience`` stops the run after so many epochs without a better held-out loss;
    ``subwords`` fits n-grams to the vectors after training (:mod:`wordsparse.words.subwords`);
    ``recipe`` the constants to train with, None for the recommended ones of the model and the loss. A recipe's loss may
    be any member of the family; its name is then ``loss``.

    Raises
    ------
    InputError
        If a value is out of range; the message names the option.
    """

    model: str = "cbow"
    loss: str = "bounded-ns"
    dim: int = 100
    window: int = 5
    sample: float = 1e-3
    epochs: int = 5
    batch_tokens: int | None = None
    threads: int | None = None
    seed: int = 1
    device: str = "auto"
    max_tokens: int | None = None
    heldout: float = 0.0
    patience: int | None = None
    subwords: bool = False
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"model must be one of {', '.join(MODELS)}, not {self.model!r}")
        self._check_loss()
        for name in ("dim", "window", "epochs"):
            validation.positive_int(name, getattr(self, name))
        for name in ("batch_tokens", "threads", "max_tokens", "patience"):
            if getattr(self, name) is not None:
                validation.positive_int(name, getattr(self, name))
        validation.non_negative("sample", self.sample)
        if not validation.non_negative("heldout", self.heldout) < 1:
            raise InputError(f"heldout must be a share of the text below 1, not {self.heldout}")
        if self.patience is not None and self.heldout == 0:
            raise InputError("patience needs held-out text, whose loss it watches: give heldout too")
        if self.window > MAX_WINDOW:
            raise InputError(f"window must be at most {MAX_WINDOW}, not {self.window}")
        validation.whole("seed", self.seed)
        if self.device != "auto":  # which is never refused
            devices.choose(self.device)

    def used_recipe(self) -> Recipe:
        """The recipe to train with."""
        return self.recipe or recommended(self.model, self.loss)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it: a recipe as its text, left out where it is the recommended one."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        recipe = content.pop("recipe")
        return content if recipe is None else {**content, "recipe": repr(recipe)}

    def _check_loss(self) -> None:
        if self.recipe is None:
            if isinstance(self.loss, losses.Loss):
                name = losses.resolve(self.loss).name
                raise InputError(
                    f"loss must be a name here: give loss={name!r}, and recipe=wordsparse.Recipe(loss, steps) with "
                    f"the loss object and the step sizes that it trains with"
                )
            losses.resolve(self.loss)
            return
        if not isinstance(self.recipe, Recipe):
            raise InputError(f"recipe must be a wordsparse.Recipe, not {type(self.recipe).__name__}")
        name = losses.resolve(self.recipe.loss).name
        if name != self.loss:
            raise InputError(f"loss is {self.loss}, but the recipe is one for {name}: give loss={name!r} with it")

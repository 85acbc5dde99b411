"""The options of a training run, checked when they are given, and stored with the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Literal, get_args

from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.layer import losses
from wordsparse.layer.losses import LossName
from wordsparse.options import abouts, option, refuse_unknown
from wordsparse.validation import finite, non_negative, plain, positive_int, whole
from wordsparse.words import presets
from wordsparse.words.examples import MAX_WINDOW
from wordsparse.words.presets import BASKET_WINDOW, SENTENCE_FORM, SENTENCE_WINDOW
from wordsparse.words.recipe import Recipe, recommended

ModelName = Literal["cbow", "skipgram"]
DeviceName = Literal["auto", "cpu", "cuda"]
PresetName = Literal["text", "sentences", "items", "walks"]
MODELS: tuple[str, ...] = get_args(ModelName)
LOSSES: tuple[str, ...] = tuple(losses.LOSSES)
# Of form: what a word looks like is all of its vector long before.
MOST_FORM = 1e6
# Skip-gram's minibatches hold fewer tokens with wider windows than this.
WIDE_WINDOW = 255
# Of the options whose default depends on the preset: those of text.
DEFAULTS = {"model": "cbow", "window": 5, "sample": 1e-3, "form": 1.0}
CHECKS: dict[str, Callable[[str, Any], float]] = {
    **dict.fromkeys(("dim", "window", "epochs", "batch_tokens", "threads", "max_tokens"), positive_int),
    **dict.fromkeys(("sample", "heldout"), non_negative),
    "form": partial(non_negative, most=MOST_FORM),
    "measure_power": finite,
    "seed": whole,
}
# Epochs where none are given: of a text of LONG tokens and more, and at most, of a shorter one.
EPOCHS, MOST_EPOCHS, LONG_TOKENS = 5, 20, 6_000_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a training run: what its steps are.

    Every field is checked when it is made, and is then a plain int, float or str, whatever number it was given as. A
    loss object becomes a recipe, and ``loss`` its name; without a loss, it is that of the recipe, or "bounded-ns".
    ``preset`` chooses the recommended recipe, the exported vectors, and the window, the sample and form where they
    are not given.

    Raises
    ------
    InputError
        If a value is out of range; the message names the option.
    """

    model: ModelName = option(
        None,
        "CBOW predicts a word from the words around it; skip-gram predicts each of these from the word.",
        shown="cbow",
    )
    loss: LossName | str | losses.Loss | None = option(
        None,
        "A member of the spherical family by its name, with the constants that suit words; or an object, whose "
        "constants are taken as they are. A loss of your own needs a recipe.",
        shown="bounded-ns, or that of the recipe",
        choices=LOSSES,
    )
    dim: int = option(100, "Length of a vector.")
    preset: PresetName | str = option(
        "text",
        "Kind of data, which chooses the defaults of other options; a source has options of its own, which its --help "
        "shows.",
        cli="for",
        metavar="KIND",
        choices={name: kind.about for name, kind in presets.PRESETS.items()}
        | {name: sentence for name, (_, sentence) in SOURCES.items()},
        open=True,
    )
    window: int = option(
        None,
        "Maximum distance of a context word.",
        shown=f"5; {SENTENCE_WINDOW} with --for sentences, {BASKET_WINDOW} with --for items",
    )
    sample: float = option(
        None,
        "Subsampling threshold of word2vec: of a word whose relative frequency f is above it, a share √(sample/f) + "
        "sample/f of the occurrences is trained on; 0 for none. A text of fewer than 1/sample tokens has none either.",
        shown="0.001; 0 with --for items or walks",
    )
    measure_power: float | None = option(
        None,
        "Outputs weigh by their counts to this power, which may be negative: the exponent of negative sampling's "
        "distribution.",
        shown="the recipe's, 0.5",
    )
    epochs: int = option(
        None,
        "Passes over the text.",
        shown=f"{EPOCHS}, and up to {MOST_EPOCHS} for a text of fewer than {LONG_TOKENS:,} tokens; with --for items or "
        f"walks {EPOCHS}",
    )
    batch_tokens: int | None = option(
        None, "Corpus tokens of the largest minibatches.", shown="the recipe's, fewer for a short text"
    )
    threads: int | None = option(
        None, "Number of threads. The vectors do not depend on it.", shown="all CPUs", free=True
    )
    seed: int = option(1, "The same seed, text and options give the same bytes.")
    device: DeviceName = option("auto", "Where to train; auto takes an NVIDIA GPU where one can be used.", free=True)
    max_tokens: int | None = option(None, "Train on the first N tokens only, with the vocabulary of the whole text.")
    heldout: float = option(
        0.0,
        "Fraction of the text that is excluded from training; its loss is reported after each epoch.",
        metavar="FRACTION",
    )
    form: float = option(
        None,
        "How strongly what a word looks like, by n-grams of characters that are fitted to the finished vectors, is "
        "blended into its vector; words that are not in the vocabulary get one too. 0: not at all; 2: better analogies "
        "of inflected forms at the expense of names.",
        shown=f"1 with --for text, {SENTENCE_FORM:g} with --for sentences, else 0",
        metavar="STRENGTH",
        free=True,
    )
    recipe: Recipe | None = option(
        None, "Constants other than the recommended ones of the model and the loss.", cli=None
    )

    def __post_init__(self) -> None:
        for field in fields(self):
            self._set(field.name, plain(getattr(self, field.name)))
        for name, value in {**DEFAULTS, **presets.preset(self.preset).options}.items():
            if getattr(self, name) is None:
                self._set(name, value)
        if self.model not in MODELS:
            raise InputError(f"model must be one of {', '.join(MODELS)}, not {self.model!r}")
        self._take_loss()
        for name, check in CHECKS.items():
            value = getattr(self, name)
            if value is not None or name in ("dim", "sample", "heldout", "seed"):
                self._set(name, check(name, value))
        if not self.heldout < 1:
            raise InputError(f"heldout must be a share of the text below 1, not {self.heldout}")
        if self.window > MAX_WINDOW:
            raise InputError(f"window must be at most {MAX_WINDOW}, not {self.window}")
        if self.device not in get_args(DeviceName):
            raise InputError(f"device must be one of {', '.join(get_args(DeviceName))}, not {self.device!r}")

    def used_recipe(self) -> Recipe:
        """The recipe to train with."""
        recipe = self.recipe or recommended(self.model, str(self.loss), self.preset)
        if self.model == "skipgram" and self.window > WIDE_WINDOW:  # as many pairs of words in a minibatch
            recipe = replace(recipe, batch_tokens=max(1, recipe.batch_tokens * WIDE_WINDOW // self.window))
        return recipe if self.measure_power is None else replace(recipe, measure_power=self.measure_power)

    def as_dict(self) -> dict[str, Any]:
        """As JSON and TOML can hold it."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**content, "recipe": None if self.recipe is None else self.recipe.as_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Options":
        """The inverse of :meth:`as_dict`.

        Raises
        ------
        InputError
            If an option is unknown or out of range, or if the loss is an object that only its author has.
        """
        given = renamed(content)
        if given.get("recipe") is not None:
            given["recipe"] = Recipe.from_dict(given["recipe"])
        refuse_unknown(given, abouts(cls))
        return cls(**given)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _take_loss(self) -> None:
        """Make of a loss object the recipe that trains with it."""
        recipe = self.recipe
        if recipe is not None and not isinstance(recipe, Recipe):
            raise InputError(f"recipe must be a wordsparse.Recipe, not {type(recipe).__name__}")
        if self.loss is None:
            self._set("loss", "bounded-ns" if recipe is None else losses.resolve(recipe.loss).name)
        elif isinstance(self.loss, losses.Loss):
            self._set("recipe", _recipe_with(losses.resolve(self.loss), recipe, self.model, self.preset))
            self._set("loss", self.loss.name)
        elif recipe is None:
            losses.resolve(self.loss)
        elif (name := losses.resolve(recipe.loss).name) != self.loss:
            raise InputError(f"loss is {self.loss}, but the recipe is one for {name}: leave out loss")


def _recipe_with(loss: losses.Loss, recipe: Recipe | None, model: ModelName, preset: str) -> Recipe | None:
    """The recipe that trains with a loss object; None if that is the recommended one."""
    if recipe is not None:
        if recipe.loss != loss:
            raise InputError("loss is another object than the loss of the recipe: leave out one of them")
        return recipe
    if losses.LOSSES.get(loss.name) is not type(loss):
        raise InputError(
            f"loss {type(loss).__name__} is your own, and its step sizes are not known: give "
            "recipe=wordsparse.Recipe(loss, steps), which holds both"
        )
    best = recommended(model, loss.name, preset)
    return None if best.loss == loss else replace(best, loss=loss)


def renamed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Stored options by the names of this version."""
    given = dict(content)
    given.pop("patience", None)  # which stopped a run early, and changed nothing else
    if given.pop("subwords", True) is False:  # which n-grams had besides form
        given["form"] = 0.0
    return given

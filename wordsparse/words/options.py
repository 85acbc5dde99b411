"""The options of a training run, which are checked at initialisation and stored with the model."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import Any, Literal, get_args

from wordsparse.corpus.sources import is_frame
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.layer import losses
from wordsparse.layer.losses import LossName
from wordsparse.options import Checked, abouts, option, refuse_unknown
from wordsparse.validation import finite, non_negative, one_of, positive_int, whole
from wordsparse.words.examples import MAX_WINDOW, Direction
from wordsparse.words.kinds import GENERAL, KINDS, TEXT, Kind, defaults_in_words, kind_of
from wordsparse.words.recipe import Recipe, adapted, recommended

ModelName = Literal["cbow", "skipgram"]
DeviceName = Literal["auto", "cpu", "cuda"]
KindName = Literal["text", "sentences", "search", "items", "sessions", "walks"]
MODELS: tuple[str, ...] = get_args(ModelName)
LOSSES: tuple[str, ...] = tuple(losses.LOSSES)
# The strength of n-grams at which a word's vector depends only on the word's n-grams.
MOST_FORM = 1e6
# The window width above which skip-gram's minibatches have fewer tokens.
WIDE_WINDOW = 255
# The record of a table that is a data frame, not a file.
IN_MEMORY = "(a table in memory)"
# Texts shorter than LONG_TOKENS get more epochs, at most MOST_EPOCHS.
MOST_EPOCHS, LONG_TOKENS = 20, 6_000_000


def _share(name: str, value: Any) -> float:
    share = non_negative(name, value)
    if not share < 1:
        raise InputError(f"{name} must be a fraction of the text below 1, not {share}")
    return share


def _table(name: str, value: Any) -> Any:
    if is_frame(value):
        return value
    if not isinstance(value, str | os.PathLike):
        raise InputError(f"{name} must be a file (csv, jsonl, parquet) or a data frame, not {type(value).__name__}")
    return os.fspath(value)


@dataclass(frozen=True, kw_only=True)
class Options(Checked):
    """The options that determine the steps of a training run.

    Every value is checked at initialisation and converted to a plain int, float or str. If ``loss`` is an object, the
    object moves into ``recipe``, and ``loss`` becomes its name. If ``loss`` is left out, ``loss`` becomes the name of
    the recipe's loss, or "bounded-ns". Every other option that is left out, or None, gets the default of the kind of
    data named by ``kind``.

    Raises
    ------
    InputError
        If a value is out of range; the message names the option.
    """

    model: ModelName = option(
        None,
        "CBOW predicts a word from the surrounding words; skip-gram predicts each surrounding word from the word.",
        shown=str(GENERAL["model"]),
        check=one_of(*MODELS),
    )
    loss: LossName | str | losses.Loss | None = option(
        None,
        "The name of a member of the spherical family, with constants that suit words; or an object, with its own "
        "constants. Your own loss needs a recipe.",
        shown="bounded-ns, or the loss of the recipe",
        choices=LOSSES,
    )
    dim: int = option(100, "Length of a vector.", check=positive_int)
    kind: KindName | str = option(
        TEXT,
        "Kind of data, which sets the defaults of other options.",
        cli="for",
        metavar="KIND",
        choices={name: kind.about for name, kind in KINDS.items()}
        | {name: sentence for name, (_, sentence) in SOURCES.items()},
        open=True,
    )
    window: int = option(
        None,
        "Maximum distance of a context word.",
        shown=defaults_in_words("window"),
        check=partial(whole, least=1, most=MAX_WINDOW),
    )
    direction: Direction = option(
        None,
        "Which words are context: `both` sides of a word, or only the words `after` it, so that earlier words predict "
        "later words.",
        shown=defaults_in_words("direction"),
        check=one_of(*get_args(Direction)),
    )
    sample: float = option(
        None,
        "Subsampling threshold of word2vec: if a word's relative frequency f exceeds `sample`, a share √(sample/f) + "
        "sample/f of its occurrences is used; 0: use all. A text of fewer than 1/sample tokens is not subsampled.",
        shown=defaults_in_words("sample"),
        check=non_negative,
    )
    measure_power: float | None = option(
        None,
        "Exponent of the counts in the weights of outputs, as in the distribution of negative sampling. The exponent "
        "may be negative.",
        shown="0.5, as in the recipe",
        cli=None,
        check=finite,
    )
    epochs: int = option(
        None,
        "Passes over the text.",
        shown=f"{GENERAL['epochs']}; up to {MOST_EPOCHS} if the text has fewer than {LONG_TOKENS:,} tokens",
        check=positive_int,
    )
    batch_tokens: int | None = option(
        None,
        "Number of corpus tokens in the largest minibatches.",
        shown="the value in the recipe, or less for a short text",
        check=positive_int,
    )
    threads: int | None = option(
        None, "Number of threads, which does not affect the vectors.", shown="all CPUs", free=True, check=positive_int
    )
    seed: int = option(1, "Random seed. The same seed, text and options give the same bytes.", check=whole)
    device: DeviceName = option(
        "auto",
        "Device to train on; auto uses an NVIDIA GPU if possible.",
        free=True,
        check=one_of(*get_args(DeviceName)),
    )
    max_tokens: int | None = option(
        None, "Train only on the first N tokens, with the vocabulary of the whole text.", check=positive_int
    )
    heldout: float = option(
        0.0,
        "Fraction of the text to hold out from training. The loss on the held-out text is reported after each epoch.",
        metavar="FRACTION",
        check=_share,
    )
    form: float = option(
        None,
        "Strength of a word's spelling in its vector: n-grams of characters are fitted to the finished vectors and "
        "blended in, and out-of-vocabulary words get vectors, too. 0: no n-grams; 2: better analogies of inflected "
        "forms at the expense of names.",
        shown=defaults_in_words("form"),
        metavar="STRENGTH",
        free=True,
        check=partial(non_negative, most=MOST_FORM),
    )
    memory: bool = option(
        None,
        "Whether the model remembers pairs of items, and predicts next items by these pairs, too. The last items of a "
        "sample of sentences are then held out, to choose the constants of predictions and to calibrate probabilities.",
        cli="memory/--no-memory",
        shown="--memory with --for items or sessions, otherwise --no-memory",
    )
    features: Any = option(
        None,
        "Table of features of items: a row for each item, with its tags, words and numbers. The column of items is "
        "named as in the log, or comes first. Items that are not in the log get vectors from their features, "
        "and can be predicted.",
        metavar="FILE",
        free=True,
        check=_table,
    )
    shortest: int | None = option(
        None,
        "Length of the shortest n-grams that are blended in, in characters.",
        shown="1 if words have fewer than 4 characters on average or the language is agglutinative, otherwise 3",
        free=True,
        check=positive_int,
    )
    longest: int | None = option(
        None,
        "Length of the longest n-grams that are blended in, in characters.",
        shown="3 if words have fewer than 4 characters on average, 5 if the language is agglutinative, otherwise 6",
        free=True,
        check=positive_int,
    )
    recipe: Recipe | None = option(
        None, "Constants that differ from the recommended recipe of the model and the loss.", cli=None
    )

    def __post_init__(self) -> None:
        values = vars(self)
        for name, value in self.data_kind.defaults.items():
            if name != "epochs" and values.get(name, value) is None:
                values[name] = value
        super().__post_init__()
        self._take_loss()

    @cached_property
    def data_kind(self) -> Kind:
        """The kind of data that ``kind`` names."""
        return kind_of(TEXT if self.kind is None else self.kind)

    def with_epochs(self, tokens: int) -> "Options":
        """Return the options with ``epochs`` set. None is replaced by a number that suits a text of this length."""
        if self.epochs:
            return self
        epochs: int = self.data_kind.defaults["epochs"]
        tokens = max(1, min(tokens, self.max_tokens or tokens))
        if self.data_kind.epochs_by_length and tokens < LONG_TOKENS:
            epochs = min(MOST_EPOCHS, round(epochs * LONG_TOKENS / tokens))
        return replace(self, epochs=epochs)

    def used_recipe(self) -> Recipe:
        """Return the recipe to train with."""
        recipe = self.recipe or self._recommended()
        if self.model == "skipgram" and self.window > WIDE_WINDOW:  # keep the number of pairs per minibatch unchanged
            recipe = replace(recipe, batch_tokens=max(1, recipe.batch_tokens * WIDE_WINDOW // self.window))
        return recipe if self.measure_power is None else replace(recipe, measure_power=self.measure_power)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as a dict of types that JSON and TOML can store."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        features = IN_MEMORY if is_frame(self.features) else self.features
        return {**content, "recipe": None if self.recipe is None else self.recipe.as_dict(), "features": features}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Options":
        """Invert :meth:`as_dict`. Raise InputError if an option is unknown or out of range, or if the loss is a user's
        own object."""
        values = dict(content)
        if values.get("recipe") is not None:
            values["recipe"] = Recipe.from_dict(values["recipe"])
        refuse_unknown(values, abouts(cls))
        return cls(**values)

    def _recommended(self) -> Recipe:
        return adapted(recommended(self.model, str(self.loss)), self.data_kind.recipe)

    def _take_loss(self) -> None:
        """Replace a loss object by its name, and put the object into the recipe."""
        recipe, values = self.recipe, vars(self)
        if recipe is not None and not isinstance(recipe, Recipe):
            raise InputError(f"recipe must be a wordsparse.Recipe, not {type(recipe).__name__}")
        if self.loss is None:
            values["loss"] = "bounded-ns" if recipe is None else losses.resolve(recipe.loss).name
        elif isinstance(self.loss, losses.Loss):
            loss = losses.resolve(self.loss)
            values["loss"] = loss.name
            values["recipe"] = self._recipe_with(loss)
        elif recipe is None:
            losses.resolve(self.loss)
        elif (name := losses.resolve(recipe.loss).name) != self.loss:
            raise InputError(f"loss is {self.loss}, but the recipe is for {name}: leave out loss")

    def _recipe_with(self, loss: losses.Loss) -> Recipe | None:
        """Return a recipe with this loss object, or None if the loss of the recommended recipe equals this loss
        object."""
        if self.recipe is not None:
            if self.recipe.loss != loss:
                raise InputError("loss and the loss of the recipe are different objects: leave out one of them")
            return self.recipe
        if losses.LOSSES.get(loss.name) is not type(loss):
            raise InputError(
                f"loss {type(loss).__name__} is your own, and its step sizes are unknown: give "
                "recipe=wordsparse.Recipe(loss, steps), which holds both"
            )
        best = self._recommended()
        return None if best.loss == loss else replace(best, loss=loss)

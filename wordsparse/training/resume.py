"""Continued training of a finished model, either for more epochs on the same text or on a new text, which may have new
words.

For more epochs, the run continues with its complete state and with the schedule for the new number of epochs. If a
model with 5 epochs is trained up to 8 epochs, for example, the learning rate begins at three eighths of its initial
value and falls to 0. No other option may change.

On a new text, known words keep their row numbers, unknown words are added after them, and no word is removed, even if
it is rare in the new text. The counts of both texts are added. The sums determine subsampling and the base measure π.
Known words keep their rows of E and W and their M_w, the weighted number of pairs seen so far
(:mod:`wordsparse.words.embedding`), and the running means are kept. (The layer holds diag(√π) W, so its rows are
rescaled from the old π to the new π, and Q and w̄ are recomputed.) New words start as in any run. The schedule is as in
a new run on the new text, but without the warm-up in which E is fixed. Input steps are divided by M_w, so known words
move slowly and new words move fast. The model, the loss and the dimension must not change; all other options may
change.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.kernels import at_work
from wordsparse.machine.devices import Choice
from wordsparse.options import free
from wordsparse.tokens.records import brief
from wordsparse.training.loop import Run
from wordsparse.words.calibration import Features, features_of, without_new_items
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Source

logger = logging.getLogger(__name__)


def differences(before: Mapping[str, Any], now: Mapping[str, Any], but: set[str]) -> str:
    """Return a phrase that lists the options with different values, or "" if all values are equal."""
    names = sorted((before.keys() | now.keys()) - but)
    changed = [name for name in names if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {_shown(before.get(name))}, not {_shown(now.get(name))}" for name in changed)


def _shown(value: object) -> object:
    if isinstance(value, Mapping):  # a tokenisation record may hold the content of a file
        value = value.get("tokens", value)
    return "none" if value is None else value


def is_same_text(text: Mapping[str, Any], source: Source) -> bool:
    """Return whether a model or run was trained on this text. Raise InputError if the text is the same, but the
    vocabulary or the tokenisation differs."""
    now = source.identity()
    before, here = text.get("tokenization"), now.get("tokenization")
    if before is not None and here is not None and (changed := differences(brief(before), brief(here), but=set())):
        raise InputError(f"resume: {changed}: the same text would give other tokens; use the original options")
    same = bool(text.get("sha256") == now["sha256"])
    changed = differences(text, now, but={"sha256"})
    if changed and (same or all(text.get(name) == now[name] for name in ("tokens", "sentences", "distinct_words"))):
        raise InputError(f"resume: the model was trained on this text, but {changed}: use the original options")
    return same


def with_more_epochs(options: Options, model: Model, source: Source) -> Options | None:
    """Return the options to train a model further on its own text, or None if no epochs are left. If ``epochs`` is
    None, ``epochs`` becomes the model's number of epochs or the default for the text, whichever is larger. Raise
    InputError if another option differs or the number of epochs is smaller."""
    # An option that the model's version did not have has its default value.
    before = {**Options(kind=options.kind).as_dict(), **model.options}
    now = options.with_epochs(source.length)
    epochs: int = before["epochs"]
    if not options.epochs:
        now = replace(now, epochs=max(now.epochs, epochs))
    changed = differences(before, now.as_dict(), but={*free(Options), "epochs"})
    if changed or now.epochs < epochs:
        changed = changed or f"epochs was {epochs}, not {now.epochs}, and the number may only increase"
        raise InputError(f"resume: {changed}: on the same text, use the original options, or another output")
    return now if now.epochs > epochs else None


def continued(
    model: Model, source: Source, options: Options, device: Choice, features: Features | None = None
) -> Run | None:
    """Return a run that trains a model further, on its own text or on a new text. Return None if no epochs are left.
    Without new ``features``, the run has the features of the model."""
    features, model = features_of(model) if features is None else features, without_new_items(model)
    if is_same_text(model.trained().text, source):
        more = with_more_epochs(options, model, source)
        if more is None:
            return None
        run = Run(source, more, model.vocabulary, device=device, features=features)
        run.restore(model.state(), model.trained().run_state)
        run.continues, run.is_on_same_text = model, True
        return run
    run = on_new_text(model, source, options, device, features)
    added = len(run.vocabulary) - len(model.vocabulary)
    logger.info("training on with a new text: %s words added to %s", f"{added:,}", f"{len(model.vocabulary):,}")
    return run


def on_new_text(
    model: Model, source: Source, options: Options, device: Choice | None = None, features: Features | None = None
) -> Run:
    """Return a run on a new text that starts from a model. Raise InputError if the kind of model, the loss, the
    dimension, the kind of data or the base measure would change."""
    fixed = ("model", "loss", "dim", "kind", "measure_power")
    before, now = ({name: each.get(name) for name in fixed} for each in (model.options, options.as_dict()))
    if changed := differences(before, now, but=set()):
        raise InputError(
            f"resume: {changed}: a new text cannot change these options: use the original options, or train a new model"
        )
    vocabulary = model.vocabulary.merged(source.vocabulary)
    run = Run(source, options, vocabulary, device=device, features=features)
    start_from(run, model, options.used_recipe())
    return run


def start_from(run: Run, model: Model, recipe: Recipe) -> None:
    """Start a new run from a model that was trained with ``recipe``. The words of the model must be the first words of
    the run."""
    measure = recipe.base_measure(model.vocabulary.counts)
    W = model.output_rows / np.sqrt(measure / measure.sum())[:, None].astype(np.float32)
    with at_work(starting=True):
        run.embedding.take_over(model.state(), W)
    run.state.warmup_tokens = 0.0
    run.continues = model

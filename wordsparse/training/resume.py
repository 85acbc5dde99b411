"""Training on from a finished model: more epochs on its text, or a new text with words of its own.

More epochs: the run goes on with all of its state, on the schedule of the new number of epochs: after 5 epochs of now
8, the learning rate is three eighths of its start, and falls to 0 from there. Nothing else may be asked differently.

A new text: words that the model does not know are added, and none is taken away, however rare it is in the new text.
Counts add up, as if both texts were one; words are ordered by that sum, and subsampling and the base measure π follow
it. A known word keeps its row of E and of W (the layer holds diag(√π) W, so its rows are scaled from the old π to the
new one, and Q and w̄ come anew from a fold), how much was seen of it, and the running means; new words start as in any
run. The schedule is that of a new run over the new text alone, without the warm-up in which E stays put. Since the
input step divides by all that was seen of a word, a known word moves little and a new one fast. The model, the loss and
the dimension must be as they were, every other option may differ.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.files import arrays
from wordsparse.kernels import at_work
from wordsparse.training.loop import Run
from wordsparse.words.model import Model
from wordsparse.words.recipe import Options, Recipe

# Options that say where a run takes place, not what it is.
FREE = {"threads", "device"}


def differences(before: Mapping[str, Any], now: Mapping[str, Any], but: set[str]) -> str:
    """In words, which of the named values differ; empty if none does."""
    names = sorted((before.keys() | now.keys()) - but)
    changed = [name for name in names if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {before.get(name)}, not {now.get(name)}" for name in changed)


def is_same_text(text: Mapping[str, Any], corpus: EncodedCorpus) -> bool:
    """Whether a model or run was trained on this text.

    Raises
    ------
    InputError
        If it is the same text, but encoded with another vocabulary.
    """
    now = corpus.identity()
    same = bool(text.get("sha256") == now["sha256"])
    changed = differences(text, now, but={"sha256"})
    if changed and (same or all(text.get(name) == now[name] for name in ("tokens", "sentences", "distinct_words"))):
        raise InputError(f"resume: this is the text of the model, but {changed}: ask for it as it was")
    return same


def check_more_epochs(model: Model, options: Options) -> bool:
    """Whether there are epochs left to train on the model's own text.

    Raises
    ------
    InputError
        If another option than the number of epochs differs, or fewer epochs are asked for.
    """
    before, now = model.options, options.as_dict()
    changed = differences(before, now, but={*FREE, "epochs"})
    epochs = before.get("epochs")
    if changed or not isinstance(epochs, int) or options.epochs < epochs:
        changed = changed or f"epochs was {epochs}, not {options.epochs}"
        raise InputError(f"resume: {changed}: on the same text only the number of epochs may grow")
    return options.epochs > epochs


def more_epochs(model: Model, corpus: EncodedCorpus, options: Options, *, checkpoints: bool = False) -> Run:
    """The run of a finished model, with epochs to go."""
    run = Run(corpus, options, model.vocabulary, checkpoints=checkpoints)
    run.restore(model.state(), model.trained().run_state)
    return run


def on_new_text(model: Model, corpus: EncodedCorpus, options: Options, *, checkpoints: bool = False) -> Run:
    """A run over a new text that starts from a model.

    Raises
    ------
    InputError
        If the model, the loss or the dimension differ from the model's.
    """
    fixed = ("model", "loss", "dim")
    before, now = ({name: given.get(name) for name in fixed} for given in (model.options, options.as_dict()))
    if changed := differences(before, now, but=set()):
        raise InputError(f"resume: {changed}: a model keeps its kind, loss and dimension on a new text")
    run = Run(corpus, options, model.vocabulary.merged(corpus.vocabulary), checkpoints=checkpoints)
    start_from(run, model, model.vocabulary.rows_in(run.vocabulary), options.used_recipe())
    return run


def start_from(run: Run, model: Model, rows: NDArray[np.int64], recipe: Recipe) -> None:
    """Let a new run go on from a model trained by ``recipe``: word i of the model is word rows[i] of the run.

    Raises
    ------
    InputError
        If the model's state is not that of such a run.
    """
    _check_state(model, run)
    measure = recipe.base_measure(model.vocabulary.counts)
    W = model.output_rows / np.sqrt(measure / measure.sum())[:, None].astype(np.float32)
    with at_work(starting=True):
        run.embedding.take_over(model.state(), W, rows)
    run.state.warmup_tokens = 0.0


def _check_state(model: Model, run: Run) -> None:
    """Raise InputError unless the model's state is that of a run like this one over the model's own words."""
    wanted = run.embedding.state()
    for name in ("E", "mass", "output.V"):  # a row a word
        array = wanted[name]
        wanted[name] = np.broadcast_to(array[:1], (len(model.vocabulary), *array.shape[1:]))
    arrays.check_fit(model.state(), wanted)

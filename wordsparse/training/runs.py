"""The entry point of training: on any kind of text, in memory or with an output and checkpoints."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.reading import Source
from wordsparse.display import Display
from wordsparse.distributed import gpus, launch
from wordsparse.distributed.ranks import together
from wordsparse.errors import InputError
from wordsparse.layer.losses import Loss
from wordsparse.machine.memory import give_back
from wordsparse.stability.bootstrap import resample_all
from wordsparse.training import memory
from wordsparse.training.interruption import Interrupted, stop_requests
from wordsparse.training.loop import Run
from wordsparse.training.output_run import CHECKPOINT_EVERY, OutputRun
from wordsparse.training.progress import Progress, RunDisplay
from wordsparse.training.ranks_run import RanksRun
from wordsparse.training.resume import continued
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.training.trained import TrainedModel
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model
from wordsparse.words.model_directory import read_vectors
from wordsparse.words.names import hint, refusing_unknown_names
from wordsparse.words.options import DeviceName, LossName, ModelName, Options, PresetName, options_for
from wordsparse.words.recipe import Recipe

ProgressOption: TypeAlias = bool | Literal["auto"] | Callable[[Progress], None]


@refusing_unknown_names
def train(
    corpus: Source | EncodedCorpus,
    *,
    model: ModelName = "cbow",
    loss: LossName | Loss | None = None,
    dim: int = 100,
    window: int | None = None,
    sample: float | None = None,
    epochs: int = 5,
    batch_tokens: int | None = None,
    threads: int | None = None,
    seed: int = 1,
    device: DeviceName = "auto",
    max_tokens: int | None = None,
    heldout: float = 0.0,
    patience: int | None = None,
    subwords: bool = False,
    recipe: Recipe | None = None,
    measure_power: float | None = None,
    format: str | None = None,
    column: str | None = None,
    tokens: str | None = None,
    phrases: int | None = None,
    phrase_threshold: float | None = None,
    min_count: int | None = None,
    max_vocab: int | None = None,
    max_expansion: float | None = None,
    preset: PresetName = "text",
    output: str | PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: float = CHECKPOINT_EVERY,
    bootstrap: int = 0,
    init: str | PathLike[str] | WordVectors | Model | None = None,
    progress: ProgressOption = "auto",
) -> TrainedModel:
    """Train word vectors with the exact gradient over the whole vocabulary.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        Text is encoded into a temporary directory first; a directory that ``encode`` wrote is used as it is.
    model : {"cbow", "skipgram"}
        CBOW predicts a word from the words around it; skip-gram predicts each of these from the word.
    loss : {"bounded-ns", "squared", "spherical", "taylor", "zloss"} or Loss, optional
        A member of the spherical family; where not given, that of the recipe, or ``bounded-ns``. The constants of an
        object are taken as they are; by its name, a loss has those that suit words. A loss of your own needs a recipe.
    dim : int
        Length of a vector.
    window : int, optional
        Maximum distance of a context word, up to 10,000; 5 where not given, 255 for ``items``.
    sample : float, optional
        Subsampling threshold of word2vec: of a word whose relative frequency f is above it, a share √(sample/f) +
        sample/f of the occurrences is trained on; 1e-3 where not given, 0, for none, with ``items`` and ``walks``.
        A text of fewer than 1/sample tokens has none either.
    epochs : int
        Passes over the text.
    batch_tokens : int, optional
        Corpus tokens of the largest minibatches; the recipe's where not given, fewer for a short text.
    threads : int, optional
        All available CPUs where not given. The vectors do not depend on it.
    seed : int
        The same seed, text and options give the same bytes.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes an NVIDIA GPU where one can be used.
    max_tokens : int, optional
        Train on the first so many tokens only, with the vocabulary of the whole text.
    heldout : float
        Share of the text that is never trained on; its loss is reported after each epoch.
    patience : int, optional
        Stop after so many epochs without a lower held-out loss.
    subwords : bool
        Fit n-grams of characters to the vectors after training: unknown words get a vector, rare ones a better one.
    recipe : Recipe, optional
        Constants other than the recommended ones of the model and the loss.
    measure_power : float, optional
        Outputs weigh by their counts to this power, which may be negative: the exponent of negative sampling's
        distribution; the recipe's where not given.
    format, column, tokens, phrases, phrase_threshold : optional
        How text becomes tokens: the format of files (``lines``, ``text8``, ``paths``, ``wiki``, ``csv``, ``jsonl``,
        ``parquet``), the column of rows that holds the text, the tokeniser (``split``, ``simple``, ``unicode``,
        ``unicode-cased``, ``japanese``, ``chinese``), and the joining of phrases; see :func:`wordsparse.encode`. With
        ``tokens``, the items of an iterable are texts (str); with ``column``, they are rows (mappings).
    min_count, max_vocab : int, optional
        Words that occur less often, or beyond the most frequent ones, are left out (min_count 5 where not given, 1 for
        ``items`` and ``walks``). For an encoded corpus they were fixed when it was encoded.
    max_expansion : float, optional
        A compressed text file that unpacks to more than so many times its size is refused (200 where not given).
    preset : {"text", "items", "walks"}
        The kind of sequences, which chooses the defaults of other options: baskets of items have windows of the whole
        basket, whatever the order; items and walks on graphs are not subsampled. See :mod:`wordsparse.words.presets`.
    output : path, optional
        Where to write the model directory; with it the run writes checkpoints beside it and survives its process.
    resume : bool
        Go on with what an interrupted run for ``output`` has left, or train on the model that is there: for more
        epochs on its text, or on a new text. See :mod:`wordsparse.training.resume`.
    checkpoint_every : float
        Seconds between checkpoints; 0 for none but the one that an interrupted run writes.
    bootstrap : int
        Train on so many resamples of the text too: ``model.neighbours`` then tells how sure each neighbour is.
    init : path, WordVectors or Model, optional
        Vectors to start from, of the same ``dim``: a model or a file in any format of :func:`wordsparse.read_vectors`.
    progress : "auto", bool or callable
        ``"auto"`` and True show a bar in a terminal or a notebook, and a line now and then in a log; False shows
        nothing. A callable is called with a :class:`~wordsparse.training.progress.Progress` after every minibatch; an
        exception of it ends the run, and a run with an output leaves a checkpoint then.

    Returns
    -------
    TrainedModel
        The model with its ``report``.

    Raises
    ------
    InputError
        If an option or the corpus is not usable; nothing has been started.
    TrainingError
        If training diverges.
    ReadError
        If a file of the encoded text changes or disappears during training.
    Interrupted
        A KeyboardInterrupt, if SIGINT (Ctrl-C), SIGTERM or SIGHUP stops the run. With an output a checkpoint has been
        written; without one, the exception's ``model`` is what was trained so far.

    Examples
    --------
    >>> import wordsparse as ws
    >>> text = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 50
    >>> model = ws.train(text, dim=8, seed=3)
    >>> model
    Model(cbow, 4 words × 8, 5 epochs)
    """
    given = dict(locals())
    ranks = launch.ranks()

    def request() -> tuple[Options, TrainingText, WordVectors | None]:
        if resume and output is None:
            raise InputError("resume needs an output: the checkpoints of the interrupted run are beside it")
        if ranks.size > 1 and output is None:
            raise InputError(f"{ranks.size} processes were started: they train one model, for an output: name it")
        if ranks.size > 1:
            gpus.choose(device, ranks)  # the options take the GPU that is then there
        validation.whole("bootstrap", bootstrap)
        text = TrainingText(**{name: given[name] for name in TrainingText.__dataclass_fields__})
        return chosen_options(given), text, _vectors(init)

    chosen, text, start = together(ranks, request)
    with _reports(progress if ranks.rank == 0 else False) as (encoding, training):
        if output is not None:
            call = _call(text, bootstrap, init, checkpoint_every)
            kind = OutputRun if ranks.size == 1 else RanksRun
            run = kind(Path(output), text, chosen, bool(resume), checkpoint_every, bootstrap, start, call, ranks)
            return run.train(encoding=encoding, progress=training)
        memory.check_dim(chosen.dim)
        with encoded(text, progress=encoding) as ready:
            trained = fit(ready, chosen, training, start, _call(text, bootstrap, init))
            if bootstrap:
                trained.resamples = resample_all(trained, ready, chosen, bootstrap)
            return trained


def chosen_options(given: Mapping[str, Any]) -> Options:
    """The Options among the arguments of :func:`train`."""
    asked = {name: given[name] for name in Options.__dataclass_fields__ if given[name] is not None}
    return options_for(asked.pop("preset"), **asked)


def train_on(
    model: TrainedModel, corpus: Source | EncodedCorpus, *, progress: ProgressOption = "auto", **given: Any
) -> TrainedModel:
    """See :meth:`wordsparse.training.trained.TrainedModel.train`."""
    stored = {"epochs": Options.epochs, **{k: v for k, v in model.options.items() if k != "epochs"}}
    asked = {name: given.pop(name) for name in Options.__dataclass_fields__ if name in given}
    options = Options(**{**vars(Options.from_dict(stored)), **asked})
    known = [name for name in TrainingText.__dataclass_fields__ if name not in ("corpus", "threads", "preset")]
    if unknown := sorted(given.keys() - set(known)):
        names = [*Options.__dataclass_fields__, *known]
        raise InputError(f"unknown option {unknown[0]}: {hint(unknown[0], names) or 'choose from ' + ', '.join(names)}")
    text = TrainingText(corpus, threads=options.threads, preset=options.preset, **given)
    with _reports(progress) as (encoding, training), encoded(text, model.vocabulary.words, encoding) as ready:
        run = continued(model.copied(), ready, options)
        if run is None:
            return model
        return _finished(run, training, text.as_dict())


def fit(
    corpus: EncodedCorpus,
    options: Options,
    progress: Callable[[Progress], None] | None = None,
    init: WordVectors | None = None,
    call: Mapping[str, object] | None = None,
) -> TrainedModel:
    """Train on an encoded corpus, in memory; see :func:`train`. ``call`` is the model's."""
    run = Run(corpus, options)
    if init is not None:
        run.start_from(init)
    return _finished(run, progress, call)


def _finished(run: Run, progress: Callable[[Progress], None] | None, call: Mapping[str, object] | None) -> TrainedModel:
    """Train to the end. A signal ends the run between two minibatches, with an exception that has its model so far."""
    with stop_requests() as stop:

        def between_steps(run: Run) -> None:
            if stop.received:
                raise Interrupted

        try:
            stop.awaited = True
            run.train(progress, between_steps)
        except Interrupted:
            stop.awaited = False
            where = f"interrupted after {run.state.tokens:,} of {run.total_tokens:,} tokens"
            interrupted = Interrupted(f"{where}; what was trained so far is the model of this exception")
            interrupted.model = run.partial_model(call)
            raise interrupted from None
    model = run.model(call=call)
    # The work space of the steps is not needed beside the vectors.
    del run
    give_back()
    return model


@contextmanager
def _reports(
    progress: ProgressOption | None,
) -> Iterator[tuple[Callable[[int], None] | None, Callable[[Progress], None] | None]]:
    """The callbacks of the encoding and of the training."""
    if callable(progress):
        yield None, progress
    elif progress is None or progress in (True, False, "auto"):
        with Display(bool(progress)) as display:
            shown = RunDisplay(display)
            yield shown.encoding, shown.training
    else:
        raise InputError(f"progress must be 'auto', True, False or a callable, not {progress!r}")


def _call(
    text: TrainingText,
    bootstrap: int,
    init: str | PathLike[str] | WordVectors | Model | None,
    checkpoint_every: float | None = None,
) -> dict[str, object]:
    """The arguments of a call that ``options.toml`` holds besides its Options."""
    call = {**text.as_dict(), "bootstrap": validation.plain(bootstrap)}
    if init is not None:
        # A run that is repeated without them would be another one: as the name of a file, this is refused.
        call["init"] = os.fspath(init) if isinstance(init, str | PathLike) else "(vectors in memory)"
    if checkpoint_every is not None:
        call["checkpoint_every"] = validation.plain(checkpoint_every)
    return call


def _vectors(init: str | PathLike[str] | WordVectors | Model | None) -> WordVectors | None:
    """The vectors to start from."""
    if isinstance(init, Model):
        return init.wv
    return init if init is None or isinstance(init, WordVectors) else read_vectors(init)

"""The entry point of training: on any kind of text, in memory or with an output and checkpoints."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.reading import Source as Text
from wordsparse.files.escaping import number_of
from wordsparse.machine import devices
from wordsparse.machine.memory import give_back
from wordsparse.machine.threads import available_cpus
from wordsparse.options import abouts, part, refuse_unknown, taking
from wordsparse.training import interruption, memory
from wordsparse.training.interruption import stop_requests, take_steps
from wordsparse.training.loop import Run
from wordsparse.training.options import RunOptions, TrainOptions, options_for
from wordsparse.training.output_run import begin
from wordsparse.training.progress import Progress, ProgressOption, reports
from wordsparse.training.resume import continued
from wordsparse.training.stored import Stored
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.words.model import Model
from wordsparse.words.options import Options
from wordsparse.words.source import Source

logger = logging.getLogger(__name__)


def kind_of(given: Mapping[str, Any]) -> type:
    """The class of the options of a request."""
    return options_for(given.get("preset", "text"))


def as_before(*args: Any, **given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a training; where it is resumed, with the options that are not given."""
    if given.get("resume") and given.get("output") and (stored := Stored.at(Path(given["output"]))):
        corpus, *rest = args or (given.pop("corpus", ()),)
        corpus, given = stored.completed(corpus, given)
        return (corpus, *rest), given
    return args, given


@taking(TrainOptions, kind_of, as_before)
def train(corpus: Text | EncodedCorpus | Source, asked: TrainOptions) -> Model:
    """Train word vectors with the exact gradient over the whole vocabulary.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, Source, or iterable of token lists, of texts or of rows
        Text is encoded into a temporary directory first; a directory that ``encode`` wrote is used as it is. With a
        ``preset`` that names a source, what that source takes, and its own options.
    {options}

    Returns
    -------
    Model
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
        written; without one, :func:`wordsparse.interrupted_model` is what was trained so far.

    Examples
    --------
    >>> import wordsparse as ws
    >>> text = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 50
    >>> model = ws.train(text, dim=8, seed=3)
    >>> model
    Model(cbow, 4 words × 8, 5 epochs)
    """
    chosen, text, run = requested(corpus, asked)
    devices.choose(chosen.device)
    with reports(run.progress, run.log) as (encoding, training):
        if run.output is not None:
            with begin(text, chosen, run, encoding) as job:
                return job if isinstance(job, Model) else job.finish(training, run.checkpoint_every)
        init = run.vectors()
        with encoded(text, progress=encoding) as ready:
            return _finished(Run(ready, chosen, init=init), training, {**text.as_dict(), **run.call()})


def requested(corpus: Text | EncodedCorpus | Source, asked: TrainOptions) -> tuple[Options, TrainingText, RunOptions]:
    """The checked parts of a request."""
    options, run = part(asked, Options), part(asked, RunOptions)
    memory.check(1, options.dim)  # before the text is read
    if (options.threads or 1) > (cpus := available_cpus()):
        logger.warning("%s threads share %s", options.threads, number_of(cpus, "CPU"))
    return options, TrainingText.of(corpus, options, vars(asked)), run


def train_on(
    model: Model, corpus: Text | EncodedCorpus | Source, *, progress: ProgressOption = "auto", **given: Any
) -> Model:
    """See :meth:`wordsparse.words.model.Model.train`."""
    corpus, asked = Stored.of_model(model).completed(corpus, given)
    kind = kind_of(asked)
    refuse_unknown(asked, [name for name in abouts(kind) if name not in abouts(RunOptions)])
    options, text, _ = requested(corpus, kind(**asked))
    with reports(progress) as (encoding, training), encoded(text, model.vocabulary.words, encoding) as ready:
        run = continued(model, ready, options)
        if run is None:
            return model
        return _finished(run, training, text.as_dict())


def _finished(run: Run, progress: Callable[[Progress], None], call: Mapping[str, object]) -> Model:
    """Train to the end. A signal ends the run between two minibatches, and its model so far is kept."""

    def leave() -> str:
        interruption.keep(run.partial_model(call))
        return "; for what was trained so far: model = wordsparse.interrupted_model()"

    interruption.keep(None)
    with stop_requests() as stop:
        take_steps(run, stop, progress, leave)
    model = run.model(call=call)
    give_back()  # the work space of the steps is not needed beside the vectors
    return model

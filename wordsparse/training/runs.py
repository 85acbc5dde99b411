"""The entry point for training on any kind of data, either in memory or with an output and checkpoints."""

from collections.abc import Callable, Mapping
from typing import Any

from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.reading import Source as Text
from wordsparse.machine.memory import give_back
from wordsparse.options import taking
from wordsparse.training import interruption
from wordsparse.training.interruption import stop_requests, take_steps
from wordsparse.training.loop import Run
from wordsparse.training.options import TrainOptions
from wordsparse.training.output_run import begin
from wordsparse.training.progress import Progress, ProgressOption, reports
from wordsparse.training.request import request
from wordsparse.training.resume import continued
from wordsparse.words.calibration import with_features
from wordsparse.words.model import Model
from wordsparse.words.source import Source


@taking(TrainOptions, as_said=True)
def train(corpus: Text | EncodedCorpus | Source, keywords: Mapping[str, Any]) -> Model:
    """Train word vectors with the exact gradient over the whole vocabulary.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, Source, or iterable of token lists, of texts or of rows
        Text is first encoded in a temporary directory. A directory written by ``encode`` is used as it is. If
        ``kind`` names a source (graphs, counts), that source determines which corpus and options are accepted.
    {options}

    Returns
    -------
    Model
        The model with its ``report``.

    Raises
    ------
    InputError
        If an option or the corpus cannot be used. After an InputError, training has not begun.
    TrainingError
        If training diverges.
    ReadError
        If a file of the encoded text changes or disappears during training.
    Interrupted
        If SIGINT (Ctrl-C), SIGTERM or SIGHUP stops the run. Interrupted is a KeyboardInterrupt. If there is an output,
        a checkpoint has been written; otherwise, :func:`wordsparse.interrupted_model` returns the model trained so far.

    Examples
    --------
    >>> import wordsparse as ws
    >>> text = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 50
    >>> model = ws.train(text, dim=8, seed=3)
    >>> model
    Model(cbow, 4 words × 8, 5 epochs)
    """
    plan = request(corpus, keywords)
    run = plan.run
    with reports(run.progress, run.log) as (encoding, training):
        if run.output is not None:
            with begin(plan, encoding) as job:
                return job.finish(training, run.checkpoint_every)
        init = run.vectors()
        with plan.source(progress=encoding) as source:
            begun = Run(source, plan.options, init=init, device=plan.device, features=plan.features)
            return _finished(begun, training, plan.call())


def train_on(
    model: Model, corpus: Text | EncodedCorpus | Source, *, progress: ProgressOption = "auto", **keywords: Any
) -> Model:
    """Train a model further; see :meth:`wordsparse.words.model.Model.train`."""
    plan = request(corpus, keywords, model)
    with (
        reports(progress) as (encoding, training),
        plan.source(known=model.vocabulary.words, progress=encoding) as source,
    ):
        run = continued(model, source, plan.options, plan.device, plan.features)
        if run is not None:
            return _finished(run, training, plan.call())
        return model if plan.features is None else with_features(model, plan.features)


def _finished(run: Run, progress: Callable[[Progress], None], call: Mapping[str, object]) -> Model:
    """Train to the end. If a signal stops the run between two minibatches, keep the model trained so far."""

    def leave() -> str:
        interruption.keep(run.partial_model(call))
        return "; to get the model trained so far: model = wordsparse.interrupted_model()"

    interruption.keep(None)
    with stop_requests() as stop:
        take_steps(run, stop, progress, leave)
    model = run.model(call=call)
    give_back()  # free the work space of the steps; computing vectors does not need it
    return model

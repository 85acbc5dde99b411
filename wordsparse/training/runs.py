"""The entry point of training: on any kind of text, in memory or with an output and checkpoints."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.kernels import _build
from wordsparse.training import memory
from wordsparse.training.bootstrap import resample_all
from wordsparse.training.loop import Run
from wordsparse.training.output_run import CHECKPOINT_EVERY, OutputRun
from wordsparse.training.progress import Progress
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model import Model, read_vectors
from wordsparse.words.options import Options, options_for


def train(
    corpus: Any,
    *,
    format: str | None = None,
    column: str | None = None,
    tokens: str | None = None,
    phrases: int | None = None,
    phrase_threshold: float | None = None,
    min_count: int | None = None,
    max_vocab: int | None = None,
    max_expansion: float | None = None,
    preset: str = "text",
    output: str | PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: float = CHECKPOINT_EVERY,
    bootstrap: int = 0,
    init: str | PathLike[str] | WordVectors | Model | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Model:
    """Train word vectors with the exact gradient over the whole vocabulary.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists, of texts or of rows
        Text is encoded into a temporary directory first; a directory that ``encode`` wrote is used as it is.
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
        Go on with what an interrupted run for ``output`` has left, or train on the model that stands there: for more
        epochs on its text, or on a new text. See :mod:`wordsparse.training.resume`.
    checkpoint_every : float
        Seconds between checkpoints; 0 for none but the one that an interrupted run writes.
    bootstrap : int
        Train on so many resamples of the text too: ``model.neighbours`` then tells how sure each neighbour is.
    init : path, WordVectors or Model, optional
        Vectors to start from, of the same ``dim``: a model or a file in any format of :func:`wordsparse.read_vectors`.
    progress : callable, optional
        Called after every minibatch. An exception of it ends the run; a run with an output leaves a checkpoint then.
    **options
        The fields of :class:`wordsparse.words.options.Options`: model, loss, dim, window, sample, epochs, batch_tokens,
        threads, seed, device, max_tokens, heldout, patience, recipe, measure_power.

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
    KeyboardInterrupt
        If SIGINT, SIGTERM or SIGHUP stops a run with an output, after it has written a checkpoint.
    """
    known = Options.__dataclass_fields__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"unknown option {', '.join(unknown)}: choose from {', '.join(known)}")
    chosen = options_for(preset, **options)
    text = TrainingText(
        corpus,
        format=format,
        column=column,
        tokens=tokens,
        phrases=phrases,
        phrase_threshold=phrase_threshold,
        min_count=min_count,
        max_vocab=max_vocab,
        max_expansion=max_expansion,
        threads=chosen.threads,
        preset=preset,
    )
    given = _vectors(init)
    if output is not None:
        run = OutputRun(Path(output), text, chosen, resume, checkpoint_every, bootstrap, given)
        return run.train(progress=progress)
    if resume:
        raise InputError("resume needs an output: the checkpoints of the interrupted run are beside it")
    memory.check_dim(chosen.dim)
    validation.whole("bootstrap", bootstrap)
    with encoded(text) as ready:
        model = fit(ready, chosen, progress, given)
        if bootstrap:
            model.resamples = resample_all(model, ready, chosen, bootstrap)
        return model


def fit(
    corpus: EncodedCorpus,
    options: Options,
    progress: Callable[[Progress], None] | None = None,
    init: WordVectors | None = None,
) -> Model:
    """Train on an encoded corpus, in memory; see :func:`train`."""
    run = Run(corpus, options)
    if init is not None:
        run.start_from(init)
    run.train(progress)
    model = run.model()
    # The work space of the steps is not needed beside the vectors.
    del run
    _build.give_back_memory()
    return model


def _vectors(init: str | PathLike[str] | WordVectors | Model | None) -> WordVectors | None:
    """The vectors to start from."""
    if isinstance(init, Model):
        return init.wv
    return init if init is None or isinstance(init, WordVectors) else read_vectors(init)

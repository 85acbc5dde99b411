"""Models of resampled texts: what a model's neighbours owe to the passages that happen to be in the text.

Each resample (see stability/resampling.py) trains a model of its own from the start, with another random start, so what
differs between them is all that the text leaves open. The vocabulary, the base measure and the subsampling are those
of the text itself; what a word's vector may be trusted for is counted in the resample.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import Source
from wordsparse.errors import InputError
from wordsparse.options import abouts, free
from wordsparse.stability.model import ResampledModel
from wordsparse.stability.resamples import Codes, Resamples, Writer
from wordsparse.stability.resampling import BLOCK, resampled
from wordsparse.training.interruption import Interrupted, stop_requests
from wordsparse.training.loop import Run
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.vectors.precision import packed
from wordsparse.words import coordinates, form
from wordsparse.words.model import WordModel
from wordsparse.words.model_directory import load
from wordsparse.words.options import Options

RESAMPLES = 20
logger = logging.getLogger(__name__)


def resample(
    model: WordModel | str | PathLike[str], corpus: Source | EncodedCorpus, n: int = RESAMPLES
) -> ResampledModel:
    """Train models on ``n`` resamples of a model's text; its directory's resamples are kept.

    Parameters
    ----------
    model : WordModel or path
        With a path, each resample is written into the model directory when it is complete.
    corpus : path, sequence of paths, EncodedCorpus, or iterable
        The text that the model was trained on; it is read as it was then.
    n : int

    Raises
    ------
    InputError
        If the model was trained on another text, or on others too.
    Interrupted
        If a signal stops it; the resamples that are complete are kept in the model directory.

    Examples
    --------
    >>> import wordsparse as ws
    >>> text = [["the", "cat", "sat"], ["the", "dog", "sat"]] * 50
    >>> model = ws.train(text, dim=8, seed=3)
    >>> ws.resample(model, text, 2).neighbours("cat", 1)[0].returned
    2
    """
    validation.whole("bootstrap", n)
    output = None if isinstance(model, WordModel) else Path(model)
    trained = model if isinstance(model, WordModel) else load(model)
    options = Options.from_dict(trained.options)
    if options.preset == "graph":
        raise InputError("bootstrap resamples the sentences of a text: a graph has none")
    given: dict[str, Any] = {name: value for name, value in trained.call.items() if name in abouts(TextOptions)}
    text = TrainingText(corpus, TextOptions(**given), options.threads, options.preset)
    done = 0

    def between_steps(run: Run) -> None:
        if stop.received:
            raise KeyboardInterrupt

    with encoded(text) as ready, stop_requests() as stop:
        _check(trained, ready, options)
        writer = None if output is None else Writer(output, about(options))
        parts: list[Codes] = []
        done = 0 if writer is None else len(writer.digests)
        try:
            stop.awaited = True
            for number in range(done, n):
                codes = _codes(ready, options, number, between_steps)
                parts.append(codes) if writer is None else writer.add(codes)
                done += 1
                logger.info("resample %d of %d is trained", done, n)
        except KeyboardInterrupt as error:
            kept = f"the model is in {output}, with {done} of {n} resamples; the same again trains the others"
            raise Interrupted("interrupted" if output is None else f"interrupted; {kept}") from error
        finally:
            stop.awaited = False
    shape = (len(trained), trained.dim)
    found = Resamples(shape, about(options), parts) if output is None else Resamples.beside(output, shape)
    assert found is not None
    return ResampledModel.of(trained, found)


def _check(model: WordModel, corpus: EncodedCorpus, options: Options) -> None:
    """Raise InputError unless the model was trained on this whole text alone: only then can its text be resampled."""
    if options.max_tokens is not None:
        raise InputError("bootstrap resamples the whole text: leave out max_tokens")
    words, counts = model.vocabulary.words, model.vocabulary.counts
    if words != corpus.vocabulary.words or not np.array_equal(counts, corpus.vocabulary.counts):
        raise InputError("bootstrap: the model was trained on other texts too: train it on all of them in one run")


def about(options: Options) -> dict[str, Any]:
    """The resampled text and the resampling, as JSON."""
    fixed = {name: value for name, value in options.as_dict().items() if name not in free(Options)}
    return {"block": BLOCK, "options": fixed}


def _codes(corpus: EncodedCorpus, options: Options, number: int, between_steps: Callable[[Run], None]) -> Codes:
    """The vectors of one resample, as 8-bit integers."""
    random = np.random.default_rng([options.seed, 2, number])
    text, counts = resampled(corpus, random)
    seed = int(random.integers(2**31))
    plain = replace(options, seed=seed, heldout=0.0, patience=None, subwords=False)
    run = Run(text, plain)
    run.train(after_step=between_steps)
    rows = run.model()
    vectors: NDArray[np.float32] = coordinates.combined(
        rows.input_rows,
        rows.output_rows[:, : rows.dim],
        counts.astype(np.float64),
        threads=run.threads,
        **rows.constants,
    )
    if options.subwords:
        with suppress(InputError):  # where words share no n-grams
            words = corpus.vocabulary.words
            fitted = form.fit(words, form.unit_rows(vectors), counts, form=options.form, threads=run.threads)
            fitted.blend(vectors, counts)
    # A word that the resample lacks is where it started: it has no neighbours there.
    vectors[counts == 0] = 0
    return packed(vectors, "int8")[0]

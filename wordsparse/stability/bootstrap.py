"""Models of resampled texts: what a model's neighbours owe to the passages that happen to be in the text.

Each resample (see stability/resampling.py) trains a model of its own from the start, with another random start, so what
differs between them is all that the text leaves open. The vocabulary, the base measure and the subsampling are those
of the text itself; what a word's vector may be trusted for is counted in the resample.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.stability.resamples import Codes, Resamples, Writer
from wordsparse.stability.resampling import BLOCK, resampled
from wordsparse.training.loop import Run
from wordsparse.training.resume import FREE
from wordsparse.vectors.precision import packed
from wordsparse.words import coordinates
from wordsparse.words.model import Model
from wordsparse.words.options import Options


def check(model: Model, corpus: EncodedCorpus, options: Options) -> None:
    """Raise InputError unless the model was trained on this whole text alone: only then can its text be resampled."""
    if options.max_tokens is not None:
        raise InputError("bootstrap resamples the whole text: leave out max_tokens")
    words, counts = model.vocabulary.words, model.vocabulary.counts
    if words != corpus.vocabulary.words or not np.array_equal(counts, corpus.vocabulary.counts):
        raise InputError("bootstrap: the model was trained on other texts too: train it on all of them in one run")


def resample_all(
    model: Model,
    corpus: EncodedCorpus,
    options: Options,
    n: int,
    output: Path | None = None,
    between_steps: Callable[[Run], None] | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> Resamples:
    """``n`` resamples of a model's text; those that ``output``, its directory, has already are kept.

    ``between_steps`` is called between minibatches, ``report`` with the number of resamples that are done.

    Raises
    ------
    InputError
        If the model was trained on another text.
    """
    check(model, corpus, options)
    shape = (len(model), model.dim)
    if output is None:
        parts = []
        for number in range(n):
            parts.append(_codes(corpus, options, number, between_steps))
            report(number + 1)
        return Resamples(shape, about(options), parts)
    writer = Writer(output, about(options))
    for number in range(len(writer.digests), n):
        writer.add(_codes(corpus, options, number, between_steps))
        report(number + 1)
    found = Resamples.beside(output, shape)
    assert found is not None
    return found


def about(options: Options) -> dict[str, Any]:
    """The resampled text and the resampling, as JSON."""
    fixed = {name: value for name, value in options.as_dict().items() if name not in FREE}
    return {"block": BLOCK, "options": fixed}


def _codes(corpus: EncodedCorpus, options: Options, number: int, between_steps: Callable[[Run], None] | None) -> Codes:
    """The vectors of one resample, as 8-bit integers."""
    random = np.random.default_rng([options.seed, 2, number])
    text, counts = resampled(corpus, random)
    seed = int(random.integers(2**31))
    plain = replace(options, seed=seed, heldout=0.0, patience=None, subwords=False)
    run = Run(text, plain)
    run.train(after_step=between_steps)
    rows = run.model()
    vectors: NDArray[np.float32] = coordinates.combined(
        rows.input_rows, rows.output_rows[:, : rows.dim], counts.astype(np.float64), threads=run.threads, **rows.export
    )
    # A word that the resample lacks is where it started: it has no neighbours there.
    vectors[counts == 0] = 0
    return packed(vectors, "int8")[0]

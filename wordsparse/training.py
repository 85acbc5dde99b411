"""The training loop: corpus slices → examples → steps, with the schedule, the progress and the report."""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import devices, recipe, threads
from wordsparse.corpus import EncodedCorpus, encode
from wordsparse.corpus.shards import MANIFEST
from wordsparse.embedding import WordEmbedding
from wordsparse.errors import InputError, TrainingError
from wordsparse.examples import ExampleBuilder, Examples
from wordsparse.kernels import at_work, kernels_on
from wordsparse.model import Model
from wordsparse.output import FactoredOutput
from wordsparse.slices import Slices

Array = NDArray[Any]

# A minibatch whose mean loss lies above the first one's by this many times that loss (or 1, where it is smaller: log
# losses are 0 for outputs that are all alike) tells of a run that diverges. One odd page of a short text is below it.
DIVERGED = 20.0
# Corpus tokens a minibatch, as long as a run then has so many minibatches; and a run spends at most this share of
# its tokens before E moves.
BATCH_TOKENS = 65_536
MIN_STEPS = 200
MAX_WARMUP = 0.05


@dataclass(frozen=True)
class Progress:
    """Where a run is: corpus tokens passed over and to pass over in all, and the epoch's mean loss per pair so far.

    ``heldout_loss`` the mean per pair of held-out text, in the one report that ends an epoch where it was asked for.
    """

    tokens: int
    total_tokens: int
    epoch: int
    loss: float
    heldout_loss: float | None = None


@dataclass(frozen=True)
class Report:
    """What a run did. ``loss`` is the mean per pair of each epoch; times are of training only, without encoding.

    ``heldout_loss`` is the exact mean per pair of held-out text after each epoch, None where none is held out.
    """

    tokens: int
    wall_seconds: float
    cpu_seconds: float
    tokens_per_second: float
    vocab_size: int
    dim: int
    threads: int
    batch_tokens: int
    device: str
    device_reason: str
    loss: list[float]
    peak_memory_bytes: int
    checkpoints: int = 0
    heldout_loss: list[float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, without those that were not asked for."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def train(
    corpus: Any,
    *,
    format: str = "lines",
    min_count: int | None = None,
    max_vocab: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Model:
    """Train word vectors with the exact gradient over the whole vocabulary.

    Parameters
    ----------
    corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists
        Text is encoded into a temporary directory first; a directory that ``encode`` wrote is used as it is.
    format : str
        How text files are read: ``lines``, ``text8``, ``paths`` or ``wiki``.
    min_count, max_vocab : int, optional
        Words that occur less often, or beyond the most frequent ones, are left out (min_count 5 where not given). For
        an encoded corpus they were fixed when it was encoded.
    progress : callable, optional
        Called after every minibatch.
    **options
        The fields of :class:`wordsparse.recipe.Options`: model, loss, dim, window, sample, epochs, batch_tokens,
        threads, seed, device, max_tokens, heldout, patience.

    Returns
    -------
    Model
        With ``report`` filled.

    Raises
    ------
    InputError
        If an option or the corpus is not usable; nothing has been started then.
    TrainingError
        If training diverges.
    """
    known = recipe.Options.__dataclass_fields__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"unknown option {', '.join(unknown)}: choose from {', '.join(known)}")
    chosen = recipe.Options(**options)
    with encoded(corpus, format=format, min_count=min_count, max_vocab=max_vocab) as ready:
        return fit(ready, chosen, progress)


@contextmanager
def encoded(
    corpus: Any,
    *,
    format: str = "lines",
    min_count: int | None = None,
    max_vocab: int | None = None,
    directory: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[EncodedCorpus]:
    """The corpus, encoded: opened where it is so already, else encoded into a temporary place inside ``directory``."""
    if isinstance(corpus, (list, tuple)) and len(corpus) == 1 and isinstance(corpus[0], (str, PathLike)):
        corpus = corpus[0]
    if isinstance(corpus, (str, PathLike)) and (Path(corpus) / MANIFEST).is_file():
        corpus = EncodedCorpus.open(Path(corpus))
    if isinstance(corpus, EncodedCorpus):
        for name, asked, fixed in (
            ("min_count", min_count, corpus.min_count),
            ("max_vocab", max_vocab, corpus.max_vocab),
        ):
            if asked is not None and asked != fixed:
                raise InputError(f"{corpus.path} was encoded with {name} {fixed}, not {asked}: encode the text anew")
        yield corpus
        return
    with tempfile.TemporaryDirectory(prefix=".wordsparse-corpus-", dir=directory) as temporary:
        yield encode(
            corpus,
            Path(temporary) / "encoded",
            format=format,
            min_count=5 if min_count is None else min_count,
            max_vocab=max_vocab,
            progress=progress,
        )


def fit(corpus: EncodedCorpus, options: recipe.Options, progress: Callable[[Progress], None] | None = None) -> Model:
    """Train on an encoded corpus; see :func:`train`."""
    wall, cpu = time.perf_counter(), time.process_time()
    run = Run(corpus, options)
    with at_work():
        run.train(progress)
        run.embedding.output.fold()  # W itself in V
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    report = Report(
        tokens=run.tokens,
        wall_seconds=wall,
        cpu_seconds=cpu,
        tokens_per_second=run.tokens / wall,
        vocab_size=len(corpus.vocabulary),
        dim=options.dim,
        threads=run.threads,
        batch_tokens=run.batch_tokens,
        device=run.device.device,
        device_reason=run.device.reason,
        loss=run.losses,
        peak_memory_bytes=peak_memory_bytes(),
        heldout_loss=run.heldout_losses if options.heldout else None,
    )
    to_host = run.embedding.kernels.to_host
    E, W = to_host(run.embedding.E), to_host(run.embedding.output.V)
    return Model(corpus.vocabulary, E, W, asdict(options), report.as_dict())


class Run:
    """A training run: what is trained, how far it has come (``tokens``), and the losses of each epoch so far."""

    def __init__(self, corpus: EncodedCorpus, options: recipe.Options) -> None:
        self._options = options
        self._slices = Slices(corpus, options.max_tokens, options.heldout, options.seed)
        vocabulary = corpus.vocabulary
        constants = recipe.RECIPES[options.model, options.loss]
        builder = ExampleBuilder(
            vocabulary,
            window=options.window,
            sample=options.sample,
            seed=options.seed,
            distances=constants.distances,
        )
        self._build = builder.cbow if options.model == "cbow" else builder.skipgram
        self._total = self._slices.tokens * options.epochs
        # Unless told otherwise, a short text takes smaller minibatches, so that it still takes enough steps.
        self.batch_tokens = options.batch_tokens or min(BATCH_TOKENS, max(1, self._total // MIN_STEPS))
        self._check_heldout()
        self._lr = constants.steps.lr
        self._warmup = min(constants.warmup_tokens, self._total * MAX_WARMUP)
        self.threads = threads.resolve_threads(options.threads)
        self.device = devices.choose(options.device)
        kernels = kernels_on(self.device.device, self.threads)
        output = FactoredOutput(
            len(vocabulary),
            options.dim + 1,
            constants.loss,
            base_measure=np.asarray(vocabulary.counts, np.float64) ** constants.measure_power,
            kernels=kernels,
        )
        if constants.start:
            output.set_common_output(constants.start)
        steps = replace(constants.steps, n_w=max(1.0, constants.forget_tokens / self.batch_tokens))
        self.embedding = WordEmbedding(output, kernels, steps, options.seed)
        self.tokens = 0
        self.losses: list[float] = []
        self.heldout_losses: list[float] = []
        self._first_loss: float | None = None

    def train(self, progress: Callable[[Progress], None] | None) -> None:
        """Every epoch, or as many as the held-out loss allows."""
        for epoch in range(self._options.epochs):
            self.losses.append(self._epoch(epoch, progress))
            if self._options.heldout:
                self.heldout_losses.append(self._heldout_loss())
                if progress is not None:
                    progress(Progress(self.tokens, self._total, epoch, self.losses[-1], self.heldout_losses[-1]))
                if self._options.patience and has_stalled(self.heldout_losses, self._options.patience):
                    return

    def _epoch(self, epoch: int, progress: Callable[[Progress], None] | None) -> float:
        """Pass over the corpus once; the mean loss per pair."""
        loss, pairs = 0.0, 0
        for ids, start, stop, offset in self._slices.train(self.batch_tokens):
            examples = self._build(ids, start, stop, offset=offset, epoch=epoch)
            loss += self._step(examples)
            pairs += examples.pairs
            if progress is not None:
                progress(Progress(self.tokens, self._total, epoch, loss / max(pairs, 1)))
        if pairs == 0:
            raise TrainingError(
                "no word of the text has another one in its window: sentences are too short, or sample or min_count "
                "leave too few words"
            )
        return loss / pairs

    def heldout_examples(self) -> Iterator[Examples]:
        """Held-out text, sampled and windowed as the text of the first epoch is: the same examples each time."""
        for ids, start, stop, offset in self._slices.heldout(self.batch_tokens):
            yield self._build(ids, start, stop, offset=offset, epoch=0)

    def _heldout_loss(self) -> float:
        """The exact loss on held-out text, its mean per pair."""
        loss, pairs = 0.0, 0
        for examples in self.heldout_examples():
            loss += self.embedding.loss(examples)
            pairs += examples.pairs
        return loss / pairs

    def _check_heldout(self) -> None:
        heldout = self._options.heldout
        if heldout and self._total == 0:
            raise InputError(f"heldout {heldout}: nothing of the text is left to train on; hold less of it out")
        if heldout and not any(examples.pairs for examples in self.heldout_examples()):
            raise InputError(f"heldout {heldout}: too little text is held out to have a loss; hold out more of it")

    def _step(self, examples: Examples) -> float:
        # lr falls linearly to 0; E stays where it started while W is fitted to it.
        remaining = 1 - self.tokens / self._total
        lr = self._lr * remaining if self.tokens >= self._warmup else 0.0
        loss = self.embedding.step(examples, lr, remaining)
        self.tokens += examples.tokens
        if examples.pairs:
            mean = loss / examples.pairs
            first = self._first_loss = mean if self._first_loss is None else self._first_loss
            if not mean <= first + DIVERGED * max(abs(first), 1.0):
                raise TrainingError(
                    f"training diverged after {self.tokens:,} of {self._total:,} tokens: the mean loss is {mean:.4g}, "
                    f"from {first:.4g} at the start; use smaller minibatches (batch_tokens)"
                )
        return loss


def has_stalled(heldout_losses: list[float], patience: int) -> bool:
    """Whether the last ``patience`` epochs brought no better held-out loss than the best one before them."""
    before, after = heldout_losses[:-patience], heldout_losses[-patience:]
    return bool(before) and min(after) >= min(before)


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

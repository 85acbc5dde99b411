"""The training loop, which takes one step per minibatch, and whose complete state can be saved in checkpoints."""

import logging
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from copy import deepcopy
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError, TrainingError
from wordsparse.kernels import at_work, kernels_on
from wordsparse.kernels.diagnosis import commit
from wordsparse.layer.output import FactoredOutput
from wordsparse.machine import devices
from wordsparse.machine.description import peak_memory_bytes
from wordsparse.machine.memory import give_back
from wordsparse.machine.threads import resolve_threads
from wordsparse.tokens import phrases
from wordsparse.training import memory
from wordsparse.training.minibatches import Minibatches
from wordsparse.training.progress import Progress, rate
from wordsparse.training.run_state import RunState
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.calibration import POSITIONS, Features, with_features, with_memory
from wordsparse.words.embedding import WordEmbedding
from wordsparse.words.examples import Examples
from wordsparse.words.model import Model, Training
from wordsparse.words.options import Options
from wordsparse.words.source import Source
from wordsparse.words.start import start_from
from wordsparse.words.text_source import ALL, TextSource

logger = logging.getLogger(__name__)

# A run diverges if the mean loss of a minibatch exceeds the first mean loss by more than DIVERGED · max(first, 1).
# Without the 1 in max(first, 1), the limit would be 0 for logarithmic losses that are 0 while all outputs are equal. A
# single odd page in a short text raises the loss by less than this limit.
DIVERGED = 20.0
# The maximum number of threads that build minibatches for a GPU. Each thread handles some 10M tokens per second.
MAX_BUILDERS = 8


class Share(Protocol):
    """The share of this process in a run by several processes, each of which owns some rows of the embedding."""

    report: dict[str, Any]
    """Figures for the report of the run, known after :meth:`gather`."""

    def divided(self, embedding: WordEmbedding, minibatches: Minibatches) -> WordEmbedding:
        """Return the part of the embedding that this process owns. From now on, the minibatches have only the examples
        of this process."""

    def has_rows(self) -> bool:
        """Return whether the state of this process has the rows of all processes. If not, ask for the rows, which
        come with the next step."""

    def gather(self) -> None:
        """Send the rows of all processes to the process that saves them. All processes must call this method."""

    def sum(self, numbers: Array) -> Array:
        """Return the sum of ``numbers`` over all processes."""


class Run:
    """A training run: its model and its progress.

    ``vocabulary`` holds the words to train, which must include all words of the source. Words that ``init`` also holds
    start from their vectors in ``init``. InputError is raised if there is too little memory on the host or the GPU, if
    too little or too much text is held out, or if ``init`` has another dimension or no word in common with the
    vocabulary. ``is_whole`` is False during a step. A run that ends while ``is_whole`` is False cannot be resumed.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        vocabulary: Vocabulary | None = None,
        init: WordVectors | None = None,
        device: devices.Choice | None = None,
        features: Features | None = None,
    ) -> None:
        if options.memory and not isinstance(source, TextSource):
            raise InputError("memory: needs items in sentences, which this kind of data has not: leave memory out")
        self.features = features
        self.options, self.text = options.with_epochs(source.length), source.identity()
        self.vocabulary = vocabulary = vocabulary or source.vocabulary
        if features is not None:
            features.check(vocabulary)
        self.device, self.threads = device or devices.choose(options.device), resolve_threads(options.threads)
        # On a CPU, one thread builds minibatches ahead of the steps. With a GPU, most threads build minibatches. The
        # threads for a GPU build no transposes, because copying transposes to the GPU would take longer than computing
        # transposes on the GPU.
        on_cpu = self.device.device == "cpu"
        builders = min(self.threads - 1, 1 if on_cpu else MAX_BUILDERS)
        self.minibatches = Minibatches(source, vocabulary, self.options, transposed=on_cpu, builders=builders)
        self._schedule = self.minibatches.schedule
        self.total_tokens = self._schedule.total_tokens
        self._check_memory()
        with at_work(starting=True):
            self.embedding = self._start(init)
        self.is_whole = True
        self._share: Share | None = None
        # The model that the run continues, if any. The words of that model come first in the vocabulary, and the
        # trained vectors are rotated to the axes of its vectors.
        self.continues: Model | None = None
        self.is_on_same_text = False
        self.state = RunState(warmup_tokens=self._schedule.warmup_tokens)

    def _start(self, init: WordVectors | None) -> WordEmbedding:
        """Return the initial embedding, built by the recipe or taken from the vectors ``init``; see words/start.py."""
        recipe, sizes = self.minibatches.recipe, (len(self.vocabulary), self.options.dim + 1)
        measure = recipe.base_measure(self.vocabulary.counts)
        kernels = kernels_on(self.device.device, self.threads, bfloat16=True)  # bfloat16 does not worsen the vectors
        output = FactoredOutput(*sizes, recipe.loss, base_measure=measure, kernels=kernels).core
        if recipe.start:
            output.set_common_output(recipe.start)
        embedding = WordEmbedding(output, recipe.steps, self.options.seed)
        if init is not None:
            words = start_from(init, embedding, self.vocabulary, self.options.model)
            logger.info("%s of %s words start from the given vectors", f"{words:,}", f"{len(self.vocabulary):,}")
        return embedding

    @at_work(starting=True)
    def restore(self, embedding: Mapping[str, Any], run_state: Mapping[str, Any]) -> None:
        """Restore the state of the embedding and of the loop from a run on the same text and vocabulary."""
        self.state = RunState(**deepcopy(dict(run_state)))
        self.embedding.restore(embedding)

    def join(self, share: Share) -> None:
        """From now on, take the same steps as the other processes, and compute only this process's share of each
        minibatch."""
        self._share, self.embedding = share, share.divided(self.embedding, self.minibatches)

    def can_be_saved(self) -> bool:
        """Return whether the state is complete, as it is between two steps. If other processes have a part of the
        state, ask for the part: the state is complete after the next step."""
        return self.is_whole and (self._share is None or self._share.has_rows())

    def steps(self) -> Iterator[Progress]:
        """Train to the end of the last epoch, then multiply the factors of the output layer (:meth:`_fold`).

        Yield the progress after each minibatch and, together with the held-out loss, after each epoch. The state is
        consistent whenever this method yields, so the caller may stop iterating.
        """
        at = self.state
        wall, cpu = time.perf_counter() - at.wall_seconds, time.process_time() - at.cpu_seconds

        def count_time() -> None:
            at.wall_seconds, at.cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu

        with at_work():
            while len(at.losses) < self.options.epochs:
                with closing(self._epoch()) as steps:
                    for progress in steps:
                        count_time()
                        yield progress
            self._fold()
            if self._share is not None:
                self._share.gather()
        count_time()

    @at_work()
    def partial_model(self, call: Mapping[str, object] | None = None) -> Model | None:
        """Return the model of a run that was stopped between two minibatches, or None if no minibatch was finished. The
        model counts only finished epochs. Training this model further continues where the run stopped."""
        if self.state.tokens == 0:
            return None
        self._fold()
        model = self.model(call=call)
        return replace(model, options={**model.options, "epochs": len(self.state.losses)})

    def _fold(self) -> None:
        """Multiply the factors of the output layer, so that its ``V`` holds W itself."""
        # The factors are already multiplied if the run was resumed after its last step.
        if not self.embedding.output.factors.is_identity:
            self.is_whole = False
            self.embedding.output.fold()
            self.is_whole = True

    @at_work()
    def model(
        self,
        checkpoints: int = 0,
        call: Mapping[str, object] | None = None,
        parent: str | None = None,
    ) -> Model:
        """Return the trained model, which shares the arrays of this run. ``checkpoints`` and ``parent`` go into the
        model's report, and ``call`` into the model itself."""
        wall, cpu = time.perf_counter(), time.process_time()
        state = self.embedding.state()
        parts = self.vocabulary, state.pop("E"), state.pop("output.V"), self.options.as_dict()
        training = Training(self.text, asdict(self.state), state)
        model = Model(*parts, {}, training, call=dict(call or {})).in_axes_of(self.continues)
        if self.options.form:
            # Free the work space of the steps, because fitting n-grams needs memory, too.
            self.embedding.output.kernels.release()
            self.minibatches.release()
            give_back()
            model = _with_ngrams(model, self.options)
        source = self.minibatches.source
        if self.options.data_kind.searched and isinstance(source, TextSource):
            model = model.weighed(source.documents(self.vocabulary))
        if self.options.memory and isinstance(source, TextSource):
            pieces = self.minibatches.passes.train(lambda position: POSITIONS, epoch=ALL)
            held_out, weights = source.histories(self.options, self.vocabulary), source.corpus.weights
            model = with_memory(model, pieces, weights, held_out, self.continues, self.is_on_same_text)
            if self.features is not None:
                model = with_features(model, self.features)
        figures = self._report(checkpoints, parent, time.perf_counter() - wall, time.process_time() - cpu)
        model.report.update(figures)
        if model.ngrams is not None:
            model.report["spelling"] = str(model.ngrams)
        return model

    def _report(self, checkpoints: int, parent: str | None, wall: float, cpu: float) -> dict[str, Any]:
        """Return the figures of the run that go into the report. Figures that do not apply to the run are left out.
        ``wall`` and ``cpu`` are the wall-clock and CPU seconds spent on making the model after the last step.

        If the run was resumed, tokens, seconds and checkpoints are counted from the first start of the run. ``loss`` is
        the mean loss per pair in each epoch. ``heldout_loss`` is the exact mean loss per pair of held-out text after
        each epoch. Times include training, but not encoding. ``date`` (UTC, ISO 8601) is the end of the run,
        ``wordsparse`` is the version, ``commit`` is the Git commit if the program runs from a checkout, and ``parent``
        is the SHA-256 of the ``model.json`` that the output had before the run.
        """
        at = self.state
        figures = {
            "tokens": at.tokens,
            "wall_seconds": at.wall_seconds + wall,
            "cpu_seconds": at.cpu_seconds + cpu,
            "tokens_per_second": rate(at.tokens, at.wall_seconds + wall),
            "vocab_size": len(self.vocabulary),
            "dim": self.options.dim,
            "threads": self.threads,
            "batch_tokens": self.minibatches.largest,
            "device": self.device.device,
            "device_reason": self.device.reason,
            "loss": list(at.losses),
            "peak_memory_bytes": peak_memory_bytes(),
            "checkpoints": checkpoints,
            "heldout_loss": list(at.heldout_losses) if self.options.heldout else None,
            **phrases.report(self.text.get("tokenization")),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "wordsparse": version("wordsparse"),
            "commit": commit(),
            "parent": parent,
            **({} if self._share is None else self._share.report),
        }
        return {name: value for name, value in figures.items() if value is not None}

    def _epoch(self) -> Generator[Progress, None, None]:
        """Train the rest of the current epoch, and add up the losses of the epoch."""
        at = self.state
        with closing(self.minibatches.epoch(len(at.losses), at.position)) as minibatches:
            for end, examples in minibatches:
                self.is_whole = False
                loss, pairs = self._step(examples)
                at.epoch_loss += loss
                at.epoch_pairs += pairs
                at.position = end
                self.is_whole = True
                yield self._progress(at.epoch_loss / max(at.epoch_pairs, 1))
        if at.epoch_pairs == 0:
            raise TrainingError(self._nothing_to_learn())
        heldout = self._heldout_loss() if self.options.heldout else None
        mean = at.epoch_loss / at.epoch_pairs
        done = self._progress(mean, heldout)
        self.is_whole = False
        at.losses.append(mean)
        at.position, at.epoch_loss, at.epoch_pairs = 0, 0.0, 0.0
        if heldout is not None:
            at.heldout_losses.append(heldout)
        self.is_whole = True
        if heldout is not None:
            yield done

    def _heldout_loss(self) -> float:
        heldout = [(self.embedding.loss(each), each.pairs) for each in self.minibatches.heldout()]
        loss, pairs = map(sum, zip(*heldout, strict=True))
        if self._share is not None:
            loss, pairs = self._share.sum(np.array([loss, pairs]))
        return float(loss / pairs)

    def _progress(self, loss: float, heldout: float | None = None) -> Progress:
        return Progress(self.state.tokens, self.total_tokens, len(self.state.losses), loss, heldout)

    def _check_memory(self) -> None:
        examples = self.minibatches.first()
        pairs, bags = (examples.targets.csr.entries, 0) if examples.bags is None else (0, examples.bags.rows)
        words = len(examples.words)
        memory.check(len(self.vocabulary), self.options.dim, words, pairs, bags, form=self.options.form > 0)

    def _step(self, examples: Examples) -> tuple[float, float]:
        """Take the step for a minibatch. Return the sum of the losses and the number of pairs in the minibatch. Raise
        TrainingError if the loss shows that the run diverges."""
        at = self.state
        lr = self._schedule.learning_rate(at.tokens, at.warmup_tokens)
        pull = self.embedding.pull(examples)
        try:
            self.embedding.follow(pull, lr, self._schedule.remaining(at.tokens))
        except TrainingError as error:
            raise self._diverged(str(error)) from error
        at.tokens += pull.tokens
        if pull.pairs:
            mean = pull.loss / pull.pairs
            first = at.first_loss = mean if at.first_loss is None else at.first_loss
            # The last minibatch of an epoch may be short, and the mean over few pairs is noisy. The loss in excess of
            # the first mean is therefore divided by the size of a full minibatch.
            pairs = max(pull.pairs, self.minibatches.sized(len(at.losses), at.position))
            if not pull.loss - first * pull.pairs <= DIVERGED * max(abs(first), 1.0) * pairs:
                raise self._diverged(f"the mean loss is {mean:.4g}; it was {first:.4g} at the start")
        return pull.loss, pull.pairs

    def _nothing_to_learn(self) -> str:
        return (
            f"no word among the {self.minibatches.passes.tokens:,} tokens has another word in its window: give longer "
            "sentences (rows of one item: --group-by COLUMN), or a smaller min_count, sample=0, more max_tokens"
        )

    def _diverged(self, how: str) -> TrainingError:
        where = f"training diverged after {self.state.tokens:,} of {self.total_tokens:,} tokens"
        remedies = [f"more epochs (now {self.options.epochs})", f"a smaller dim (now {self.options.dim})"]
        if (largest := self.minibatches.largest) > 1:
            remedies.append(f"smaller minibatches (batch_tokens, now {largest:,})")
        return TrainingError(f"{where}: {how}; use {', or '.join(remedies)}")


def _with_ngrams(model: Model, options: Options) -> Model:
    """Return the model with n-grams. If too few words share n-grams, return the model unchanged."""
    try:
        return model.fit_ngrams(options.shortest, options.longest, options.form)
    except InputError as error:
        logger.info("no vectors of unknown words: %s", error)
        return model

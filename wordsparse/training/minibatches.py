"""The minibatches of a run: where each minibatch begins and ends in a pass over the source, and the examples in it."""

import time
from collections.abc import Generator, Iterator
from functools import partial

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.machine.threads import ordered_map
from wordsparse.words.examples import Examples
from wordsparse.words.options import Options
from wordsparse.words.schedule import Schedule
from wordsparse.words.source import Build, Piece, Source


class Minibatches:
    """The minibatches of examples that a run makes from its source.

    ``vocabulary`` holds the words to train, which must include all words of the source. With ``transposed``, the
    targets of the examples are built together with their transposes, which is faster on the CPU. ``builders`` threads
    build minibatches ahead of the steps. If ``part`` is (i, n), a minibatch has only the examples from part i of its
    text, which is cut into n equal parts. ``recipe`` is the recipe in the options, with its constants converted from
    tokens to the units of the source. ``cpu_seconds`` is the CPU time spent on making examples. InputError is raised if
    too little or too much text is held out.
    """

    def __init__(
        self,
        source: Source,
        vocabulary: Vocabulary,
        options: Options,
        transposed: bool,
        builders: int,
    ) -> None:
        self.source, self._options, self._vocabulary = source, options, vocabulary
        self._transposed, self.recipe, batch = transposed, options.used_recipe(), options.batch_tokens
        if source.rate != 1:
            self.recipe = self.recipe.scaled(source.rate)
            batch = None if batch is None else round(batch * source.rate)
        self.passes = source.passes(options, vocabulary)
        self.schedule = Schedule(self.recipe, self.passes.tokens * options.epochs, batch)
        self.largest = self.schedule.largest_batch()
        self.part, self.cpu_seconds = (0, 1), 0.0
        self._threads, self._free = builders, [self._builder()]
        self._check_heldout()
        self._free += [self._builder() for _ in range(builders - 1)]

    def sized(self, epoch: int, position: int) -> int:
        """Return the number of tokens in the minibatch that begins at ``position``."""
        return min(self.largest, self.schedule.wanted(epoch * self.passes.positions + position))

    def epoch(self, epoch: int, position: int = 0) -> Generator[tuple[int, Examples], None, None]:
        """Yield the end position and the examples of each minibatch of an epoch, beginning at ``position``."""
        pieces = self.passes.train(partial(self.sized, epoch), position, epoch)
        ahead = 2 * self._threads - 1 if self._threads else None
        return ordered_map(partial(self._built, epoch), pieces, self._threads + 1, ahead=ahead)

    def first(self) -> Examples:
        """Return a minibatch of the largest size at the start of the text. Raise InputError if there is no text to
        train on."""
        for piece in self.passes.train(lambda position: self.largest):
            return self._built(0, piece)[1]
        raise InputError("the source has nothing to train on: it is empty, or all of it is held out")

    def release(self) -> None:
        """Free the work space of the builders."""
        self._free = [self._builder() for _ in self._free]

    def heldout(self) -> Iterator[Examples]:
        """Yield the examples of held-out text. Subsampling and windows are the same as in the first epoch."""
        for piece in self.passes.heldout(self.largest):
            yield self._built(0, piece)[1]

    def _builder(self) -> Build:
        """Return a function that builds a minibatch. The function holds scratch space, so each thread needs its own
        function."""
        return self.source.builder(self._options, self.recipe, self._vocabulary, transposed=self._transposed)

    def _built(self, epoch: int, piece: Piece) -> tuple[int, Examples]:
        """Return the end position and the examples of a minibatch, built by a builder that no other thread is using."""
        own, build, begun = piece.part(*self.part), self._free.pop(), time.thread_time()
        try:
            return piece.end, build(own.ids, own.start, own.stop, offset=own.offset, epoch=epoch)
        finally:
            self._free.append(build)
            self.cpu_seconds += time.thread_time() - begun

    def _check_heldout(self) -> None:
        heldout = self._options.heldout
        if heldout and self.passes.tokens == 0:
            raise InputError(f"heldout {heldout}: no text is left to train on; hold out less text")
        if heldout and not any(examples.pairs for examples in self.heldout()):
            raise InputError(f"heldout {heldout}: too little text is held out to compute a loss; hold out more text")

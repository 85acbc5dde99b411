"""The minibatches of a run: where each begins and ends in the text, and the examples that are made of it."""

from collections.abc import Callable, Generator, Iterator
from functools import partial

from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.errors import InputError
from wordsparse.training.prefetch import prefetched
from wordsparse.training.slices import PairSlices, Slice, Slices
from wordsparse.words.examples import ExampleBuilder, Examples
from wordsparse.words.options import Options
from wordsparse.words.schedule import Schedule

Build = Callable[..., Examples]
WHOLE = (0, 1)


class Minibatches:
    """The text of a run as minibatches of examples.

    ``vocabulary`` are the words to train, among them every word of the corpus's own. Examples are ``transposed`` where
    they hold their transposes, from which the CPU gains; ``builders`` threads build them ahead of the steps. The
    ``part`` (i, n) of a minibatch is the examples of the i-th of n equal parts of its text.
    ``recipe`` is that of the options; of counted pairs, with pairs in the place of tokens. InputError if the text that
    is held out is too little or too much.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        options: Options,
        transposed: bool,
        builders: int,
    ) -> None:
        self._options, self._vocabulary, self._transposed = options, vocabulary, transposed
        self._of_pairs, self.recipe = corpus.pairs, options.used_recipe()
        limits, asked = (options.heldout, options.seed, vocabulary), options.batch_tokens
        self._slices: Slices | PairSlices
        if corpus.pairs:
            if options.model != "skipgram":
                raise InputError("counted pairs say what is around a word, as skip-gram learns it: give model=skipgram")
            rate = corpus.sentences / corpus.tokens
            scaled = [
                None if of_tokens is None else round(of_tokens * rate) for of_tokens in (options.max_tokens, asked)
            ]
            self.recipe, asked = self.recipe.scaled(rate), scaled[1]
            self._slices = PairSlices(corpus, scaled[0], *limits)
        else:
            self._slices = Slices(corpus, options.max_tokens, *limits)
        self.total_tokens = self._slices.tokens * options.epochs
        self.schedule = Schedule(self.recipe, self.total_tokens, asked)
        self.largest = self.schedule.largest_batch()
        self._build = self._builder()
        self._check_heldout()
        self._ahead = [self._build if i == 0 else self._builder() for i in range(builders)]

    @property
    def positions(self) -> int:
        """Positions of the text in one pass."""
        return self._slices.positions

    @property
    def tokens(self) -> int:
        """Tokens of one pass."""
        return self._slices.tokens

    def sized(self, epoch: int, position: int) -> int:
        """Tokens of the minibatch that begins there."""
        return min(self.largest, self.schedule.wanted(epoch * self._slices.positions + position))

    def epoch(
        self, epoch: int, position: int = 0, part: tuple[int, int] = WHOLE
    ) -> Generator[tuple[int, Examples], None, None]:
        """An epoch from a position on, minibatch by minibatch, each with its end in the corpus."""
        slices = self._slices.train(partial(self.sized, epoch), position, epoch)
        makers = [partial(_built, build, epoch, part) for build in self._ahead]
        if makers:
            return prefetched(slices, makers)
        return (_built(self._build, epoch, part, piece) for piece in slices)

    def first(self) -> Examples | None:
        """A minibatch of the largest size at the start of the text; None where the text has no token."""
        for piece in self._slices.train(self.largest):
            return _built(self._build, 0, WHOLE, piece)[1]
        return None

    def heldout(self, part: tuple[int, int] = WHOLE) -> Iterator[Examples]:
        """Held-out text, sampled and windowed as the text of the first epoch is: the same examples each time."""
        for piece in self._slices.heldout(self.largest):
            yield _built(self._build, 0, part, piece)[1]

    def _builder(self) -> Build:
        """A function that builds a minibatch; each has working space of its own, for one thread."""
        options = self._options
        builder = ExampleBuilder(
            self._vocabulary,
            window=options.window,
            sample=options.sample,
            seed=options.seed,
            distances=self.recipe.distances,
            transposed=self._transposed,
        )
        if self._of_pairs:
            return builder.counted
        return builder.cbow if options.model == "cbow" else builder.skipgram

    def _check_heldout(self) -> None:
        heldout = self._options.heldout
        if heldout and self.total_tokens == 0:
            raise InputError(f"heldout {heldout}: nothing of the text is left to train on; hold less of it out")
        if heldout and not any(examples.pairs for examples in self.heldout()):
            raise InputError(f"heldout {heldout}: too little text is held out to have a loss; hold out more of it")


def _built(build: Build, epoch: int, part: tuple[int, int], piece: Slice) -> tuple[int, Examples]:
    """The part of a slice's minibatch, with where the slice ends in the corpus."""
    own = piece.part(*part)
    return piece.end, build(own.ids, own.start, own.stop, offset=own.offset, epoch=epoch)

"""Text as a source: an encoded corpus is cut into minibatches whose examples are windows.

A position is the index of a value in the concatenation of all shards. Held-out text is a set of blocks of positions,
which depends only on the seed and the number of positions, not on minibatches or threads. In a pass over training text,
held-out words are replaced by ends of sentences; in a pass over held-out text, training words are replaced. No window
therefore contains words of both kinds.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus, Vocabulary
from wordsparse.corpus.shards import Values
from wordsparse.types import Array
from wordsparse.words.examples import ExampleBuilder
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build, Ids, Piece, Sizes, Split

# The maximum number of positions that windows reach beyond the ends of a minibatch.
REACH = 2**14
# The number of values in a batch of sentences whose words are counted.
COUNTED = 2**16
# The last items of at most MOST_LASTS sentences are held out to calibrate predictions, and at most every EACH-th token.
# If this gives fewer than FEW_LASTS items, no item is held out.
MOST_LASTS, EACH, FEW_LASTS = 3000, 20, 200
# The number of an epoch in which every word takes part.
ALL = -1


class TextSource:
    """The source of an encoded corpus; see :class:`wordsparse.words.source.Source`."""

    rate = 1.0

    def __init__(self, corpus: EncodedCorpus) -> None:
        self.corpus, self.vocabulary, self.length = corpus, corpus.vocabulary, corpus.tokens
        self._lasts: dict[tuple[int, int | None], Array] = {}

    def identity(self) -> dict[str, Any]:
        return self.corpus.identity()

    def passes(self, options: Options, vocabulary: Vocabulary) -> "Cuts":
        left = options.max_tokens or max(1, self.length)
        tokens, parts = min(self.length, left), list[tuple[Callable[[int], Values], int]]()
        for shard in self.corpus.shards:
            stop, left = _end_of_tokens(shard, left)
            parts.append((_always(shard), stop))
            if left == 0:
                break
        table, lasts = table_of(self.vocabulary, vocabulary), self.last_items(options)[:, 1]
        return Cuts(parts, tokens, options.heldout, options.seed, table, hidden=lasts, weights=self.corpus.weights)

    def last_items(self, options: Options) -> Array:
        """Return the positions of the first and the last word of the sentences whose last word is held out to calibrate
        predictions, (n, 2) int64. The choice depends only on the text and the seed."""
        if not options.memory:
            return np.empty((0, 2), np.int64)
        key = options.seed, options.max_tokens
        if key not in self._lasts:
            self._lasts[key] = _sampled(self.corpus, options)
        return self._lasts[key]

    def histories(self, options: Options, vocabulary: Vocabulary) -> tuple[Array, Array, Array]:
        """Return the items of the sentences whose last word is held out, the number of the sentence of each item, and
        the last words. All words are row numbers of ``vocabulary``."""
        table = table_of(self.vocabulary, vocabulary)
        sentences = [_between(self.corpus, *place) for place in self.last_items(options).tolist()]
        lasts = np.array([sentence[-1] for sentence in sentences], np.int64)
        items = np.concatenate([np.empty(0, np.int32), *(sentence[:-1] for sentence in sentences)])
        owners = np.repeat(np.arange(len(sentences)), [len(sentence) - 1 for sentence in sentences])
        if table is not None:
            items, lasts = table[items], table[lasts].astype(np.int64)
        return items[items >= 0], owners[items >= 0], lasts

    def documents(self, vocabulary: Vocabulary) -> Iterator[sp.csr_array]:
        """Yield, in batches, how often each sentence holds each word of the vocabulary, (sentences, V)."""
        table, V = table_of(self.vocabulary, vocabulary), len(vocabulary)
        for shard in self.corpus.shards:
            start = 0
            while start < shard.shape[0]:
                ids = shard[start : start + COUNTED]
                ends = np.flatnonzero(ids == END_OF_SENTENCE)
                ids = ids[: ends[-1] + 1] if ends.size else ids  # a sentence longer than a batch is cut
                start += len(ids)
                rows = np.searchsorted(ends, np.arange(len(ids)))
                ids = ids if table is None else table[ids]
                entries = np.ones(int((ids >= 0).sum()), np.float32), (rows[ids >= 0], ids[ids >= 0])
                yield sp.coo_array(entries, (max(1, len(ends)), V)).tocsr()

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        return windows(options, recipe, vocabulary, transposed=transposed)


def windows(options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
    """Return a function that makes examples from the windows of sentences."""
    builder = ExampleBuilder(
        vocabulary,
        window=options.window,
        sample=options.sample,
        seed=options.seed,
        distances=recipe.distances,
        direction=options.direction,
        transposed=transposed,
    )
    return builder.cbow if options.model == "cbow" else builder.skipgram


class Cuts:
    """The passes over a text or a table: its values (word ids, or rows such as counted pairs) are cut into minibatches.

    Each of the ``parts`` is a pair: a function that returns the values for an epoch, such as a shard, and the number of
    values to use. A pass consists of all parts, ``tokens`` tokens in total. ``table`` maps values to ids. A window
    reaches at most ``reach`` positions beyond a minibatch. The values at the ascending positions ``hidden`` are
    replaced by ends of sentences. ``weights`` holds a weight w for each position, which falls with its age. The word
    there takes part in an epoch with the probability √w, so a pair of words counts by the mean age of its words.

    Attributes
    ----------
    tokens : int
        The number of tokens that one pass trains on.
    positions : int
        The number of training and held-out positions, including ends of sentences.
    """

    def __init__(
        self,
        parts: list[tuple[Callable[[int], Values], int]],
        tokens: int,
        heldout: float,
        seed: int,
        table: Array | None = None,
        reach: int = REACH,
        hidden: Array | None = None,
        weights: Array | None = None,
    ) -> None:
        self.weights, self._seed = weights, seed
        self._parts, self._table, self._reach = parts, table, reach
        self._hidden = np.empty(0, np.int64) if hidden is None else hidden
        self.tokens, self.positions = tokens - len(self._hidden), sum(end for _, end in parts)
        self._split = Split(self.positions, heldout, seed) if heldout > 0 else None
        if self._split is not None:
            for chunk in self.heldout(2**20):
                values = np.asarray(chunk.ids)[chunk.start : chunk.stop]
                self.tokens -= int(np.sum(values.reshape(len(values), -1)[:, 0] != END_OF_SENTENCE))  # first column

    def train(self, sizes: Sizes, first: int = 0, epoch: int = 0) -> Iterator[Piece]:
        """Yield the pieces, beginning at the position ``first``, which must be the first position of a piece. With the
        epoch ALL, every word takes part, whatever its weight."""
        return self._cut(sizes, False, first, epoch)

    def heldout(self, size: int) -> Iterator[Piece]:
        """Yield the pieces of the held-out text, as :meth:`train` does for the training text."""
        return self._cut(lambda position: size, True, 0, 0)

    def _cut(self, sizes: Sizes, heldout: bool, first: int, epoch: int) -> Iterator[Piece]:
        offset = 0
        for values, end in self._parts:
            stop, shard = max(0, first - offset), values(epoch)
            while stop < end:
                start, stop = stop, min(stop + sizes(offset + stop), end)
                low, high = max(0, start - self._reach), min(end, stop + self._reach)
                ids = Ids(partial(self._ids, shard, low, high, offset, heldout, epoch))
                yield Piece(ids, start - low, stop - low, offset + low)
            offset += end

    def _ids(self, shard: Values, low: int, high: int, offset: int, heldout: bool, epoch: int) -> Array:
        ids = shard[low:high]
        if self._table is not None:
            ids = self._table[ids]
        if self._split is not None:
            other = self._split.mask(offset + low, high - low) != heldout
            ids = np.array(ids)
            ids[other] = END_OF_SENTENCE
        first, last = np.searchsorted(self._hidden, [offset + low, offset + high])
        if first < last:
            ids = np.array(ids)
            ids[self._hidden[first:last] - (offset + low)] = END_OF_SENTENCE
        if self.weights is not None and epoch != ALL:
            is_out = _uniform(self._seed, epoch, offset + low, high - low) > np.sqrt(
                self.weights[offset + low :][: len(ids)]
            )
            ids = np.where(is_out & (ids >= 0), np.int32(OUT_OF_VOCABULARY), ids)
        return ids


def table_of(own: Vocabulary, other: Vocabulary) -> Array | None:
    """Return an array that maps each id of ``own`` to the id of the same word in ``other``, and END_OF_SENTENCE and
    OUT_OF_VOCABULARY to themselves. ``other`` must hold all words of ``own``. Return None if ``own`` and ``other`` are
    the same vocabulary."""
    if other is own:
        return None
    # Negative values index from the end of the table, where −1 and −2 are mapped to themselves.
    return np.append(own.rows_in(other), [END_OF_SENTENCE, OUT_OF_VOCABULARY]).astype(np.int32)


def _uniform(seed: int, epoch: int, first: int, size: int) -> Array:
    """Return uniform numbers on [0, 1) for the positions from ``first`` on, which depend only on the seed, the epoch
    and the position, (size,) float32."""
    random = np.random.Philox(np.random.SeedSequence([seed, 3, epoch])).advance(first // 4)  # four numbers at a time
    return (random.random_raw(first % 4 + size)[first % 4 :] >> np.uint64(40)).astype(np.float32) / np.float32(2**24)


def _always(values: Values) -> Callable[[int], Values]:
    return lambda epoch: values


def _sampled(corpus: EncodedCorpus, options: Options) -> Array:
    """Return a sample of the sentences, as :meth:`TextSource.last_items` does. A sentence has a known last word that
    occurs nowhere else in the sentence, and at least two words before it."""
    places, offset, left = list[Array](), 0, options.max_tokens or max(1, corpus.tokens)
    for shard in corpus.shards:
        stop, left = _end_of_tokens(shard, left)
        ends = np.flatnonzero(shard[:stop] == END_OF_SENTENCE)
        firsts = np.append(0, ends[:-1] + 1)[: len(ends)]
        places.append(np.stack([firsts, ends - 1], axis=1)[ends - firsts > 2] + offset)
        offset += shard.shape[0]
        if left == 0:
            break
    every = np.concatenate([np.empty((0, 2), np.int64), *places])
    most = min(MOST_LASTS, (options.max_tokens or corpus.tokens) // EACH)
    sample = np.sort(np.random.default_rng([options.seed, 2]).permutation(len(every))[:most])
    sentences = ((place, _between(corpus, *place)) for place in every[sample].tolist())
    chosen = [place for place, ids in sentences if ids[-1] >= 0 and (ids[:-1] != ids[-1]).all()]
    return np.array(chosen if len(chosen) >= FEW_LASTS else [], np.int64).reshape(-1, 2)


def _between(corpus: EncodedCorpus, first: int, last: int) -> Array:
    """Return the values at the positions from ``first`` to ``last``, which are in one shard."""
    for shard in corpus.shards:
        if last < shard.shape[0]:
            return shard[first : last + 1]
        first, last = first - shard.shape[0], last - shard.shape[0]
    raise IndexError(last)


def _end_of_tokens(shard: Values, max_tokens: int) -> tuple[int, int]:
    """Return where the first ``max_tokens`` tokens of a shard end, and how many tokens are left for later shards.

    The shard is used only up to this end, so no window reaches beyond this end.
    """
    block = 2**20
    for start in range(0, shard.shape[0], block):
        tokens = np.flatnonzero(shard[start : start + block] != END_OF_SENTENCE)
        if tokens.shape[0] >= max_tokens:
            return start + int(tokens[max_tokens - 1]) + 1, 0
        max_tokens -= tokens.shape[0]
    return shard.shape[0], max_tokens

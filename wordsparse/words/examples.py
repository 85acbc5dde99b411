"""Makes the sparse structures of a minibatch from a slice of an encoded corpus (compiled, without the GIL)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.kernels import Csr, Windows, _examples  # type: ignore[attr-defined] # compiled
from wordsparse.kernels.pool import ArrayPool
from wordsparse.layer.interface import Targets
from wordsparse.types import Array

MAX_WINDOW = 10_000
Distances = Literal["linear", "harmonic", "equal"]
Direction = Literal["both", "after"]
# An entry of merge_pairs.
ENTRY = np.dtype([("column", np.int32), ("weight", np.float32), ("in_column", np.int64)])


@dataclass(frozen=True)
class Examples:
    """The examples of one minibatch over its unique words.

    ``targets`` holds the float32 weights of each example's targets, with one column per unique word; ``targets.rows``
    are the ids of these words, ascending. ``bags`` (m, u) holds the context words of each example, or is None if the
    input of example j is word j itself (skip-gram). ``tokens`` is the number of corpus tokens in the minibatch, and
    ``pairs`` is the sum of the weights.
    """

    targets: Targets
    bags: Windows | None
    tokens: int
    pairs: float

    @property
    def words(self) -> Array:
        """The word ids, (u,) int64."""
        return self.targets.rows


class ExampleBuilder:
    """A builder of minibatches of CBOW or skip-gram examples from the tokens that subsampling keeps.

    :func:`keep_probabilities` gives the probability with which a token is kept. :func:`distance_weights` gives the
    weights of skip-gram's pairs. CBOW draws the width of each centre token's window at random, so that a context word
    is inside the window with a probability equal to the weight of its distance. The random numbers depend only on the
    seed, the epoch and the token's position in the corpus. If ``direction`` is "after", a word is predicted only from
    words before it. With ``transposed``, the builder also makes the transpose of skip-gram's targets; otherwise the
    training step computes the transpose.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        window: int,
        sample: float,
        seed: int,
        distances: Distances = "linear",
        direction: Direction = "both",
        transposed: bool = False,
    ) -> None:
        self.window, self._one_way = window, direction == "after"
        self._keep_below = keep_thresholds(np.asarray(vocabulary.counts), sample)
        self._by_distance = distance_weights(window, distances)
        # Element k − 1 is the probability that CBOW draws a window wider than k, times 2**32.
        self._wider_below = np.minimum(2**32 * self._by_distance[1:], 2**32 - 1).astype(np.uint32)
        self._slot = np.full(len(vocabulary), -1, np.int32)
        self._pool = ArrayPool()
        self._seed, self._transposed = seed, transposed

    def skipgram(self, shard: ArrayLike, start: int, stop: int, *, offset: int, epoch: int) -> Examples:
        """Return one example per word. The targets are the words around all occurrences of the word, with weights.

        ``shard`` holds encoded text, int32. ``start`` and ``stop`` bound the slice of tokens, and ``offset`` is the
        position of the shard's first entry in the corpus. Two tokens in one window are each other's context, so they
        form two pairs. Both pairs belong to the minibatch of the first token, so the matrix of weights is symmetric. If
        windows look one way, two tokens form one pair, whose context is the second token.
        """
        local, _, n, _, last, words, tokens = self._tokens(shard, start, stop, offset, epoch, widths=False)
        u = words.shape[0]
        of_word = np.zeros(u, np.int64)
        count = _examples.count_pairs(local, self.window, n, last, of_word)
        fit = u <= _examples.MAX_WORDS_IN_32_BITS and self.window <= _examples.MAX_WINDOW_IN_32_BITS
        column_place, by_distance = _starts(of_word + 1)[:-1], self._by_distance.astype(np.float32)
        empty = self._pool.empty
        pairs = empty((2 * count + u,), np.uint32 if fit else np.uint64)
        column_end, row_end, from_row, from_column = np.empty((4, u), np.int64)
        _examples.skipgram_pairs(local, by_distance, n, last, column_place, column_end, pairs, self._one_way)
        row_place, columns = _starts(of_word - (column_end - column_place))[:-1], np.empty(u + 1, np.int64)
        by_row = empty((count * _examples.ENTRY_BYTES,), np.uint8)
        by_column = empty((count,), np.int32), empty((count,), np.int64), columns
        merged = row_place, row_end, by_row, *by_column
        _examples.merge_pairs(pairs, by_distance, column_place, column_end, *merged, self._one_way)
        del pairs
        if self._one_way:
            return self._directed(words, tokens, *merged)
        indptr = _starts(np.diff(columns) + row_end - row_place)
        entries = int(indptr[-1])
        indices, weights = empty((entries,), np.int32), empty((entries,), np.float32)
        order = empty((entries if self._transposed else 0,), np.int64)
        places = row_place, row_end, indptr, from_row, from_column
        _examples.mirror_rows(by_row, *by_column, *places, indices, weights, order)
        del by_row, by_column
        transposed = Csr(indptr, indices, u, order) if self._transposed else None
        pairs_weigh = float(weights.sum(dtype=np.float64))
        return Examples(Targets(words, Csr(indptr, indices, u), weights, transposed), None, tokens, pairs_weigh)

    def _directed(
        self, words: Array, tokens: int, row_place: Array, row_end: Array, by_row: Array, *by_column: Array
    ) -> Examples:
        """Return the examples of pairs that are merged, with each row's entries between ``row_place`` and
        ``row_end``."""
        u, sizes, (column_words, places, columns) = len(words), row_end - row_place, by_column
        indptr = _starts(sizes)
        shift = row_place - indptr[:-1]  # from an index in the result to an index in ``by_row``
        entries = by_row.view(ENTRY)[np.arange(indptr[-1]) + np.repeat(shift, sizes)]
        size, weights = int(columns[-1]), entries["weight"].copy()
        order = places[:size] - shift[column_words[:size]]
        transposed = Csr(columns, column_words[:size].copy(), u, order) if self._transposed else None
        targets = Targets(words, Csr(indptr, entries["column"].copy(), u), weights, transposed)
        return Examples(targets, None, tokens, float(weights.sum(dtype=np.float64)))

    def cbow(self, shard: ArrayLike, start: int, stop: int, *, offset: int, epoch: int) -> Examples:
        """Return one example per centre token that has context words. The input is the bag of context words, and the
        target is the centre token."""
        local, width, n, first, last, words, tokens = self._tokens(shard, start, stop, offset, epoch)
        places = np.empty((4, max(last - first, 0)), np.int32)
        m = _examples.window_examples(local, width, n, first, last, self._one_way, *places)
        targets, centre, begin, end = places[:, :m]
        bags = Windows(local[:n], centre, begin, end, self.window, words.shape[0])
        one_each = Csr(np.arange(m + 1), targets, words.shape[0], one_a_row=True)
        return Examples(Targets(words, one_each, np.ones(m, np.float32)), bags, tokens, m)

    def _tokens(
        self, shard: ArrayLike, start: int, stop: int, offset: int, epoch: int, *, widths: bool = True
    ) -> tuple[Array, Array, int, int, int, Array, int]:
        """Return the tokens of a slice that subsampling keeps, together with the tokens before and after the slice that
        windows of the slice reach. If ``widths`` is False (skip-gram), draw no window widths,
        and leave out the tokens before the slice."""
        size = stop - start + 2 * (self.window + 1)
        ids, width = np.empty(size, np.int32), np.empty(size if widths else 0, np.uint16)
        key = int(np.random.SeedSequence([self._seed, epoch]).generate_state(1, np.uint64)[0])
        n, first, last, tokens = _examples.keep_tokens(
            np.asarray(shard), start, stop, offset, key, self._keep_below, self._wider_below, ids, width
        )
        if not widths:
            ids, n, last, first = ids[first:], n - first, last - first, 0
        return ids, width, n, first, last, unique_words(ids, n, self._slot), tokens


def unique_words(ids: Array, n: int, slot: Array) -> Array:
    """Return the unique words among n ids, ascending, int64. Replace each id in ``ids`` by the index of the word in the
    result. ``slot`` is scratch space with one entry per word of the vocabulary, and every entry must be -1."""
    words = np.empty(min(n, slot.shape[0]), np.int64)
    words = np.sort(words[: _examples.local_ids(ids, n, slot, words)])
    _examples.relabel(ids, n, slot, words)
    return words


def _starts(sizes: Array) -> Array:
    """Return the start of each of several consecutive parts with the given sizes, followed by the end of the last part,
    int64."""
    starts = np.zeros(sizes.shape[0] + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def distance_weights(window: int, distances: Distances) -> Array:
    """Return the weight of a context word at distance 1 … window, float64 (window,).

    At distance k, the weight is 1 - (k - 1)/window if ``distances`` is "linear": this is the mean over word2vec's
    windows (Mikolov et al., 2013), whose widths are uniform on 1 … window. The weight is 1/k if ``distances`` is
    "harmonic", as in GloVe (Pennington et al., 2014), and 1 if ``distances`` is "equal", for sets such as baskets.
    """
    if not 1 <= window <= MAX_WINDOW:
        raise InputError(f"window must be from 1 to {MAX_WINDOW}, not {window}")
    k = np.arange(1, window + 1)
    weights = {"linear": (window + 1 - k) / window, "harmonic": 1 / k, "equal": np.ones(window)}
    return weights[distances]


def keep_probabilities(counts: Array, sample: float) -> Array:
    """Return the probability with which subsampling keeps a token of each word, (V,) float64.

    For a word with relative frequency f, the probability is √(sample/f) + sample/f (word2vec; Mikolov et al., 2013).
    Every token is kept if the text is so short that even a word that occurs once is more frequent than ``sample``.
    """
    if sample * counts.sum() < 1:
        return np.ones(counts.shape)
    ratio = sample / (counts / counts.sum())
    return np.asarray(np.minimum(np.sqrt(ratio) + ratio, 1))


def keep_thresholds(counts: Array, sample: float) -> Array:
    """Return the threshold of each word, (V,) uint32. A token is kept if a random number on 0 … 2³² − 1 is at most the
    threshold."""
    return np.asarray(np.floor(keep_probabilities(counts, sample) * (2**32 - 1)), np.uint32)

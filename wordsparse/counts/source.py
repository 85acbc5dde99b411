"""Counted pairs as a source of minibatches. :mod:`wordsparse.counts.pieces` cuts large counts and orders the pieces."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from wordsparse.corpus import END_OF_SENTENCE, Vocabulary
from wordsparse.counts.pieces import PIECES_PER_TOKEN, ordered
from wordsparse.doors import SOURCES
from wordsparse.errors import InputError
from wordsparse.kernels import Csr
from wordsparse.layer.interface import Targets
from wordsparse.options import Checked, option
from wordsparse.validation import positive_int
from wordsparse.words.examples import Examples, keep_thresholds, unique_words
from wordsparse.words.kinds import Kind
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe
from wordsparse.words.source import Build
from wordsparse.words.text_source import Cuts, table_of


@dataclass(frozen=True, kw_only=True)
class PairOptions(Checked):
    """Options for reading tables of counted pairs."""

    min_count: int = option(1, "Minimum number of occurrences of a word, estimated from counts.", check=positive_int)
    max_vocab: int | None = option(None, "Maximum number of words; the most frequent are kept.", check=positive_int)


class CountSource:
    """A source of counted pairs in tables (:class:`wordsparse.words.source.Source`). Each piece of a pair counts as one
    token and one position in a pass."""

    options = PairOptions
    kind = Kind(SOURCES["counts"][1], {"model": "skipgram"})

    def __init__(self, tables: Any, options: PairOptions) -> None:
        """Read the tables. Raise InputError as :func:`wordsparse.counts.tables.pairs` does."""
        self.pieces = ordered(tables, options.min_count, options.max_vocab)
        self.vocabulary, self._options = self.pieces.vocabulary, options
        self.number = self.pieces.shape[0]
        self.length = max(1, round(self.number / PIECES_PER_TOKEN))
        self.rate = self.number / self.length

    def identity(self) -> dict[str, Any]:
        counts = {"tokens": self.length, "sentences": self.number, "distinct_words": self.pieces.distinct_words}
        how = {"min_count": self._options.min_count, "max_vocab": self._options.max_vocab, "tokenization": None}
        return {"sha256": self.pieces.sha256, **counts, **how, "pairs": True}

    def passes(self, options: Options, vocabulary: Vocabulary) -> Cuts:
        if options.model != "skipgram":
            raise InputError("counted pairs can train skip-gram only: give model=skipgram")
        number = self.number
        if options.max_tokens is not None:
            number = min(number, round(options.max_tokens * self.rate))
        return Cuts([(lambda epoch: self.pieces, number)], number, options.heldout, options.seed, reach=0)

    def builder(self, options: Options, recipe: Recipe, vocabulary: Vocabulary, *, transposed: bool) -> Build:
        """Return a function that makes skip-gram examples: an example per word, whose targets are its contexts.

        In every epoch, the weight of a pair is multiplied by the probability that subsampling keeps both words.
        """
        keep_below = keep_thresholds(np.asarray(vocabulary.counts), options.sample)
        kept = ((keep_below + 1.0) / 2**32).astype(np.float32)  # the probability of keeping a token
        table, slot = table_of(self.vocabulary, vocabulary), np.full(len(vocabulary), -1, np.int32)

        def build(pairs: ArrayLike, start: int, stop: int, *, offset: int, epoch: int) -> Examples:
            """Return the examples of ``pairs[start:stop]``, (any, 3) int32: word, context, and a weight's float32 bits.

            Rows that mark the end of a sentence are skipped: in training they replace held-out pairs, and in held-out
            data they replace training pairs.
            """
            taken = np.asarray(pairs)[start:stop]
            taken = taken[taken[:, 0] != END_OF_SENTENCE]
            n, both = len(taken), taken[:, :2].T.ravel()
            if table is not None:
                both = table[both]
            weights = taken[:, 2].view(np.float32) * kept[both[:n]] * kept[both[n:]]
            words = unique_words(both, 2 * n, slot)
            entries = sp.coo_array((weights, (both[:n], both[n:])), shape=(len(words), len(words)))
            entries.has_canonical_format = True  # stops SciPy from adding up equal pairs
            rows, turned = entries.tocsr(), None
            if transposed:
                columns = sp.csr_array((np.arange(n), rows.indices, rows.indptr), rows.shape).tocsc()
                turned = Csr(columns.indptr.astype(np.int64), columns.indices, len(words), columns.data)
            targets = Targets(words, Csr.of(rows), rows.data, turned)
            return Examples(targets, None, n, float(weights.sum(dtype=np.float64)))

        return build

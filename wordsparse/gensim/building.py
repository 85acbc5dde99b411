"""The vocabulary of a Word2Vec: methods that count, filter and extend it as gensim's methods do."""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from wordsparse.errors import InputError
from wordsparse.gensim import engine, texts
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.refusals import WrongOrderError, logger
from wordsparse.gensim.texts import TrimRule, keeps
from wordsparse.types import Array
from wordsparse.vectors.table import Key

FilePath = str | PathLike[str]


class VocabularyBuilder:
    """The part of Word2Vec that exists before training: words, their counts, and random vectors.

    The attributes have the names of gensim's attributes. A program may change the attributes between training runs.
    """

    vector_size: int
    window: int
    sg: int
    hs: int
    negative: int
    ns_exponent: float
    cbow_mean: int
    shrink_windows: bool
    alpha: float
    min_alpha: float
    workers: int
    seed: int | None
    sample: float
    null_word: int
    min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    sorted_vocab: int
    _table: type[KeyedVectors] = KeyedVectors
    _stored: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.effective_min_count = self.min_count
        self.corpus_count = self.corpus_total_words = 0
        self.raw_vocab: dict[Key, int] = {}
        self._trained: engine.Trained | None = None
        self._refresh: Callable[[], None] | None = None  # set during callbacks: called to update wv when wv is read
        self._use(self._table(self.vector_size))

    @property
    def wv(self) -> KeyedVectors:
        """The vectors with their words, as KeyedVectors."""
        if self._refresh is not None:
            refresh, self._refresh = self._refresh, None
            refresh()
        return self._wv

    @wv.setter
    def wv(self, vectors: KeyedVectors) -> None:
        self._trained = None
        self._use(vectors)

    def build_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: FilePath | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        **options: Any,
    ) -> None:
        """Count the words of a text, which may be a generator, and create a vector for each word of the vocabulary.

        ``update`` extends the vocabulary instead of replacing it: new words are added, and counts of known words grow.
        ``keep_raw_vocab`` keeps ``raw_vocab``, the counts of all words. ``trim_rule`` is a function of a word, its
        count and the minimum; it returns 0 to apply the minimum, 1 to discard the word, 2 to keep it. ``options`` are
        ``min_count`` and ``sample``, which override the values of the model.
        """
        with texts.opened(corpus_iterable, corpus_file, passes=1) as text:
            self._build(text, update, trim_rule, keep_raw_vocab, **options)

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[Key, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Build the vocabulary from counts of words, as :meth:`build_vocab` does from a text."""
        self.corpus_count, self.raw_vocab = corpus_count or 0, dict(word_freq)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule)

    def scan_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: FilePath | None = None,
        progress_per: int = 10_000,
        workers: int | None = None,
        trim_rule: TrimRule | None = None,
    ) -> tuple[int, int]:
        """Count the words of a text into ``raw_vocab``. Return the numbers of words and of sentences."""
        with texts.opened(corpus_iterable, corpus_file, passes=1) as text:
            return self._scan(text)

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Keep the words of ``raw_vocab`` that occur often enough, and create their vectors; with ``dry_run``, change
        nothing.

        Return the numbers of dropped and kept words, the number of tokens after subsampling, and the bytes of the
        arrays.
        """
        least = min_count or self.min_count
        counts, self.effective_min_count = kept(self.raw_vocab, least, self.max_final_vocab, trim_rule)
        report = {"drop_unique": len(self.raw_vocab) - len(counts), **sampled(counts, sample or self.sample)}
        report["memory"] = self.estimate_memory(len(counts))
        if dry_run:
            return report
        if update and not len(self.wv):
            raise WrongOrderError("update extends a vocabulary, but there is none: build one first without update")
        if not update:
            self.min_count, self.sample = min_count or self.min_count, sample or self.sample
            self._reset()
        self._add_words(counts)
        if not keep_raw_vocab:
            self.raw_vocab = {}
        return report

    def reset_from(self, other_model: "VocabularyBuilder") -> None:
        """Copy the vocabulary of another model, with new random vectors."""
        words, counts = other_model.wv.index_to_key, other_model.wv.expandos["count"]
        self.corpus_count = other_model.corpus_count
        self._reset()
        self._add_words(dict(zip(words, counts.tolist(), strict=True)), is_sorted=True)

    def init_weights(self) -> None:
        """Reset the vectors to random vectors, and keep the vocabulary."""
        self.reset_from(self)

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to unit length if ``replace``; otherwise do nothing."""
        self.wv.init_sims(replace)

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Return the sizes in bytes of the arrays of a model with ``vocab_size`` words, by name, and their "total"."""
        words = vocab_size or len(self.wv)
        rows = 4 * words * self.vector_size
        parts = {
            "vocab": 500 * words,
            "vectors": rows,
            "input_rows": rows,
            "syn1neg": rows + 4 * words,
            **(report or {}),
        }
        return {**parts, "total": sum(parts.values())}

    def _scan(self, text: texts.Text) -> tuple[int, int]:
        scanned = text.scan()
        self.raw_vocab = scanned.counts
        return scanned.total_words, scanned.sentences

    def _build(
        self, text: texts.Text, update: bool, trim_rule: TrimRule | None, keep_raw_vocab: bool = False, **options: Any
    ) -> None:
        self.corpus_total_words, self.corpus_count = self._scan(text)
        words = len(self.raw_vocab)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule, **options)
        message = "%d sentences of %d tokens in all: %d different tokens, %d words in the vocabulary"
        logger.info(message, self.corpus_count, self.corpus_total_words, words, len(self._wv))

    def _reset(self) -> None:
        self.wv = self._table(self.vector_size)

    def _add_words(self, counts: Mapping[Key, int], is_sorted: bool = False) -> None:
        """Add to the counts of known words, and append a row with a small random vector for each new word.

        A new vocabulary is sorted by descending frequency unless ``is_sorted``.
        """
        table = self._wv
        by_count = not len(table) and self.sorted_vocab and not is_sorted
        # As in gensim, the most frequent word is first, and among equally frequent words, the last to appear is first.
        last_first = list(counts)[::-1]
        ordered = sorted(last_first, key=lambda word: -counts[word]) if by_count else counts
        new = [word for word in ordered if word not in table.key_to_index]
        for word in new:
            table.key_to_index[word] = len(table.index_to_key)
            table.index_to_key.append(word)
        table.next_index = len(table)
        table.resize_vectors(self.seed or 0)
        table.allocate_vecattrs(["count"], [int])
        rows = [table.key_to_index[word] for word in counts]
        table.expandos["count"][rows] += np.fromiter(counts.values(), np.int64, len(counts))
        self._use(table)

    def _use(self, vectors: KeyedVectors) -> None:
        self._wv, self._untouched = vectors, fingerprint(vectors.vectors)

    def _refuse_changes(self) -> None:
        """Raise InputError if the user has changed arrays, because training would ignore the changes."""
        if fingerprint(self._wv.vectors) != self._untouched:
            raise InputError(
                "wv.vectors were changed by hand, and training, which has its own state, would discard the changes; "
                "to start from your vectors, write them to a file: wordsparse.train(text, init=file)"
            )
        if (self._wv.vectors_lockf != 1).any():
            raise InputError("vectors_lockf: vectors cannot be fixed while other vectors are trained; leave it at 1")

    def _outputs(self) -> Array:
        if self._trained is None:
            return np.zeros((len(self._wv), self.vector_size), np.float32)
        return self._trained.output_weights(self._wv.index_to_key)


def fingerprint(vectors: Array) -> int:
    """Return a checksum of the vectors, which detects changes."""
    return zlib.crc32(np.ascontiguousarray(vectors).data)


def kept(
    counts: Mapping[Key, int], min_count: int, max_final_vocab: int | None, trim_rule: TrimRule | None
) -> tuple[dict[Key, int], int]:
    """Return the words that occur often enough, and the minimum count. The minimum count is raised if more than about
    ``max_final_vocab`` words would remain."""
    if max_final_vocab is not None and max_final_vocab < len(counts):
        first_left_out = sorted(counts.values(), reverse=True)[max_final_vocab]
        min_count = max(min_count, first_left_out + 1)
    chosen = {word: int(count) for word, count in counts.items() if keeps(word, int(count), min_count, trim_rule)}
    return chosen, min_count


def threshold(sample: float, total: int) -> float:
    """Return the relative frequency above which words are subsampled; a ``sample`` of 1 or more is a count."""
    return sample if sample < 1 else int(sample * (3 + math.sqrt(5)) / 2) / max(total, 1)


def sampled(counts: Mapping[Key, int], sample: float) -> dict[str, Any]:
    """Return the numbers of words and tokens before and after subsampling, as gensim reports them."""
    total, words, left = sum(counts.values()), 0, 0.0
    rate = threshold(sample, total)
    for count in counts.values():
        ratio = rate * total / count if rate and count else 1.0
        probability = min(math.sqrt(ratio) + ratio, 1.0)
        words += probability < 1
        left += probability * count
    return {
        "retain_total": total,
        "downsample_unique": words,
        "downsample_total": int(left),
        "num_retained_words": len(counts),
    }

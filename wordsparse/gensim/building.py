"""The vocabulary of a Word2Vec: counted, chosen, enlarged, as gensim's methods of these names do it."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.gensim import engine, texts, vocabulary
from wordsparse.gensim.keyed_vectors import KeyedVectors
from wordsparse.gensim.refusals import WrongOrderError
from wordsparse.gensim.texts import TrimRule
from wordsparse.vectors.lookup import Key

Array = NDArray[Any]
FilePath = str | PathLike[str]


class VocabularyBuilder:
    """What Word2Vec has before it is trained: words, their counts, and vectors that say nothing yet."""

    vector_size: int
    negative: int
    hs: int
    seed: int
    sample: float
    min_count: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    sorted_vocab: int

    def __init__(self) -> None:
        self.effective_min_count = self.min_count
        self.corpus_count = self.corpus_total_words = 0
        self.raw_vocab: dict[Key, int] = {}
        self._trained: engine.Trained | None = None
        self._refresh: Callable[[], None] | None = None  # where a callback may look at vectors that are not made yet
        self._use(KeyedVectors(self.vector_size))

    @property
    def wv(self) -> KeyedVectors:
        """The vectors with their words: what is asked of a model."""
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
        """Count the words of a text and give those that are kept a vector.

        Parameters
        ----------
        corpus_iterable, corpus_file
            As ``sentences`` and ``corpus_file`` of the class; a generator serves.
        update : bool
            Add words to those that are there, and counts to theirs; otherwise all begins anew.
        trim_rule : callable, optional
            Is given a word, its count and the minimum; returns 0 for the minimum to decide, 1 to leave the word out,
            2 to keep it.
        keep_raw_vocab : bool
            Whether ``raw_vocab``, the counts of all words, stays.
        **options
            ``min_count`` and ``sample``, instead of the model's.
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
        """As :meth:`build_vocab`, from given counts of words."""
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
        """Count the words of a text into ``raw_vocab``; returns the numbers of words and of sentences."""
        with texts.opened(corpus_iterable, corpus_file, passes=1) as text:
            return self._scan(text, trim_rule)

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Keep those words of ``raw_vocab`` that occur often enough, and give them vectors.

        Returns
        -------
        dict
            How many words were dropped and kept, how many tokens sampling leaves, and the memory of the arrays in
            bytes. ``dry_run`` changes nothing else.
        """
        chosen = vocabulary.kept(self.raw_vocab, min_count or self.min_count, self.max_final_vocab, trim_rule)
        report = vocabulary.report(chosen, sample or self.sample)
        report["memory"] = self.estimate_memory(len(chosen.counts))
        self.effective_min_count = chosen.min_count
        if dry_run:
            return report
        if update and not len(self.wv):
            raise WrongOrderError("update adds to a vocabulary, and there is none: build one first without update")
        if not update:
            self.min_count, self.sample = min_count or self.min_count, sample or self.sample
            self._begin_anew()
        self._add_words(chosen.counts)
        if not keep_raw_vocab:
            self.raw_vocab = {}
        return report

    def reset_from(self, other_model: "VocabularyBuilder") -> None:
        """Take over the vocabulary of another model, and begin anew."""
        words, counts = other_model.wv.index_to_key, other_model.wv.expandos["count"]
        self.corpus_count = other_model.corpus_count
        self._begin_anew()
        self._add_words(dict(zip(words, counts.tolist(), strict=True)), is_sorted=True)

    def init_weights(self) -> None:
        """Begin anew with the same vocabulary."""
        self.reset_from(self)

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to length one where ``replace``; there is nothing to prepare otherwise."""
        self.wv.init_sims(replace)

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Bytes of the arrays of a model of so many words, by name, and their "total"."""
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

    def _scan(self, text: texts.Text, trim_rule: TrimRule | None) -> tuple[int, int]:
        scanned = text.scan(self.max_vocab_size, trim_rule)
        self.raw_vocab = scanned.counts
        return scanned.total_words, scanned.sentences

    def _build(
        self, text: texts.Text, update: bool, trim_rule: TrimRule | None, keep_raw_vocab: bool = False, **options: Any
    ) -> None:
        self.corpus_total_words, self.corpus_count = self._scan(text, trim_rule)
        self.prepare_vocab(update, keep_raw_vocab, trim_rule, **options)

    def _begin_anew(self) -> None:
        """Forget the vocabulary and all that was learned."""
        self.wv = KeyedVectors(self.vector_size)

    def _add_words(self, counts: Mapping[Key, int], is_sorted: bool = False) -> None:
        """Add counts to those of known words; other words get a row at the end and a small random vector.

        Words of a new vocabulary are put in the order of their frequency, unless they are sorted already.
        """
        table = self._wv
        by_count = not len(table) and self.sorted_vocab and not is_sorted
        new = [
            word for word in (vocabulary.by_frequency(counts) if by_count else counts) if word not in table.key_to_index
        ]
        for word in new:
            table.key_to_index[word] = len(table.index_to_key)
            table.index_to_key.append(word)
        table.next_index = len(table)
        table.resize_vectors(self.seed)
        table.allocate_vecattrs(["count"], [int])
        rows = [table.key_to_index[word] for word in counts]
        table.expandos["count"][rows] += np.fromiter(counts.values(), np.int64, len(counts))
        self._use(table)

    def _use(self, vectors: KeyedVectors) -> None:
        self._wv, self._untouched = vectors, fingerprint(vectors.vectors)

    def _refuse_changes(self) -> None:
        """Raise InputError if a program has changed what training would not see."""
        if fingerprint(self._wv.vectors) != self._untouched:
            raise InputError(
                "wv.vectors were changed by hand, which training would lose: it goes on from what it has learned, in "
                "coordinates of its own"
            )
        if (self._wv.vectors_lockf != 1).any():
            raise InputError("vectors_lockf: no vector can be held while others are trained; leave it at 1")

    def _outputs(self) -> Array:
        if self._trained is None:
            return np.zeros((len(self._wv), self.vector_size), np.float32)
        return self._trained.output_weights(self._wv.index_to_key)


def fingerprint(vectors: Array) -> int:
    """What tells whether vectors have been changed."""
    return zlib.crc32(np.ascontiguousarray(vectors).data)

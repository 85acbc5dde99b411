"""A replacement for gensim's FastText: Word2Vec with n-grams fitted to its vectors (:mod:`wordsparse.words.form`)."""

from collections.abc import Iterable
from typing import Any, ClassVar

from wordsparse.errors import InputError
from wordsparse.gensim import engine
from wordsparse.gensim.building import FilePath
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.models.word2vec import Word2Vec
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.refusals import say_once
from wordsparse.types import Array
from wordsparse.vectors.ngrams import check_lengths

_NO_BUCKETS = "each n-gram has a row of its own, not a share of a bucket; wv.ngrams has the rows"
_ABSENT = dict.fromkeys(
    ("vectors_ngrams", "vectors_vocab", "buckets_word", "bucket", "recalc_char_ngram_buckets"), _NO_BUCKETS
)
_ABSENT |= dict.fromkeys(("min_n", "max_n"), "wv.ngrams.index has the lengths of the shortest and the longest n-grams")


class FastTextKeyedVectors(KeyedVectors):
    """KeyedVectors that also has vectors for unknown words that share n-grams with words in ``key_to_index``."""

    _absent: ClassVar = {**KeyedVectors._absent, **_ABSENT}

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key) or self.is_composed(key)

    def get_sentence_vector(self, sentence: Iterable[str]) -> Array:
        """Return the mean of the vectors of the words of a sentence, (vector_size,)."""
        return self.get_mean_vector(list(sentence))


class FastText(Word2Vec):
    """Word vectors that also use the spelling of words, and vectors of unknown words: ``wv["any word"]``.

    FastText has the arguments of gensim 4.4, including the arguments of :class:`Word2Vec`. N-grams of ``min_n`` to
    ``max_n`` characters of ``<word>``, brackets included, are fitted after training, so they do not slow training down.
    Every n-gram has a row of its own, so ``bucket`` has no effect. ``word_ngrams=0``, or ``max_n`` below ``min_n``,
    turns n-grams off.

    Raises
    ------
    InputError
        As for Word2Vec; or if the lengths of n-grams are out of range, or a token is not text.
    """

    _table = FastTextKeyedVectors
    _stored = ("min_n", "max_n", "word_ngrams", "bucket")

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        corpus_file: FilePath | None = None,
        sg: int = 0,
        hs: int = 0,
        vector_size: int = 100,
        *,
        word_ngrams: int = 1,
        min_n: int = 3,
        max_n: int = 6,
        bucket: int = 2_000_000,
        **options: Any,
    ) -> None:
        self.min_n, self.max_n, self.word_ngrams, self.bucket = int(min_n), int(max_n), int(word_ngrams), int(bucket)
        if self._has_ngrams:
            check_lengths(self.min_n, self.max_n)
        super().__init__(sentences, corpus_file, vector_size, sg=sg, hs=hs, **options)

    @property
    def _has_ngrams(self) -> bool:
        return bool(self.word_ngrams) and self.max_n >= self.min_n

    def _show(self, trained: engine.Trained) -> None:
        if self._has_ngrams:
            if not all(isinstance(key, str) for key in trained.keys):
                raise InputError("FastText makes n-grams of words: give words that are text, or use Word2Vec")
            try:
                trained.model = trained.model.fit_ngrams(self.min_n, self.max_n)
            except InputError as error:  # the text has too few words
                say_once(f"unknown words have no vectors: {error}")
        super()._show(trained)
        if trained.model.ngrams is not None:
            self._wv.ngrams = trained.model.ngrams.vectors


__getattr__ = gensims(__name__)

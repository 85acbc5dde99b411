"""A replacement for gensim's Word2Vec that uses the exact layer, with gensim's arguments, attributes and behaviour."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.gensim import engine, saving, settings, texts
from wordsparse.gensim.building import FilePath, VocabularyBuilder
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.refusals import Renamed, WrongOrderError, WrongPlaceError, logger, say_once
from wordsparse.gensim.sentences import LineSentence
from wordsparse.gensim.texts import TrimRule
from wordsparse.training.loop import Run
from wordsparse.types import Array

__all__ = ["LineSentence", "Word2Vec"]
_ABSENT = {
    "accuracy": "use wv.evaluate_word_analogies",
    "index2word": "use wv.index_to_key",
    **dict.fromkeys(("vocab", "vocabulary"), "use wv.key_to_index"),
    "trainables": "use syn1neg and wv.vectors",
    "syn0": "use wv.vectors",
    "iter": "use epochs",
    "load_word2vec_format": "use KeyedVectors.load_word2vec_format",
    "intersect_word2vec_format": "start from the vectors of a file, wordsparse.train(text, init=file)",
    "delete_temporary_training_data": "use only wv, which is all that queries need",
    "random": "seed decides all draws",
}


class Word2Vec(Renamed, VocabularyBuilder):
    """Word vectors of any hashable tokens.

    Word2Vec has the arguments of gensim 4.4, in the same order and with the same defaults, and ``size`` and ``iter`` of
    gensim 3. docs/gensim.md says which arguments are better, without effect or refused; the other arguments mean the
    same as in gensim. The loss is exact over the whole vocabulary, whatever the values of ``hs`` and ``negative``. The
    text, ``sentences`` or the lines of ``corpus_file``, is read only once for all ``epochs``. Without a text, call
    ``build_vocab`` and ``train`` later.

    Raises
    ------
    InputError
        If an argument is out of range or requests a method that wordsparse lacks. The error is also a RuntimeError if
        no word is left in the vocabulary, and a TypeError if gensim could not read the text either.
    """

    _absent = _ABSENT

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        corpus_file: FilePath | None = None,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        sample: float | None = 1e-3,
        seed: int | None = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        sg: int = 0,
        hs: int = 0,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Callable[[Any], int] = hash,
        epochs: int = 5,
        null_word: int = 0,
        trim_rule: TrimRule | None = None,
        sorted_vocab: int = 1,
        batch_words: int = 10_000,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
        comment: str | None = None,
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        *,
        size: int | None = None,
        iter: int | None = None,
    ) -> None:
        for old, new, value in (("size", "vector_size", size), ("iter", "epochs", iter)):
            if value is not None:
                say_once(f"{old} is called {new} since gensim 4; here, {old} still sets {new}")
        self.vector_size = self.layer1_size = int(vector_size if size is None else size)
        self.epochs = epochs if iter is None else iter
        self.window, self.shrink_windows = int(window), bool(shrink_windows)
        self.sg, self.hs, self.negative, self.cbow_mean = int(sg), int(hs), int(negative), int(cbow_mean)
        self.alpha, self.min_alpha, self.min_alpha_yet_reached = float(alpha), float(min_alpha), float(alpha)
        self.ns_exponent, self.sample, self.workers = float(ns_exponent), sample or 0, int(workers)
        self.seed = None if seed is None else int(seed)
        self.min_count, self.max_vocab_size, self.max_final_vocab = min_count, max_vocab_size, max_final_vocab
        self.sorted_vocab, self.null_word, self.hashfxn, self.comment = sorted_vocab, null_word, hashfxn, comment
        self.batch_words, self.compute_loss = batch_words, bool(compute_loss)
        self.train_count = 0
        self.total_train_time = self.running_training_loss = 0.0
        self.__dict__["load"] = _on_class_only
        super().__init__()
        settings.check(self)
        if self.hs and self.negative:
            logger.warning(
                "Both hierarchical softmax and negative sampling are activated. Here, both give one loss, which is "
                "exact over the whole vocabulary."
            )
        if sentences is None and corpus_file is None:
            if trim_rule is not None or callbacks:
                logger.warning(
                    "trim_rule and callbacks have no effect without a text: give them to build_vocab and train"
                )
            return
        with texts.opened(sentences, corpus_file, passes=self.epochs + 1) as text:
            self._build(text, update=False, trim_rule=trim_rule)
            self._train(text, self.epochs, callbacks)

    def train(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: FilePath | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Sequence[Any] = (),
    ) -> tuple[int, int]:
        """Train on a text, which is read once, starting from the result of previous training.

        ``epochs``, and ``total_examples`` or ``total_words``, are required, as in gensim, but training uses the actual
        size of the text. ``start_alpha``, ``end_alpha``, ``word_count``, ``queue_factor``, ``report_delay`` and
        ``compute_loss`` have no effect. Return two numbers, summed over all epochs: the processed words that are in the
        vocabulary, and all processed words.

        Raises
        ------
        InputError
            If there is no vocabulary yet (also a RuntimeError), if ``epochs`` or the totals are missing, or if the
            vectors were changed by hand, because training would discard the changes.
        TrainingError
            If no window contains a second word, or training diverges.
        """
        self.alpha, self.min_alpha = start_alpha or self.alpha, end_alpha or self.min_alpha
        if total_examples is None and total_words is None:
            raise InputError("train needs total_examples or total_words: usually total_examples=model.corpus_count")
        if epochs is None or epochs < 1:
            raise InputError("train needs the number of epochs: usually epochs=model.epochs")
        self.compute_loss = compute_loss
        with texts.opened(corpus_iterable, corpus_file, passes=epochs) as text:
            return self._train(text, epochs, callbacks)

    def get_latest_training_loss(self) -> float:
        """Return the exact sum of the losses over all pairs of a word and its context since training began."""
        return self.running_training_loss

    def predict_output_word(
        self, context_words_list: Sequence[Any], topn: int | None = 10
    ) -> list[tuple[Any, float]] | None:
        """Return the likeliest words in a context; None if no word of the context is known.

        The probabilities are normalised over all words. Next to a word that occurs n times, the estimate for a word
        that occurs m times is at most m/n, so a few new sentences make no word certain.

        Raise WrongOrderError if the model is not trained or has ``negative=0``, with which gensim cannot predict.
        """
        if not self.negative or self._trained is None:
            raise WrongOrderError("predict_output_word needs a trained model, with negative above 0")
        keys = [self.wv.index_to_key[self.wv.get_index(word)] for word in context_words_list if word in self.wv]
        rows = [self._trained.rows[key] for key in keys if key in self._trained.rows]
        if not rows:
            logger.warning("no word of the context is in the vocabulary")
            return None
        return self._trained.likeliest(rows, len(self.wv) if topn is None else max(1, topn))[:topn]

    @property
    def syn1neg(self) -> Array:
        """The output vectors, (V, vector_size) float32, in the basis of training; ``wv.vectors`` have another basis."""
        if not self.negative or not len(self.wv):
            raise AttributeError("syn1neg exists with negative above 0, once there is a vocabulary")
        return self._outputs()

    @property
    def syn1(self) -> Array:
        """The same output vectors as ``syn1neg``, under the name that gensim uses with ``hs=1``."""
        if not self.hs or not len(self.wv):
            raise AttributeError("syn1 exists with hs=1, once there is a vocabulary")
        return self._outputs()

    def save(self, fname: FilePath, *args: Any, **options: Any) -> None:
        """Write the model as a directory, which replaces a model or a file at ``fname``. See ``saving.save``."""
        _ = self.wv  # during callbacks, reading wv updates self._trained
        if self._trained is None:
            raise WrongOrderError("nothing has been trained yet, so there is nothing to save")
        saving.save(self, self._trained, Path(fname))

    @classmethod
    def load(cls, fname: FilePath, *args: Any, **options: Any) -> Self:
        """Read a directory written by :meth:`save`.

        Raise InputError if the directory is missing (MissingFileError, also a FileNotFoundError) or not a saved model.
        gensim's files are pickles, which wordsparse never reads.
        """
        model = cls()
        vectors, model._trained = saving.load(model, Path(fname))
        model._use(vectors)
        return model

    def _train(self, text: texts.Text, epochs: int, callbacks: Sequence[Any]) -> tuple[int, int]:
        settings.check(self)
        if self.alpha > self.min_alpha_yet_reached:
            logger.warning("Effective 'alpha' higher than previous training cycles; alpha has no effect here")
        if not len(self._wv):
            raise WrongOrderError("there is no vocabulary to train: it was not built, or no word of the text is kept")
        self._refuse_changes()
        self.epochs = epochs
        started = time.perf_counter()
        keys = list(self._wv.index_to_key)
        # Users may give frequencies of 0, but every word of a model must have a positive count.
        vocabulary = Vocabulary(texts.engine_words(keys), np.maximum(self._wv.expandos["count"], 1))
        corpus = text.corpus(self._wv.key_to_index, vocabulary)
        options = settings.options(self, epochs, corpus)
        watch = engine.Watch(epochs, lambda run: self._epoch_ended(run, keys, watch, callbacks))
        _call(callbacks, "on_train_begin", self)
        _call(callbacks, "on_epoch_begin", self)
        self._show(engine.train(keys, corpus, options, self._trained, watch))
        self.running_training_loss = watch.loss
        self.min_alpha_yet_reached = self.min_alpha
        self.train_count += 1
        self.total_train_time += time.perf_counter() - started
        _call(callbacks, "on_train_end", self)
        return epochs * texts.known_tokens(corpus), epochs * corpus.tokens

    def _epoch_ended(self, run: Run, keys: Sequence[Any], watch: engine.Watch, callbacks: Sequence[Any]) -> None:
        """Call the callbacks between two steps. During the calls, ``wv`` has the current vectors."""
        self.running_training_loss = watch.loss
        logger.info("epoch %d of %d: the losses of all pairs so far sum to %.6g", watch.ended, self.epochs, watch.loss)
        if not callbacks:
            return
        self._refresh = lambda: self._show(engine.so_far(run, keys))
        try:
            _call(callbacks, "on_epoch_end", self)
            if watch.ended < self.epochs:
                _call(callbacks, "on_epoch_begin", self)
        except BaseException:
            assert self.wv is not None  # reading wv keeps the vectors trained so far
            raise
        finally:
            self._refresh = None

    def _show(self, trained: engine.Trained) -> None:
        self._trained, table = trained, self._wv
        table.vectors = trained.vectors(table.index_to_key, table.vectors)
        self._use(table)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self._wv)}, vector_size={self.vector_size}, alpha={self.alpha}>"


def _call(callbacks: Sequence[Any], event: str, model: Word2Vec) -> None:
    for callback in callbacks:
        getattr(callback, event)(model)


def _on_class_only(*_: Any, **__: Any) -> NoReturn:
    raise WrongPlaceError("call load on the class: Word2Vec.load(path)")


__getattr__ = gensims(__name__)

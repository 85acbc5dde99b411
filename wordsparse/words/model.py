"""A trained model: its vectors, its vocabulary, and what users do with them.

A model never changes: what makes another one of it returns a new model, which shares the arrays. A method that hands
over to a room above this one (``infer``, ``encode``, ``train``) imports it when it is called.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files.escaping import html_table, number_of
from wordsparse.machine.threads import available_cpus
from wordsparse.options import refuse_unknown
from wordsparse.tokens.tokenizers import Splitter
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import ELSEWHERE, WordVectors
from wordsparse.words import coordinates
from wordsparse.words import form as words_form
from wordsparse.words.form import NgramFit
from wordsparse.words.kinds import TEXT, kind_of

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


# In a notebook: how many words, from which rank on, of at least how many letters.
SHOWN, SHOWN_FROM, SHOWN_LENGTH = 5, 300, 5
# Options of Sentence-Transformers that encode takes.
HABITS = ("batch_size", "show_progress_bar", "normalize_embeddings", "normalize")
# What users of other libraries ask a model for, besides what they ask vectors for.
_ELSEWHERE = {
    "word_vectors": "model.wv",
    "get_word_vector": "model[word]",
    "get_sentence_vector": "model.encode(text)",
    **dict.fromkeys(("words", "index_to_key", "get_words"), "model.vocabulary.words"),
    "save_model": "model.save(path)",
    "predict_output_word": "model.predict(words, n)",
    "plot": "wordsparse.explore(model)",
}


@dataclass(frozen=True)
class Training:
    """The data, besides the vectors, that are needed to continue training.

    ``text`` identifies its text, ``run_state`` is the state of the run at its end, and ``state`` holds the other arrays
    of the steps (names as in ``WordEmbedding.state``).
    """

    text: dict[str, Any]
    run_state: dict[str, Any]
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """Word vectors as trained.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words, most frequent first; a model that continues another one keeps that one's rows, and new words follow.
    input_rows : (V, dim) float32
        E, in the arbitrary basis of training.
    output_rows : (V, dim + 1) float32
        diag(√π) W.
    options, report : dict
        The options of the run, and the report of ``train --json``.
    training : Training, optional
        The data needed to continue training; None if training cannot continue.
    ngrams : NgramFit, optional
        N-grams fitted to the vectors and blended into them; see :meth:`fit_ngrams`.
    call : dict
        The options of :func:`wordsparse.train` that are not in ``options``: the text's files, how they were read, and
        the like.
    axes : (dim, dim) float32, optional
        The rotation of the vectors into the axes of the model that this one continues:
        :func:`wordsparse.words.coordinates.axes`.
    """

    vocabulary: Vocabulary
    input_rows: Array
    output_rows: Array
    options: dict[str, Any]
    report: dict[str, Any]
    training: Training | None = None
    ngrams: NgramFit | None = None
    call: dict[str, Any] = field(default_factory=dict)
    axes: Array | None = None

    def __repr__(self) -> str:
        model, epochs = self.options.get("model"), number_of(self.options.get("epochs", 0), "epoch")
        return f"Model({model}, {len(self.vocabulary):,} words × {self.dim}, {epochs})"

    def _repr_html_(self) -> str:
        """In a notebook: the losses, and the nearest words of some that are frequent, yet say something."""
        losses = self.report.get("loss") or []
        rows = [("loss per epoch", *(f"{loss:.4g}" for loss in losses))] if losses else []
        words = [self.vocabulary.words[row] for row in self.wv.most_frequent(len(self)).tolist()]
        telling = [word for word in words[SHOWN_FROM:] if len(word) >= SHOWN_LENGTH][:SHOWN]
        chosen = telling or words[:SHOWN] if len(self) > 1 else []
        near = [(word, ", ".join(other for other, _ in self.wv.similar(word, SHOWN))) for word in chosen]
        said = html.escape(repr(self).removeprefix("Model(").removesuffix(")"))
        return f"<p>{said}</p>{html_table(rows)}{html_table([('word', 'nearest'), *near], {'word'}) if near else ''}"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.input_rows.shape[1])

    @property
    def threads(self) -> int | None:
        """The number of threads of training, at most the CPUs of this machine; None for all."""
        asked = self.options.get("threads")
        return min(asked, available_cpus()) if isinstance(asked, int) else None

    @property
    def export_constants(self) -> Mapping[str, float]:
        """The arguments of ``coordinates.combined`` in :attr:`vectors`, by the kind of data."""
        return kind_of(self.options.get("preset", TEXT)).export

    @cached_property
    def split(self) -> Splitter:
        """Splits a text into words by the tokeniser of the model's text; at white space where that was given as
        tokens."""
        text: Mapping[str, Any] = self.training.text if self.training is not None else {}
        found = text.get("tokenization") or self.call
        return Splitter(str(found.get("tokens") or "split"), found.get("dictionary"))

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(V, dim) float32, rows in vocabulary order: the recommended combination of input and output vectors.

        With n-grams, all are of length one, and what n-grams tell of each word is blended into it. They are computed on
        no more threads than training used.
        """
        counts = np.asarray(self.vocabulary.counts, np.float64)
        outputs = self.output_rows[:, : self.dim]
        constants = self.export_constants
        vectors, _ = coordinates.combined(self.input_rows, outputs, counts, threads=self.threads, **constants)
        if self.axes is not None:
            coordinates.multiply(vectors, self.axes, self.threads)
        if self.ngrams is not None:
            self.ngrams.blend(self.vocabulary.words, words_form.unit_rows(vectors), counts, self.threads)
        return vectors

    @cached_property
    def wv(self) -> WordVectors:
        """The vectors with their words, made once: neighbours, analogies, files of other programs."""
        made = WordVectors(self.vocabulary.words, self.vectors, self.vocabulary.counts)
        made.split, made.tokens = self.split, self.split.tokens
        if self.ngrams is not None:
            made.ngrams = self.ngrams.vectors
        return made

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """The vector of ``word``, (dim,) float32, read-only.

        A word that is not in the vocabulary is written as the model's tokeniser writes it. If it is not known then, the
        vector is composed from its n-grams; UnknownWordError without any.
        """
        return self.wv[word if len(meant := self.wv.meant(word)) > 1 else meant[0]]

    def __getattr__(self, name: str) -> Any:
        of_vectors = name if hasattr(WordVectors, name) else ELSEWHERE.get(name)
        elsewhere = _ELSEWHERE.get(name) or (of_vectors and f"model.wv.{of_vectors}")
        hint = f": it is {elsewhere}" if elsewhere else ""
        raise AttributeError(f"a Model has no attribute {name!r}{hint}")

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __iter__(self) -> Iterator[str]:
        """The words, in the order of their rows."""
        return iter(self.vocabulary.words)

    def fit_ngrams(self, shortest: int | None = None, longest: int | None = None, form: float = 1.0) -> "Model":
        """The same model with n-grams fitted to its vectors, in place of n-grams that it has.

        The lengths are in characters, of which the brackets of ``<word>`` count as one each; None: by the words
        (:func:`wordsparse.words.form.lengths`). ``form`` is how strongly they are blended into the vectors, 0 not at
        all.

        Raises
        ------
        InputError
            If the lengths or ``form`` are out of range, too few words share an n-gram, or a word is no text.
        """
        words, counts = self.vocabulary.words, np.asarray(self.vocabulary.counts, np.float64)
        unit = words_form.unit_rows(self.without_ngrams().vectors)
        lengths = {"shortest": shortest, "longest": longest}
        fitted = words_form.fit(words, unit, counts, **lengths, form=form, threads=self.threads)
        fitted.blend(words, unit, counts, self.threads)
        model = replace(self, ngrams=fitted)
        vars(model)["vectors"] = unit  # which it would compute from the parts again
        return model

    def without_ngrams(self) -> "Model":
        """The same model without n-grams; it shares the arrays."""
        return replace(self, ngrams=None)

    def in_axes_of(self, before: "Model") -> "Model":
        """Return the same model, without n-grams, in the axes of the model ``before`` that it continues; it shares the
        arrays."""
        counts = np.asarray(self.vocabulary.counts)[: len(before)]
        now, then = (model.without_ngrams().vectors for model in (self, before))
        axes = coordinates.axes(now[: len(before)], then, counts, self.threads)
        return replace(self, ngrams=None, axes=axes)

    def keyed_vectors(self) -> "KeyedVectors":
        """The vectors as gensim's KeyedVectors.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        return self.wv.keyed_vectors()

    def trained(self) -> Training:
        """The data needed to continue training; InputError if the model has none."""
        if self.training is None:
            raise InputError("this model holds its vectors only: train a new one, with init= for these vectors")
        return self.training

    def state(self) -> dict[str, Any]:
        """The embedding's whole state where the run ended, to train on: a run takes it over, so it is a copy, but for
        the rows."""
        return {**deepcopy(self.trained().state), "E": self.input_rows, "output.V": self.output_rows}

    def infer(self, word: str, sentences: Iterable[str | Sequence[str]]) -> NDArray[np.float32]:
        """The vector of a new word, (dim,) float32 of length one; see :func:`wordsparse.unseen.infer.infer`.

        A sentence is a text, which the model's tokeniser splits, or a sequence of words.

        Raises
        ------
        InputError
            If the word is empty or holds white space, no sentence holds it beside a known word, or the model cannot
            infer.
        """
        from wordsparse.unseen.infer import infer

        texts = [sentences] if isinstance(sentences, str) else sentences
        vector: NDArray[np.float32] = infer(self, texts, [word]).vectors[0]
        return vector

    def encode(self, texts: str | Iterable[str | Sequence[str]], **habits: Any) -> NDArray[np.float32]:
        """The vectors of texts, (n, dim) float32 of length one; zeros for a text without a word that has a vector.

        The weighted mean of the unit vectors of all words: see :mod:`wordsparse.vectors.encoder`.

        Parameters
        ----------
        texts : str, or iterable of str or of sequences of words
            Or a table with one column of them. The model's tokeniser splits a str. A single str has a vector (dim,).
        **habits
            ``batch_size``, ``show_progress_bar`` and ``normalize_embeddings`` of Sentence-Transformers, which change
            nothing: vectors have length one.

        Raises
        ------
        InputError
            If a text is neither a str nor a sequence of words.
        """
        refuse_unknown(habits, HABITS)
        if not all(habits.get(name, True) for name in HABITS[2:]):
            raise InputError("vectors of texts have length one: leave normalize_embeddings out")
        return self.wv.encode([texts])[0] if isinstance(texts, str) else self.wv.encode(texts)

    def predict(self, items: Sequence[str], n: int = 10) -> list[tuple[str, float]]:
        """The ``n`` words that are likeliest beside others, with their probabilities: the next item of a basket.

        Given items are not among them, and those that are not in the vocabulary count for nothing. Probabilities are
        exact over the whole vocabulary: see :mod:`wordsparse.words.prediction`.

        Raises
        ------
        InputError
            If no item is in the vocabulary, or the loss of the model is not bounded-ns.
        """
        from wordsparse.words.prediction import predict

        return predict(self, items, n)

    def train(self, corpus: Any, **options: Any) -> "Model":
        """Train on with a new text, in memory, as ``resume`` does on disk.

        Unknown words are added, and no word is removed. On the model's own text, ``epochs`` is the new number of all
        epochs. This model stays as it is.

        Parameters
        ----------
        corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists
            The new text.
        **options
            Options of :func:`wordsparse.train`, in memory: those not given are the model's, but for ``epochs``,
            which suit the new text. The model, the loss and dim cannot change.

        Returns
        -------
        Model
            The new model.

        Raises
        ------
        InputError, TrainingError, ReadError, Interrupted
            As :func:`wordsparse.train`; InputError too if the model holds its vectors only.
        """
        from wordsparse.training.runs import train_on

        return train_on(self, corpus, **options)

    def export(self, path: str | PathLike[str], format: str | None = None) -> list[Path]:
        """Write the vectors in a format of other programs; see :func:`wordsparse.vectors.formats.save_vectors`."""
        return self.wv.export(path, format)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model directory, whole or not at all.

        Raises
        ------
        InputError
            If ``path`` exists and is not an empty directory, or cannot be made.
        WordsparseError
            If writing fails; nothing is left at ``path`` then.
        """
        from wordsparse.words import model_directory

        model_directory.write(self, path)

"""A trained model: its vectors, its vocabulary, and its methods for users.

A model never changes. Methods such as ``fit_ngrams`` return a new model that shares the arrays of the old model.
``infer``, ``encode`` and ``train`` need packages of a higher layer, and import these packages when called.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from wordsparse.corpus import Vocabulary
from wordsparse.corpus.sources import is_frame
from wordsparse.errors import InputError
from wordsparse.files.escaping import html_table, number_of
from wordsparse.machine.threads import available_cpus
from wordsparse.options import refuse_unknown
from wordsparse.tokens.tokenizers import Splitter
from wordsparse.types import Array
from wordsparse.vectors import weights
from wordsparse.vectors.word_vectors import ELSEWHERE, WordVectors
from wordsparse.words import coordinates
from wordsparse.words import form as words_form
from wordsparse.words.form import NgramFit
from wordsparse.words.item_memory import ItemMemory
from wordsparse.words.kinds import ITEMS, TEXT, kind_of
from wordsparse.words.options import Options
from wordsparse.words.recipe import Recipe

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


# A notebook shows SHOWN words, each with SHOWN neighbours.
SHOWN = 5
# Options of Sentence-Transformers that encode accepts.
HABITS = ("batch_size", "show_progress_bar", "normalize_embeddings", "normalize")
# A map from names of methods and attributes of models in other libraries to the names in wordsparse, for error
# messages. ELSEWHERE is the map for word vectors.
_ELSEWHERE = {
    "word_vectors": "model.wv",
    "get_word_vector": "model[word]",
    "get_sentence_vector": "model.encode(text)",
    **dict.fromkeys(("words", "index_to_key", "get_words"), "model.vocabulary.words"),
    "save_model": "model.save(path)",
    **dict.fromkeys(("transform", "fit_transform"), "model.encode(texts), or wordsparse.DocumentVectorizer(model)"),
    **dict.fromkeys(("recommend", "next"), "model.predict(baskets, n)"),
    "predict_output_word": "model.predict(words, n)",
    "plot": "model.wv.plot(words), or wordsparse.explore(model)",
}


@dataclass(frozen=True)
class Training:
    """The data, besides the vectors, that are needed to continue training.

    ``text`` identifies the text of the run. ``run_state`` is the state of the training loop at the end of the run.
    ``state`` holds the other arrays that training steps change, under the names used by ``WordEmbedding.state``.
    """

    text: dict[str, Any]
    run_state: dict[str, Any]
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A model of word vectors from training.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words, most frequent first. If this model continues another model, the words of the other model come first.
    input_rows : (V, dim) float32
        E, in the arbitrary basis of training.
    output_rows : (V, dim + 1) float32
        diag(√π) W.
    options, report : dict
        The options of the run, and its report, as ``train --json`` prints it.
    training : Training, optional
        The data needed to continue training; None if training cannot continue.
    ngrams : NgramFit, optional
        N-grams fitted to the vectors and blended into them; see :meth:`fit_ngrams`.
    call : dict
        The options of :func:`wordsparse.train` that are not in ``options``, such as the files of the text and how to
        read them.
    axes : (dim, dim) float32, optional
        The rotation of the vectors out of canonical coordinates: see :meth:`in_axes_of`.
    is_principal : bool
        Whether the vectors are rotated onto their principal axes if there are no ``axes``. The principal axes depend on
        the vectors alone, so a saved model need not hold them.
    weights : (V,) float32, optional
        The weight of each word in the vectors of texts, from :meth:`fit_weights`. By default, weights are computed from
        the counts.
    memory : ItemMemory, optional
        The pairs, constants and features by which next items are predicted.
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
    weights: Array | None = None
    memory: ItemMemory | None = None
    is_principal: bool = False

    def __repr__(self) -> str:
        model, epochs = self.options.get("model"), number_of(self.options.get("epochs", 0), "epoch")
        return f"Model({model}, {len(self.vocabulary):,} words × {self.dim}, {epochs})"

    def _repr_html_(self) -> str:
        """Return HTML for notebooks: the losses, and the nearest neighbours of some frequent content words."""
        rows = [("loss per epoch", *(f"{loss:.4g}" for loss in self.losses))] if self.losses else []
        chosen = self.wv.telling_words(SHOWN) if len(self) > 1 else []
        near = [(word, ", ".join(other for other, _ in self.wv.similar(word, SHOWN))) for word in chosen]
        head = html.escape(repr(self).removeprefix("Model(").removesuffix(")"))
        return f"<p>{head}</p>{html_table(rows)}{html_table([('word', 'nearest'), *near], {'word'}) if near else ''}"

    @property
    def dim(self) -> int:
        """The number of dimensions of the vectors."""
        return int(self.input_rows.shape[1])

    @property
    def threads(self) -> int | None:
        """The number of threads used in training, but at most the number of CPUs of this machine; None for all CPUs."""
        threads = self.options.get("threads")
        return min(threads, available_cpus()) if isinstance(threads, int) else None

    @property
    def losses(self) -> list[float]:
        """The mean loss per pair in each epoch."""
        return list(self.report.get("loss") or [])

    @property
    def export_constants(self) -> Mapping[str, float]:
        """The arguments that :attr:`vectors` passes to ``coordinates.combined``, which depend on the kind of data."""
        return kind_of(self.options.get("kind", TEXT)).export

    @property
    def recipe(self) -> Recipe:
        """The recipe with which the model was trained."""
        return Options.from_dict(self.options).used_recipe()

    @property
    def is_calibrated(self) -> bool:
        """Whether the numbers of :meth:`predict` were calibrated by held-out items, so that they are probabilities."""
        return self.memory is not None and self.memory.constants.users > 0

    @property
    def trained_words(self) -> int:
        """The number of words that occur in the training text: all words but new items, which come last."""
        return len(self) - (0 if self.memory is None else self.memory.new)

    @property
    def are_items(self) -> bool:
        """Whether the words are items of baskets or sessions."""
        return kind_of(self.options.get("kind", TEXT)).name in ITEMS

    @cached_property
    def split(self) -> Splitter:
        """The tokeniser that splits a text into words in the same way as the training text. If the model was trained on
        lists of tokens, this tokeniser splits at white space."""
        text: Mapping[str, Any] = self.training.text if self.training is not None else {}
        return Splitter(**(text.get("tokenization") or {"tokens": str(self.call.get("tokens") or "split")}))

    @property
    def cell_split(self) -> Splitter | None:
        """The tokeniser of the cells of a table. The tokeniser is None if a cell is one word, as in a model of baskets
        whose items were cells or elements of lists."""
        text: Mapping[str, Any] = self.training.text if self.training is not None else {}
        are_items = self.are_items and not text.get("tokenization")
        return None if "tokens" not in self.call and (are_items or "group_by" in self.call) else self.split

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors (V, dim) float32 in vocabulary order: the recommended combination of input and output vectors.

        If the model has n-grams, the n-grams of each word are blended into its vector, and all vectors are normalised.
        The computation uses at most as many threads as training used.
        """
        vectors, _ = self.combined()
        if self.ngrams is not None:
            counts = np.asarray(self.vocabulary.counts, np.float64)
            self.ngrams.blend(self.vocabulary.words, words_form.unit_rows(vectors), counts, self.threads)
        return vectors

    def combined(self) -> tuple[NDArray[np.float32], coordinates.Maps]:
        """Return the vectors without n-grams, and the maps of ``coordinates.combined``."""
        counts, W = np.asarray(self.vocabulary.counts, np.float64), self.output_rows[:, : self.dim]
        how: dict[str, Any] = {"threads": self.threads, "known": self.trained_words, **self.export_constants}
        return coordinates.combined(self.input_rows, W, counts, axes=self.axes, is_principal=self.is_principal, **how)

    @cached_property
    def wv(self) -> WordVectors:
        """The words and their vectors, for finding neighbours, solving analogies and writing files for other programs.
        The WordVectors object is made only once."""
        vectors = WordVectors(self.vocabulary.words, self.vectors, self.vocabulary.counts)
        vectors.split, vectors.tokens = self.split, self.split.tokens
        if self.ngrams is not None:
            vectors.ngrams = self.ngrams.vectors
        vectors.weights = self.weights
        if not kind_of(self.options.get("kind", TEXT)).by_evidence:
            vectors.doubt = 0
        return vectors

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """Return the vector of ``word``, (dim,) float32, read-only.

        If the word is not in the vocabulary, the model's tokeniser normalises it. If the normalised word is unknown,
        too, the vector is composed from the word's n-grams. Raise UnknownWordError if no n-gram of the word is known.
        """
        return self.wv[word]

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
        """Iterate over the words, in the order of their rows."""
        return iter(self.vocabulary.words)

    def fit_ngrams(self, shortest: int | None = None, longest: int | None = None, form: float = 1.0) -> "Model":
        """Return the same model with new n-grams fitted to its vectors. The new n-grams replace any n-grams that the
        model has.

        The lengths are in characters, and each bracket of ``<word>`` counts as one character. By default, the lengths
        depend on the words (:func:`wordsparse.words.form.habit_of`). ``form`` is the strength of the n-grams in the
        vectors. With ``form`` 0, the n-grams are not blended in.

        Raises
        ------
        InputError
            If the lengths or ``form`` are out of range, too few words share an n-gram, or a word is not text.
        """
        words, counts = self.vocabulary.words, np.asarray(self.vocabulary.counts, np.float64)
        bare, axes = vars(self).get("vectors"), self.axes
        if bare is None or self.ngrams is not None:
            bare, (*_, axes) = self.combined()
        else:
            bare = bare.copy()
        unit = words_form.unit_rows(bare)
        lengths = {"shortest": shortest, "longest": longest}
        fitted = words_form.fit(words, unit, counts, **lengths, form=form, threads=self.threads)
        fitted.blend(words, unit, counts, self.threads)
        model = replace(self, ngrams=fitted, axes=axes)
        vars(model)["vectors"] = unit  # otherwise, the model would compute its vectors again
        return model

    def with_form(self, form: float) -> "Model":
        """Return the same model with n-grams of another strength in the vectors of known words; see ``--form`` of
        ``wordsparse train``. The n-grams are not fitted again, so this takes no longer than loading a model.

        Raises
        ------
        InputError
            If ``form`` is out of range, or the model has no n-grams.
        """
        if self.ngrams is None:
            raise InputError("the model has no n-grams: fit them (wordsparse subwords MODEL -o NEW, model.fit_ngrams)")
        return replace(self, ngrams=self.ngrams.with_form(form))

    def without_ngrams(self) -> "Model":
        """Return the same model without n-grams. Both models share the arrays."""
        return replace(self, ngrams=None)

    def fit_weights(self, documents: Iterable[str | Sequence[str]]) -> "Model":
        """Return the same model with word weights for search in a collection of documents.

        :meth:`encode`, ``wordsparse documents`` and exported encoders use these weights: see
        :mod:`wordsparse.vectors.weights`. Raise InputError if a document is neither a str nor a sequence of words.
        """
        from wordsparse.vectors.encoder import Encoder

        return self.weighed(Encoder(self.wv).counted(documents))

    def weighed(self, batches: Iterable[sp.csr_array]) -> "Model":
        """Return the same model with word weights computed from batches of word counts, (documents, V)."""
        vectors = copy(self.wv)
        vectors.weights = weights.of_collection(vectors.unit, weights.weights(vectors.counts, len(self)), batches)
        model = replace(self, weights=vectors.weights)
        vars(model).update(vectors=self.vectors, wv=vectors)  # otherwise, the model would compute vectors and wv again
        return model

    def in_axes_of(self, before: "Model | None") -> "Model":
        """Return the same model without n-grams, rotated into the axes of ``before``, the earlier model that this model
        continues. If ``before`` is None, the vectors are in their principal axes, so that their first numbers tell
        most; the vectors and these axes are computed when they are first used. The result shares the arrays of this
        model."""
        model = replace(self, ngrams=None, axes=None, is_principal=before is None)
        if before is None:
            return model
        then, counts = before.without_ngrams().vectors, np.asarray(self.vocabulary.counts)[: len(before)]
        axes = coordinates.axes(model.vectors[: len(then)], then, counts, self.threads)
        coordinates.multiply(model.vectors, axes, self.threads)
        rotated = replace(model, axes=axes)
        vars(rotated)["vectors"] = model.vectors  # otherwise, the model would compute its vectors again
        return rotated

    def truncated(self, dim: int) -> WordVectors:
        """Return the words with the first ``dim`` numbers of their vectors; see
        :meth:`wordsparse.WordVectors.truncated`."""
        return self.wv.truncated(dim)

    def keyed_vectors(self) -> "KeyedVectors":
        """Return the vectors as gensim's KeyedVectors.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        return self.wv.keyed_vectors()

    def trained(self) -> Training:
        """Return the data needed to continue training. Raise InputError if the model does not hold the data."""
        if self.training is None:
            raise InputError("this model has only its vectors: train a new model that starts from them, with init=")
        return self.training

    def state(self) -> dict[str, Any]:
        """Return the embedding's whole state at the end of the run, for further training. Arrays that training changes
        are copied, except E and output.V, which are copied when the embedding is restored."""
        return {**deepcopy(self.trained().state), "E": self.input_rows, "output.V": self.output_rows}

    def infer(self, word: str, sentences: Iterable[str | Sequence[str]]) -> NDArray[np.float32]:
        """Return the vector of a new word, (dim,) float32 of unit length; see :func:`wordsparse.unseen.infer.infer`.

        Each sentence is a str, which the model's tokeniser splits, or a sequence of words.

        Raises
        ------
        InputError
            If the word is empty or contains white space, if no sentence has a known word near it, or if the model
            cannot infer vectors.
        """
        from wordsparse.unseen.infer import infer

        texts = [sentences] if isinstance(sentences, str) else sentences
        vector: NDArray[np.float32] = infer(self, texts, [word]).vectors[0]
        return vector

    def encode(self, texts: str | Iterable[str | Sequence[str]], **habits: Any) -> NDArray[np.float32]:
        """Return the vectors of texts, (n, dim) float32, of unit length. The vector of a text in which no word has a
        vector is zero.

        The vector of a text is the weighted mean of its words' unit vectors: see :mod:`wordsparse.vectors.encoder`.

        Parameters
        ----------
        texts : str, or iterable of str or of sequences of str
            The texts, or a table with one column of texts. The model's tokeniser splits a str. For a single str, the
            result is one vector, (dim,). If the model was trained on grouped rows, a data frame with the same columns
            is accepted, too: the result has a vector per group, in the order of the keys that :meth:`predict` returns.
        **habits
            ``batch_size``, ``show_progress_bar`` and ``normalize_embeddings`` of Sentence-Transformers. These options
            have no effect, because the vectors have unit length anyway.

        Raises
        ------
        InputError
            If a text is neither a str nor a sequence of words.
        """
        refuse_unknown(habits, HABITS)
        if not all(habits.get(name, True) for name in HABITS[2:]):
            raise InputError("vectors of texts have length one: leave normalize_embeddings out")
        if is_frame(texts) and self.call.get("group_by") in texts.columns:  # type: ignore[union-attr]
            from wordsparse.words.prediction import grouped

            texts = [words for _, words in grouped(self, texts)]
        return self.wv.encode([texts])[0] if isinstance(texts, str) else self.wv.encode(texts)

    def predict(
        self,
        baskets: Any,
        n: int = 10,
        *,
        exclude: Any = None,
        candidates: Iterable[str] | None = None,
        column: str | None = None,
        group_by: str | None = None,
        order_by: str | None = None,
        weight_column: str | None = None,
        **unknown: NoReturn,
    ) -> Any:
        """Return the ``n`` words that most probably occur next to the words of a basket, such as the next items to buy.

        Each word is returned with its probability over all words that are not excluded: see
        :mod:`wordsparse.words.prediction`. Unless the model :attr:`is_calibrated`, take the numbers as scores.
        Out-of-vocabulary words are ignored. For a basket without a known word, the most frequent words are returned,
        and a warning gives the number of such baskets.

        Parameters
        ----------
        baskets : list of str, iterable of such lists, CSR matrix, or table
            One basket or several baskets. In a model of sessions, later items weigh more. A CSR matrix (m, V) holds the
            count or weight of each word in each basket. A table is a data frame or, if ``group_by`` is given, one or
            more files. Rows with the same value in the column ``group_by`` form a basket.
        n : int
            Number of words for each basket.
        exclude : list of str, iterable of such lists, or CSR matrix, optional
            The words that must not be returned: one list for all baskets, or one list per basket. By default, the words
            of the basket itself.
        candidates : iterable of str, optional
            The only words that may be returned, such as the items in stock.
        column, group_by, order_by, weight_column : str, optional
            The columns of a table that hold the items, the names of the baskets, the dates or numbers that order the
            items of a session, and the number of times that an item counts. By default, the columns used in training.

        Returns
        -------
        list of (str, float), or list of such lists, or dict
            For one basket, a list of words and their numbers, most probable first. For several baskets, a list of such
            lists. For a table, a dict that maps the name of each group to its list. A name that is a whole number is an
            int, and is also found as text.

        Raises
        ------
        InputError
            If an argument is not as described, no candidate is in the vocabulary, or the loss of the model is not
            bounded-ns.
        """
        from wordsparse.words.prediction import predict

        refuse_unknown(unknown, ["n", "exclude", "candidates", "column", "group_by", "order_by", "weight_column"])
        columns = {"column": column, "group_by": group_by, "order_by": order_by, "weight_column": weight_column}
        return predict(self, baskets, n, exclude, candidates, False, **columns)

    def explain(self, baskets: Any, n: int = 10, **options: Any) -> Any:
        """Explain the answers of :meth:`predict` by the words of the basket: "because you bought X".

        The arguments are those of :meth:`predict`. In the result, a
        :class:`~wordsparse.words.prediction.Explanation` takes the place of each pair of a word and its number: it
        also has the shares of the basket's words in the score of the predicted word.
        """
        from wordsparse.words.prediction import predict

        refuse_unknown(options, ["n", "exclude", "candidates", "column", "group_by", "order_by", "weight_column"])
        return predict(self, baskets, n, is_explained=True, **options)

    def train(self, corpus: Any, **options: Any) -> "Model":
        """Continue training with a new text in memory, just as ``resume`` does with files.

        Unknown words are added to the vocabulary, and no word is removed. If the text is the model's own text,
        ``epochs`` is the new total number of epochs. This model does not change.

        Parameters
        ----------
        corpus : path, sequence of paths, EncodedCorpus, or iterable of token lists
            The new text.
        **options
            Options of :func:`wordsparse.train` for training in memory. Options left out are taken from the model; only
            ``epochs`` is chosen to suit the new text. ``model``, ``loss`` and ``dim`` cannot change.

        Returns
        -------
        Model
            The new model.

        Raises
        ------
        InputError, TrainingError, ReadError, Interrupted
            As for :func:`wordsparse.train`. InputError is also raised if the model has no data for further training.
        """
        from wordsparse.training.runs import train_on

        return train_on(self, corpus, **options)

    def export(self, path: str | PathLike[str], format: str | None = None) -> list[Path]:
        """Write the vectors in a format that other programs read; see
        :func:`wordsparse.vectors.formats.save_vectors`."""
        return self.wv.export(path, format)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False, **unknown: NoReturn) -> None:
        """Write the model directory. If writing fails, leave no files.

        With ``overwrite``, a model at ``path`` is replaced when the new one is complete.

        Raises
        ------
        InputError
            If ``path`` cannot be created, or exists and is neither an empty directory nor, with ``overwrite``, a model
            without other files.
        WordsparseError
            If writing fails.
        """
        from wordsparse.words import model_directory

        refuse_unknown(unknown, ["overwrite"])
        model_directory.write(self, path, overwrite=overwrite)

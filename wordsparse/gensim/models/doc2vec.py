"""gensim's Doc2Vec by name, for the vectors that PV-DBOW means: exact document vectors on exactly trained words.

The words are trained first. A document's vector is then the input whose targets are its words, the minimum of a convex
problem over the whole vocabulary (:mod:`wordsparse.unseen.documents`): ``infer_vector`` of a training document gives
its vector of ``dv``, always the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.gensim import saving
from wordsparse.gensim.building import FilePath
from wordsparse.gensim.models.keyedvectors import KeyedVectors
from wordsparse.gensim.models.word2vec import Word2Vec
from wordsparse.gensim.passing import gensims
from wordsparse.gensim.refusals import WrongOrderError, say_once
from wordsparse.gensim.sentences import lines
from wordsparse.types import Array
from wordsparse.unseen import documents as unseen
from wordsparse.words.presets import BASKET_WINDOW


class TaggedDocument(NamedTuple):
    """The words of a document, and its tags; each tag gets a vector."""

    words: Sequence[Any]
    tags: Sequence[Any]


class TaggedLineDocument:
    """The lines of a file, each a document of words separated by white space, whose tag is the line's number from 0.

    Parameters
    ----------
    source : path or binary file
        A file may be compressed (.gz, .bz2, .xz, .zst). An open file is read from its beginning each time.
    """

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> Iterator[TaggedDocument]:
        for number, line in enumerate(lines(self.source)):
            yield TaggedDocument(line.split(), [number])


class Doc2Vec:
    """Document vectors by tag.

    Parameters
    ----------
    documents : iterable of TaggedDocument, optional
        Read once. Without documents, call ``build_vocab`` and ``train`` later.
    vector_size, epochs : int
    dm : {1, 0}
        How words are trained: 1 by CBOW, 0 by skip-gram. The documents' vectors are those of PV-DBOW in both cases.
    dbow_words : {0, 1}
        With ``dm=0``: 1 trains words by the words in their ``window``; 0 by all words of the document, up to a distance
        of 255, whatever the window.
    window : int
    **options
        Those of Word2Vec: min_count, sample, seed, workers, negative, ns_exponent, and so on.

    Attributes
    ----------
    dv : KeyedVectors
        The vectors of the tags; zeros for one whose documents hold no word of the vocabulary.
    wv : KeyedVectors
        The vectors of the words.

    Raises
    ------
    InputError
        As Word2Vec, or if ``dm_concat``, ``corpus_file`` or another argument asks for what is not there.
    """

    def __init__(
        self,
        documents: Iterable[Any] | None = None,
        vector_size: int = 100,
        dm: int = 1,
        dbow_words: int = 0,
        window: int = 5,
        epochs: int = 10,
        **options: Any,
    ) -> None:
        for name in ("dm_concat", "corpus_file", "dv", "dv_mapfile"):
            if options.pop(name, None):
                raise InputError(f"{name}: this Doc2Vec does not have it")
        for name in ("dm_mean", "dm_tag_count"):
            options.pop(name, None)
        if dm:
            say_once("dm=1: words are trained by CBOW; the vectors of documents are those of PV-DBOW")
        as_set = not dm and not dbow_words
        self.vector_size, self.dm, self.dbow_words, self.epochs = int(vector_size), int(dm), int(dbow_words), epochs
        self._words = Word2Vec(
            vector_size=vector_size,
            sg=int(not dm),
            window=BASKET_WINDOW if as_set else window,
            epochs=epochs,
            **{**options, **({"shrink_windows": False} if as_set else {})},
        )
        self.dv = KeyedVectors(self.vector_size)
        if documents is not None:
            given = _checked(documents)
            self.build_vocab(given)
            self.train(given, total_examples=len(given), epochs=epochs)

    @property
    def wv(self) -> KeyedVectors:
        """The vectors of the words."""
        return self._words.wv

    @property
    def docvecs(self) -> KeyedVectors:
        """The name that ``dv`` had before gensim 4."""
        return self.dv

    @property
    def corpus_count(self) -> int:
        """The number of documents that ``build_vocab`` read."""
        return self._words.corpus_count

    def build_vocab(self, documents: Iterable[Any], **options: Any) -> None:
        """Count the words of the documents; options as of Word2Vec."""
        self._words.build_vocab([document.words for document in _checked(documents)], **options)

    def train(
        self,
        documents: Iterable[Any],
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        **options: Any,
    ) -> None:
        """Train the words on the documents, and make the vectors of their tags; arguments as of Word2Vec."""
        given = _checked(documents)
        texts = [document.words for document in given]
        self._words.train(texts, total_examples=total_examples, total_words=total_words, epochs=epochs, **options)
        of_tag: dict[Any, list[str]] = {}
        for document in given:
            for tag in document.tags:
                of_tag.setdefault(tag, []).extend(self._known(document.words))
        self.dv = KeyedVectors(self.vector_size)
        assert self._words._trained is not None
        vectors = np.concatenate(list(unseen.stream(self._words._trained.model, of_tag.values())))
        self.dv.add_vectors(list(of_tag), vectors)

    def infer_vector(
        self,
        doc_words: Sequence[Any],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> Array:
        """The vector of a document, (vector_size,); zeros if it holds no word of the vocabulary. It needs no epochs.

        Raises
        ------
        WrongOrderError
            If nothing is trained yet.
        """
        if (trained := self._words._trained) is None:
            raise WrongOrderError("infer_vector needs a trained model")
        if isinstance(doc_words, str):
            raise InputError(f"a document must be a list of words, not {doc_words!r:.80}: split it")
        return np.asarray(unseen.vectors(trained.model, [self._known(doc_words)])[0])

    def save(self, fname: FilePath, *args: Any, **options: Any) -> None:
        """Write the model as a directory, which replaces a model or a file at ``fname``; see ``saving.save``."""
        if self._words._trained is None:
            raise WrongOrderError("nothing has been trained yet that could be saved")
        own = {"dm": self.dm, "dbow_words": self.dbow_words}
        saving.save(self._words, self._words._trained, Path(fname), self.dv, **own)

    @classmethod
    def load(cls, fname: FilePath, *args: Any, **options: Any) -> Self:
        """Read a directory written by :meth:`save`.

        Raises
        ------
        InputError
            If it is anything else; files of gensim are pickles, which are never read here.
        """
        model = cls()
        model._words = Word2Vec.load(fname)
        own = storage.read_manifest(Path(fname) / saving.MANIFEST, saving.FORMAT, saving.VERSION)
        if not (Path(fname) / saving.DOCUMENTS).is_file() or not {own.get("dm"), own.get("dbow_words")} <= {0, 1}:
            raise InputError(f"{fname}: is no directory that Doc2Vec.save wrote: use Word2Vec.load")
        model.dv = KeyedVectors.load(Path(fname) / saving.DOCUMENTS)
        model.dm, model.dbow_words = own["dm"], own["dbow_words"]
        model.vector_size, model.epochs = model._words.vector_size, model._words.epochs
        return model

    def _known(self, words: Iterable[Any]) -> list[str]:
        """The model's words for the known words of a document."""
        trained = self._words._trained
        assert trained is not None
        rows = (trained.rows.get(word) for word in words)
        return [trained.model.vocabulary.words[row] for row in rows if row is not None]

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, documents={len(self.dv)}, vector_size={self.vector_size}>"


def _checked(documents: Iterable[Any]) -> list[Any]:
    """The documents as a list; InputError for one without words and tags."""
    given = list(documents)
    for number, document in enumerate(given, 1):
        if not (hasattr(document, "words") and hasattr(document, "tags")):
            raise InputError(
                f"document {number} is {document!r:.80}, not a TaggedDocument: give TaggedDocument(words, tags)"
            )
        if isinstance(document.words, str):
            raise InputError(f"document {number}: words must be a list of words, not {document.words!r:.80}: split it")
    if not given:
        raise InputError("there is no document: give at least one TaggedDocument")
    return given


__getattr__ = gensims(__name__)

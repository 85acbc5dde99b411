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


class Doc2Vec(Word2Vec):
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
        self.dm, self.dbow_words, self.dv = int(dm), int(dbow_words), KeyedVectors(int(vector_size))
        super().__init__(
            vector_size=vector_size,
            sg=int(not dm),
            window=BASKET_WINDOW if as_set else window,
            epochs=epochs,
            **{**options, **({"shrink_windows": False} if as_set else {})},
        )
        if documents is not None:
            given = _checked(documents)
            self.build_vocab(given)
            self.train(given, total_examples=len(given), epochs=epochs)

    @property
    def docvecs(self) -> KeyedVectors:
        """The name that ``dv`` had before gensim 4."""
        return self.dv

    def build_vocab(self, corpus_iterable: Iterable[Any] | None = None, *args: Any, **options: Any) -> None:
        """Count the words of the documents; options as of Word2Vec."""
        super().build_vocab([document.words for document in _checked(corpus_iterable)], *args, **options)

    def train(self, corpus_iterable: Iterable[Any] | None = None, *args: Any, **options: Any) -> tuple[int, int]:
        """Train the words on the documents, and make the vectors of their tags; arguments and results of Word2Vec."""
        given = _checked(corpus_iterable)
        numbers = super().train([document.words for document in given], *args, **options)
        of_tag: dict[Any, list[str]] = {}
        for document in given:
            for tag in document.tags:
                of_tag.setdefault(tag, []).extend(self._known(document.words))
        self.dv = KeyedVectors(self.vector_size)
        assert self._trained is not None
        vectors = np.concatenate(list(unseen.stream(self._trained.model, of_tag.values())))
        self.dv.add_vectors(list(of_tag), vectors)
        return numbers

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
        if (trained := self._trained) is None:
            raise WrongOrderError("infer_vector needs a trained model")
        if isinstance(doc_words, str):
            raise InputError(f"a document must be a list of words, not {doc_words!r:.80}: split it")
        return np.asarray(unseen.vectors(trained.model, [self._known(doc_words)])[0])

    def save(self, fname: FilePath, *args: Any, **options: Any) -> None:
        """Write the model as a directory, which replaces a model or a file at ``fname``; see ``saving.save``."""
        if self._trained is None:
            raise WrongOrderError("nothing has been trained yet that could be saved")
        saving.save(self, self._trained, Path(fname), self.dv, dm=self.dm, dbow_words=self.dbow_words)

    @classmethod
    def load(cls, fname: FilePath, *args: Any, **options: Any) -> Self:
        """Read a directory written by :meth:`save`; see :meth:`Word2Vec.load`."""
        model = super().load(fname)
        own = storage.read_manifest(Path(fname) / saving.MANIFEST, saving.FORMAT, saving.VERSION)
        if not (Path(fname) / saving.DOCUMENTS).is_file() or not {own.get("dm"), own.get("dbow_words")} <= {0, 1}:
            raise InputError(f"{fname}: is no directory that Doc2Vec.save wrote: use Word2Vec.load")
        model.dv = KeyedVectors.load(Path(fname) / saving.DOCUMENTS)
        model.dm, model.dbow_words = own["dm"], own["dbow_words"]
        return model

    def _known(self, words: Iterable[Any]) -> list[str]:
        """The model's words for the known words of a document."""
        assert self._trained is not None
        rows = map(self._trained.rows.get, words)
        return [self._trained.model.vocabulary.words[row] for row in rows if row is not None]

    def __str__(self) -> str:
        return f"{type(self).__name__}<vocab={len(self.wv)}, documents={len(self.dv)}, vector_size={self.vector_size}>"


def _checked(documents: Iterable[Any] | None) -> list[Any]:
    """The documents as a list; InputError for one without words and tags."""
    given = [] if documents is None else list(documents)
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

"""Search in documents, by the vectors of a model and by shared words: :class:`Search`.

:mod:`wordsparse.evaluation.ranking` has the score. A saved index is a directory with ``search.json``, the vectors
(``vectors.npy``, which stay on the disk when the index is loaded), the words and the kept columns (``index.bin``), and
the model (``model``), which makes vectors of questions.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.evaluation.ranking import Parts, Ranking, WordIndex, best
from wordsparse.files import arrays, regular, storage
from wordsparse.machine import memory
from wordsparse.search.documents import Document, documents_of
from wordsparse.types import Array
from wordsparse.vectors.encoder import batches, lengths
from wordsparse.words import model_directory
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load

MANIFEST, INDEX, VECTORS, MODEL = "search.json", "index.bin", "vectors.npy", "model"
FORMAT, VERSION = "wordsparse-search", 2
_MODEL_MANIFEST = f"{MODEL}/{model_directory.MANIFEST}"
# The number of scores that are computed at a time (64 MiB of float32).
_BLOCK = 2**24
# The number of documents between checks of the free memory.
_BATCH = 2**16
# The bytes that a document needs for its words and kept cells, besides its vector: some 60 words.
_BYTES_PER_DOCUMENT = 1200
# Vectors that come with documents are compared with vectors of the first _COMPARED texts. The median of these cosines
# is .94 if the model was trained further since, and about 0 if another model made the vectors.
_COMPARED, _ALIKE = 100, 0.5

Hits: TypeAlias = "list[Hit]"


class Hit(NamedTuple):
    """A document that answers a question.

    Attributes
    ----------
    row : int
        The place of the document among all documents, from 0 on.
    score : float
        ``cosine`` + weight · ``words``.
    cosine : float
        The cosine of the vectors of the question and of the document.
    words : float
        The part of shared words; it is 1 if a document of mean length holds each word of the question once.
    matched : list of str
        The words of the question that the document holds; their stems, if the index has stems.
    document : dict
        The kept columns of the document.
    """

    row: int
    score: float
    cosine: float
    words: float
    matched: list[str]
    document: dict[str, Any]


class _Documents(NamedTuple):
    """The documents of an index. An addition makes a new object, so that words, vectors and kept cells always belong to
    the same documents, wherever the addition is interrupted."""

    ranking: Ranking
    kept: list[Sequence[Any]]


class Search:
    """An index of documents, ranked for questions by vectors and by BM25 in one score.

    Parameters
    ----------
    model : Model or path
        The model that makes the vectors, for example trained with ``--for search``.
    documents : iterable of str, or table
        Texts, or a table with the column ``column``: a data frame, mappings, or the path of a file. The vectors in a
        file of ``wordsparse documents`` are used as they are. A str or a path object names a file.
    column : str, optional
        The column of the texts in a table.
    keep : sequence of str
        Columns of a table that are returned with each hit.
    stem : str, optional
        A language such as "english": words are compared by their stems, and stop words are left out. Needs
        ``wordsparse[search]``.
    fit_weights : bool
        Whether the weights of words in vectors are computed from these documents, which must not be an iterator: see
        :meth:`wordsparse.Model.fit_weights`.

    Raises
    ------
    InputError
        If a document is not a text, a column is missing, vectors in a file are not those of the model, or there is too
        little memory.

    Examples
    --------
    >>> import wordsparse as ws
    >>> texts = ["a cat sat on a mat", "dogs bark at cats", "stocks fell on Monday"]
    >>> model = ws.train([text.split() for text in texts * 20], dim=2, epochs=1, progress=False)
    >>> ws.Search(model, texts).search("stocks", n=1)[0].row
    2
    """

    def __init__(
        self,
        model: Model | str | PathLike[str],
        documents: Any = (),
        *,
        column: str | None = None,
        keep: Sequence[str] = (),
        stem: str | None = None,
        fit_weights: bool = False,
    ) -> None:
        self.model = model if isinstance(model, Model) else load(model)
        if fit_weights:
            if isinstance(documents, Iterator):
                raise InputError("fit_weights=True reads the documents twice, and an iterator only once: give a list")
            self.model = self.model.fit_weights(each.text for each in documents_of(documents, column))
        self._stem, self._keep = stem, list(keep)
        self._documents = _Documents(Ranking(self.model.wv, stem), [])
        self.add(documents, column=column)

    def __len__(self) -> int:
        return len(self._documents.ranking)

    def __repr__(self) -> str:
        return f"Search({len(self):,} documents, {self.model.dim} dimensions)"

    def add(self, documents: Any, *, column: str | None = None) -> None:
        """Add documents after the documents of the index. Scores do not depend on when a document was added. If the
        addition fails or is interrupted, the index does not change."""
        ranking, kept = self._documents.ranking, list[Sequence[Any]]()
        for some in batches(documents_of(documents, column, self._keep), _BATCH):
            _check_memory(len(ranking) + len(some), self.model.dim)
            ranking = ranking.added([each.text for each in some], _vectors(some, self.model))
            kept += [each.cells for each in some]
        self._documents = _Documents(ranking, self._documents.kept + kept)

    def search(self, queries: str | Iterable[str], n: int = 10, weight: float = 1.0) -> Any:
        """Return the n best documents of a question, or of each of several questions.

        Documents of equal score are ordered by row. A document with neither a vector nor a word of the question is
        never returned, so there may be fewer than n hits, or none.

        Parameters
        ----------
        queries : str, or iterable of str
        n : int
        weight : float
            The weight of shared words, not negative. 1 suits questions, 2 suits names and quotations, and 0 ranks by
            cosines alone.

        Returns
        -------
        list of Hit
            For several questions, a list of such lists.

        Raises
        ------
        InputError
            If a question is not a str, ``n`` is below 1, or ``weight`` is negative or above 1,000,000.
        """
        n, weight = validation.positive_int("n", n), validation.finite("weight", weight, 0, 10**6)
        questions = [queries] if isinstance(queries, str) else list(validation.texts_of(queries))
        if wrong := [each for each in questions if not isinstance(each, str)]:
            raise InputError(f"a question must be a str, not {wrong[0]!r:.80}")
        documents = self._documents
        hits = [
            self._hits(documents, question, parts, n, weight)
            for some in batches(questions, max(1, _BLOCK // max(1, len(documents.ranking))))
            for question, parts in zip(some, documents.ranking.parts(some), strict=True)
        ]
        return hits[0] if isinstance(queries, str) else hits

    def _hits(self, documents: _Documents, question: str, parts: Parts, n: int, weight: float) -> Hits:
        rows, scores = best(parts.score(weight), n)
        words = list(dict.fromkeys(documents.ranking.words(question)))
        holding = np.array([documents.ranking.index.holds(word, rows) for word in words])
        holding = holding.reshape(len(words), len(rows))
        cells = (dict(zip(self._keep, documents.kept[row], strict=True)) for row in rows.tolist())
        matched = ([word for word, holds in zip(words, column, strict=True) if holds] for column in holding.T)
        shares = (each[rows].tolist() for each in (parts.cosine, parts.overlap))
        return list(map(Hit, rows.tolist(), scores.tolist(), *shares, matched, cells))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the index and its model into a new directory, atomically. :func:`wordsparse.load` reads it.

        Raises
        ------
        InputError
            If ``path`` exists and is not an empty directory, or if a kept cell cannot be stored as JSON.
        """
        target = validation.path(path)
        ranking, kept = self._documents
        words, state = ranking.index.state()
        state |= {"words": _as_bytes(words), "kept": _as_bytes(kept)}
        with storage.new_directory(target) as directory, storage.writing(target):
            self.model.save(directory / MODEL)
            with storage.synced(directory / VECTORS) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(ranking.rows, "<f4"), (1, 0))
            about = {"stem": self._stem, "keep": self._keep, "vectors": file.record()}
            about["model"] = regular.sha256_of(directory / _MODEL_MANIFEST)
            table = arrays.write(directory / INDEX, state)
            storage.write_manifest(
                directory / MANIFEST, {"format": FORMAT, "version": VERSION, **about, "state": table}
            )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Search":
        """Read an index that :meth:`save` wrote. The vectors stay on the disk until they are used.

        Raises
        ------
        InputError
            If a file is missing, damaged or altered. The message names the file.
        """
        directory = validation.path(path)
        return storage.read_unreplaced(directory, lambda: cls._load(directory))

    @classmethod
    def _load(cls, directory: Path) -> "Search":
        manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
        with storage.trusting(directory / MANIFEST):
            stem, keep, table = manifest["stem"], manifest["keep"], manifest["state"]
            recorded = {VECTORS: manifest["vectors"]["sha256"], _MODEL_MANIFEST: manifest["model"]}
        for name, digest in recorded.items():
            if regular.sha256_of(directory / name) != digest:
                raise InputError(f"{directory / name}: does not match its checksum: it was altered; {storage.AGAIN}")
        state = arrays.read(directory / INDEX, table)
        search = cls(load(directory / MODEL, mapped=True), stem=stem)
        kept = json.loads(state.pop("kept").tobytes())
        rows = np.load(directory / VECTORS, mmap_mode="r", allow_pickle=False)
        index = WordIndex.of_state(json.loads(state.pop("words").tobytes()), state)
        search._keep, search._documents = keep, _Documents(search._documents.ranking.restored([rows], index), kept)
        return search


def _vectors(documents: Sequence[Document], model: Model) -> Array | None:
    """Return the vectors that come with documents, scaled to length 1, (n, dim) float32, or None. Raise InputError if
    another model made the vectors."""
    if any(each.vector is None for each in documents):
        return None
    given = [validation.matrix(each.name, [each.vector], model.dim, np.dtype(np.float64)) for each in documents]
    rows = np.concatenate(given)
    rows = np.asarray(rows / lengths(rows), np.float32)
    cosines = np.einsum("ij,ij->i", rows[:_COMPARED], model.encode([each.text for each in documents[:_COMPARED]]))
    cosines = cosines[cosines != 0]
    if len(cosines) and np.median(cosines) < _ALIKE:
        raise InputError(
            f"{documents[0].name} and others: the vectors are not those of this model and column: name the model and "
            "the column of the texts that made them, or run `wordsparse documents` again"
        )
    return rows


def _check_memory(documents: int, dim: int) -> None:
    """Raise InputError if the vectors of so many documents cannot be joined, or their words not be indexed, in the
    memory that is left."""
    memory.check(documents * (4 * dim + _BYTES_PER_DOCUMENT), f"an index of {documents:,} documents or more")


def _as_bytes(values: Sequence[Any]) -> Array:
    """Return a list, encoded as an array."""
    try:
        return np.frombuffer(json.dumps(values).encode(), np.uint8)
    except TypeError as error:
        raise InputError(f"the kept columns cannot be stored as JSON ({error}): keep texts and numbers") from None

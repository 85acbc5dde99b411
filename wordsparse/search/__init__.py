"""Search in documents, by the vectors of a model and by shared words: :class:`Search`.

:mod:`wordsparse.evaluation.ranking` has the score. A saved index is a directory with ``search.json``, the vectors
(``vectors.npy``, which stay on the disk when the index is loaded), the words and the kept columns (``index.bin``), and
the model (``model``), which makes vectors of questions.
"""

import json
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.evaluation.ranking import Parts, Ranking, WordIndex, best
from wordsparse.files import arrays, regular, storage
from wordsparse.search.documents import Document, documents_of
from wordsparse.types import Array
from wordsparse.vectors.encoder import batches
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load

MANIFEST, INDEX, VECTORS, MODEL = "search.json", "index.bin", "vectors.npy", "model"
FORMAT, VERSION = "wordsparse-search", 1
# The number of scores that are computed at a time (64 MiB of float32).
_BLOCK = 2**24

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
        If a document is not a text, a column is missing, or vectors in a file do not fit the model.

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
            self.model = self.model.fit_weights(each.text for each in documents_of(documents, column))
        self._stem, self._keep, self._kept = stem, list(keep), list[Sequence[Any]]()
        self._ranking = Ranking(self.model.wv, stem)
        self.add(documents, column=column)

    def __len__(self) -> int:
        return len(self._ranking)

    def __repr__(self) -> str:
        return f"Search({len(self):,} documents, {self.model.dim} dimensions)"

    def add(self, documents: Any, *, column: str | None = None) -> None:
        """Add documents after the documents of the index. Scores do not depend on when a document was added."""
        for some in batches(documents_of(documents, column, self._keep), 2**16):
            self._ranking.add([each.text for each in some], _vectors(some, self.model.dim))
            self._kept += [each.cells for each in some]

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
            If a question is not a str, ``n`` is below 1, or ``weight`` is negative.
        """
        n, weight = validation.positive_int("n", n), validation.finite("weight", weight, 0)
        questions = [queries] if isinstance(queries, str) else list(validation.texts_of(queries))
        if wrong := [each for each in questions if not isinstance(each, str)]:
            raise InputError(f"a question must be a str, not {wrong[0]!r:.80}")
        hits = [
            self._hits(question, parts, n, weight)
            for some in batches(questions, max(1, _BLOCK // max(1, len(self))))
            for question, parts in zip(some, self._ranking.parts(some), strict=True)
        ]
        return hits[0] if isinstance(queries, str) else hits

    def _hits(self, question: str, parts: Parts, n: int, weight: float) -> Hits:
        rows, scores = best(parts.score(weight), n)
        words = list(dict.fromkeys(self._ranking.words(question)))
        holding = np.array([self._ranking.index.holds(word, rows) for word in words]).reshape(len(words), len(rows))
        cells = (dict(zip(self._keep, self._kept[row], strict=True)) for row in rows.tolist())
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
        words, state = self._ranking.index.state()
        state |= {"words": _as_bytes(words), "kept": _as_bytes(self._kept)}
        with storage.new_directory(target) as directory, storage.writing(target):
            self.model.save(directory / MODEL)
            with storage.synced(directory / VECTORS) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(self._ranking.rows, "<f4"), (1, 0))
            about = {"stem": self._stem, "keep": self._keep, "vectors": file.record()}
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
            recorded = manifest["vectors"]["sha256"]
        if regular.sha256_of(directory / VECTORS) != recorded:
            raise InputError(f"{directory / VECTORS}: does not match its checksum: it was altered; {storage.AGAIN}")
        state = arrays.read(directory / INDEX, table)
        search = cls(load(directory / MODEL, mapped=True), stem=stem)
        search._keep, search._kept = keep, json.loads(state.pop("kept").tobytes())
        rows = np.load(directory / VECTORS, mmap_mode="r", allow_pickle=False)
        search._ranking.restore(rows, WordIndex.of_state(json.loads(state.pop("words").tobytes()), state))
        return search


def _vectors(documents: Sequence[Document], dim: int) -> Array | None:
    """Return the vectors that come with documents, (n, dim) float32, or None."""
    if any(each.vector is None for each in documents):
        return None
    rows = [validation.matrix(each.name, [each.vector], dim, np.dtype(np.float32)) for each in documents]
    return np.concatenate(rows or [np.zeros((0, dim), np.float32)])


def _as_bytes(values: Sequence[Any]) -> Array:
    """Return a list, encoded as an array."""
    try:
        return np.frombuffer(json.dumps(values).encode(), np.uint8)
    except TypeError as error:
        raise InputError(f"the kept columns cannot be stored as JSON ({error}): keep texts and numbers") from None

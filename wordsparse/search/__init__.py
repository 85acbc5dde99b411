"""Search in documents, by the vectors of a model and by shared words: :class:`Search`.

:mod:`wordsparse.vectors.ranking` has the score. A saved index is a directory with ``search.json``, the vectors
(``vectors.npy``) and the texts (``texts.npy``), which stay on the disk when the index is loaded, the words and the kept
columns (``index.bin``), the model (``model``), which makes vectors of questions, and the vectors of its words
(``words.npy``), so that they need not be computed when the index is loaded.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, pairwise
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wordsparse import validation
from wordsparse.corpus.tables.groups import is_nan
from wordsparse.errors import InputError
from wordsparse.evaluation.retrieval_files import Collection, read_table
from wordsparse.files import arrays, regular, storage
from wordsparse.machine import memory
from wordsparse.options import refuse_unknown
from wordsparse.search.documents import documents_of
from wordsparse.search.filters import Filter, chosen
from wordsparse.search.hits import Hit as Hit
from wordsparse.search.hits import Hits
from wordsparse.search.texts import Texts
from wordsparse.tokens.languages import language_of
from wordsparse.types import Array
from wordsparse.vectors.encoder import batches
from wordsparse.vectors.ranking import WEIGHT, Parts, Ranking, best
from wordsparse.vectors.word_index import WordIndex
from wordsparse.words import model_directory
from wordsparse.words.model import Model
from wordsparse.words.model_directory import load

MANIFEST, INDEX, MODEL = "search.json", "index.bin", "model"
VECTORS, TEXTS, WORDS = ARRAYS = ("vectors.npy", "texts.npy", "words.npy")
FORMAT, VERSION = "wordsparse-search", 5
_MODEL_MANIFEST = f"{MODEL}/{model_directory.MANIFEST}"
logger = logging.getLogger(__name__)
UNSTEMMED = "none"
"""The value of ``stem`` that compares words as they are."""
# The number of scores that are computed at a time (64 MiB of float32).
_BLOCK = 2**24
# The number of documents between checks of the free memory.
_BATCH = 2**16
# The bytes that a document needs for its words and kept cells, besides its vector: some 60 words.
_BYTES_PER_DOCUMENT = 1200


class _Documents(NamedTuple):
    """The documents of an index. A change makes a new object, so that words, vectors, texts and kept cells always
    belong to the same documents, wherever the change is interrupted."""

    ranking: Ranking
    texts: Texts
    kept: list[Sequence[Any]]
    starts: Array
    """The first row of each document in the ranking, which has a row for each passage, and the end, (N + 1,)."""

    def selected(self, rows: Sequence[int]) -> "_Documents":
        """Return the documents in some rows, in the order of ``rows``."""
        if list(rows) == list(range(len(self.kept))):
            return self
        places = np.array(rows, np.int64)
        starts = _starts(np.diff(self.starts)[places])
        passages = np.repeat(self.starts[places] - starts[:-1], np.diff(starts)) + np.arange(starts[-1])
        kept = [self.kept[row] for row in rows]
        return _Documents(self.ranking.selected(passages), self.texts.selected(places), kept, starts)


class Search:
    """An index of documents, ranked for questions by vectors and by BM25 in one score.

    Parameters
    ----------
    model : Model or path
        The model that makes the vectors, for example trained with ``--for search``.
    documents : iterable of str, or table
        Texts, or a table with the column ``column``: a data frame, mappings, or the path of a file. A str or a path
        object names a file.
    column : str, optional
        The column of the texts in a table. "title,text" joins columns, and in "title^3,text" the words of the title
        count three times.
    keep : sequence of str
        Columns of a table that are returned with each hit, and by which :meth:`search` can filter.
    id : str, optional
        The column that identifies documents, for :meth:`update` and :meth:`delete`. It is kept, too.
    stem : str, optional
        A language such as "english": words are also compared by their stems, and stop words do not count. With "none",
        words are compared as they are, which suits searches for names and quotations. By default, the most frequent
        words of the model tell the language. Stems need ``wordsparse[search]``.
    passages : int, optional
        Long documents are ranked by passages of this number of words, between white space: the best passage of a
        document counts, and is the text of its hit. A column that counts more than once belongs to each passage.

    Raises
    ------
    InputError
        If a document is not a text, a column is missing, two documents have the same id, or there is too little memory.

    Attributes
    ----------
    model : Model
        The model that makes the vectors.
    vectors : array
        The vectors of the documents, or of their passages, (N, dim) float32.
    documents : list of dict
        The kept columns of each document, and its text, under ``column`` or "text".
    ids : list
        The ids of the documents.
    column, id, stem, passages : str and int
        As given, or as told by the model.

    Examples
    --------
    >>> import wordsparse as ws
    >>> texts = ["a cat sat on a mat", "dogs bark at cats", "stocks fell on Monday"]
    >>> model = ws.train([text.split() for text in texts * 20], dim=2, epochs=1, progress=False)
    >>> ws.Search(model, texts).search("stocks", n=1)[0].text
    'stocks fell on Monday'
    """

    def __init__(
        self,
        model: Model | str | PathLike[str],
        documents: Any = (),
        *,
        column: str | None = None,
        keep: Sequence[str] = (),
        id: str | None = None,
        stem: str | None = None,
        passages: int | None = None,
        **unknown: NoReturn,
    ) -> None:
        refuse_unknown(unknown, ["column", "keep", "id", "stem", "passages"])
        self.model = model if isinstance(model, Model) else load(model)
        if isinstance(keep, str):
            raise InputError(f"keep={keep!r} is a str: give a list of columns, keep=[{keep!r}]")
        self.stem = language_of(self.model.wv.words) or UNSTEMMED if stem is None else stem
        self.column, self.id = column, id
        self.passages = None if passages is None else validation.positive_int("passages", passages)
        self._keep = [*dict.fromkeys([*([] if id is None else [id]), *keep])]
        self._documents = _Documents(
            Ranking(self.model.wv, None if self.stem == UNSTEMMED else self.stem), Texts.of(()), [], _starts(())
        )
        self.add(documents)

    def __len__(self) -> int:
        return len(self._documents.kept)

    def __repr__(self) -> str:
        words = "words as they are" if self.stem == UNSTEMMED else f"{self.stem.capitalize()} stems"
        return f"Search({len(self):,} documents, {self.model.dim} dimensions, {words})"

    @property
    def vectors(self) -> Array:
        """The vectors of the documents, or of their passages, (N, dim) float32."""
        return self._documents.ranking.rows

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The kept columns of each document, and its text, under ``column`` or "text"."""
        _, texts, kept, _ = self._documents
        names = [*self._keep, self.column or "text"]
        return [dict(zip(names, [*cells, texts[row]], strict=True)) for row, cells in enumerate(kept)]

    @property
    def ids(self) -> list[Any]:
        """The ids of the documents."""
        return [*self._rows(self._documents.kept)]

    def add(self, documents: Any) -> None:
        """Add documents after the documents of the index. A table has the columns of the table that the index was made
        from.

        An index does not depend on its history. After any additions, updates and deletions, its answers are exactly the
        answers of a new index of the same documents, except that a row is another one. If a change fails or is
        interrupted, the index stays as it was.

        Raises
        ------
        InputError
            As for a new index.
        """
        self._change(documents, replaces=False)

    def update(self, documents: Any) -> None:
        """Put documents in the place of documents with the same ids. Documents with other ids are added.

        Raises
        ------
        InputError
            If the index has no ids, or as for a new index.
        """
        self._rows([])  # raises an error if there are no ids
        self._change(documents, replaces=True)

    def delete(self, ids: Any) -> None:
        """Delete the documents with these ids: one id, or an iterable of ids.

        Raises
        ------
        InputError
            If the index has no ids, or no document has one of these ids. No document is deleted then.
        """
        rows = self._rows(self._documents.kept)
        for each in [ids] if isinstance(ids, str) or not isinstance(ids, Iterable) else ids:
            if rows.pop(validation.plain(each), None) is None:
                raise InputError(
                    f"no document has the id {each!r:.80}, or it is named twice: name documents of the index"
                )
        self._documents = self._documents.selected([*rows.values()])

    def _rows(self, kept: Sequence[Sequence[Any]]) -> dict[Any, int]:
        """Return the row of each id. Of documents with the same id, the first gives the place and the last the row."""
        if self.id is None:
            raise InputError("the index has no ids: make it with the name of their column (id=, --id)")
        at = self._keep.index(self.id)
        return {cells[at]: row for row, cells in enumerate(kept)}

    def _change(self, documents: Any, replaces: bool) -> None:
        ranking, texts, kept, starts = self._documents
        added, cells, names, counts = list[Texts](), [*kept], list[str](), [*np.diff(starts).tolist()]
        for some in batches(documents_of(documents, self.column, self._keep), _BATCH):
            parts = [self._passages(each.text) for each in some]
            counts += map(len, parts)
            _check_memory(sum(counts), self.model.dim)
            ranked = zip(some, parts, strict=True)
            ranking = ranking.added([part + each.repeated for each, these in ranked for part in these])
            added.append(Texts.of(each.text for each in some))
            cells += [each.cells for each in some]
            names += [each.name for each in some if self.id is not None]
        changed = _Documents(ranking, texts.added(added), cells, _starts(counts))
        if self.id is not None:
            at, seen = self._keep.index(self.id), {*self._rows(() if replaces else kept)}
            for name, row in zip(names, cells[len(kept) :], strict=True):
                is_id = isinstance(row[at], str | int | float) and not is_nan(row[at])
                if not is_id or row[at] in seen:
                    trouble = "occurs twice" if is_id else "is no text and no number"
                    raise InputError(f"{name}: the id {row[at]!r:.80} {trouble}: ids tell documents apart (id=, --id)")
                if not replaces:
                    seen.add(row[at])
            changed = changed.selected([*self._rows(cells).values()])
        self._documents = changed

    def _passages(self, text: str) -> list[str]:
        """Return the passages of a text, which together are the text."""
        if self.passages is None:
            return [text]
        starts = [match.start() for match in re.finditer(r"\S+", text)][self.passages :: self.passages]
        return [text[start:stop] for start, stop in pairwise([0, *starts, len(text)])]

    def search(
        self,
        queries: str | Iterable[str],
        n: int = 10,
        word_weight: float = WEIGHT,
        *,
        filter: Filter | None = None,
        **unknown: NoReturn,
    ) -> Any:
        """Return the n best documents of a question, or of each of several questions.

        Documents of equal score are ordered by row. A document with neither a vector nor a word of the question is
        never returned, so there may be fewer than n hits, or none. If no word of a question is known, a warning says
        so: documents are then ranked by words of similar spelling.

        Parameters
        ----------
        queries : str, or iterable of str
        n : int
        word_weight : float
            The weight of shared words, not negative. 1 suits topics, and 0 ranks by cosines alone.
        filter : str, mapping, mask or ids, optional
            Only these documents are ranked, by the same scores. A str is a condition of SQL on kept columns, such as
            ``"year >= 2003 AND section IN ('science', 'games')"``. A mapping has the value of each column, or a list,
            set or range of values: ``{"year": 2003}``. A mask has a Boolean for each row, and otherwise a list or an
            array holds ids.

        Returns
        -------
        list of Hit
            For several questions, a list of such lists.

        Raises
        ------
        InputError
            If a question is not a str, ``n`` is below 1, ``word_weight`` is negative or above 1,000,000, or the filter
            names a column that is not kept.
        """
        refuse_unknown(unknown, ["n", "word_weight", "filter"])
        n, weight = validation.positive_int("n", n), validation.finite("word_weight", word_weight, 0, 10**6)
        questions = [queries] if isinstance(queries, str) else list(validation.texts_of(queries))
        if wrong := [each for each in questions if not isinstance(each, str)]:
            raise InputError(f"a question must be a str, not {wrong[0]!r:.80}")
        documents = self._documents
        mask = None if filter is None else chosen(filter, self._keep, documents.kept, self.id)
        hits = [
            self._hits(documents, question, parts, n, weight, mask)
            for some in batches(questions, max(1, _BLOCK // max(1, len(documents.ranking))))
            for question, parts in zip(some, documents.ranking.parts(some), strict=True)
        ]
        return hits[0] if isinstance(queries, str) else hits

    def _hits(
        self, documents: _Documents, question: str, parts: Parts, n: int, weight: float, mask: Array | None
    ) -> Hits:
        ranking, texts, kept, starts = documents
        of_passages = parts.score(weight)
        scores = np.maximum.reduceat(of_passages, starts[:-1]) if len(kept) else of_passages
        rows, scores = best(scores if mask is None else np.where(mask, scores, np.float32(-np.inf)), n)
        places = np.array([np.argmax(of_passages[starts[row] : starts[row + 1]]) for row in rows], np.int64)
        ranked = starts[rows] + places
        words = list(dict.fromkeys(ranking.words(question)))
        forms = ranking.forms(words)
        known = (
            word in self.model.wv or len(ranking.index.postings(each)[0])
            for word, each in zip(words, forms, strict=True)
        )
        if len(rows) and not any(known):
            logger.warning("no word of %.80r is known: its answers are those of words of similar spelling", question)
        holding = np.array([ranking.index.holds(each, ranked) for each in forms]).reshape(len(words), len(rows))
        is_matched = partial(_shares, ranking.split, frozenset(chain(*forms)))
        matched = ([word for word, holds in zip(words, column, strict=True) if holds] for column in holding.T)
        shown = (self._passages(texts[row])[place] for row, place in zip(rows, places, strict=True))
        columns = zip(scores.tolist(), parts.cosine[ranked].tolist(), parts.overlap[ranked].tolist(), strict=True)
        return Hits(
            Hit(row, *scores_of, held, text, dict(zip(self._keep, kept[row], strict=True)), is_matched)
            for row, scores_of, held, text in zip(rows.tolist(), columns, matched, shown, strict=True)
        )

    def collection(self, path: str | PathLike[str]) -> Collection:
        """Read a table of judged questions for :func:`wordsparse.evaluate`, with the columns question, id and perhaps
        grade.

        Raises
        ------
        InputError
            If the table is malformed, or the index has no ids, or has passages.
        """
        if self.passages is not None:
            raise InputError("an index of passages cannot be evaluated: make one without passages")
        return read_table(path, self.ids, self._documents.ranking)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the index and its model into a directory, atomically. :func:`wordsparse.load` reads it.

        With ``overwrite``, an index at ``path`` is replaced in one step: whenever the process is killed, the old index
        or the new one is there. Processes that have loaded the old index keep using it.

        Raises
        ------
        InputError
            If ``path`` exists and is neither an empty directory nor, with ``overwrite``, an index, or if a kept cell
            cannot be stored as JSON.
        """
        target = validation.path(path)
        if not overwrite and (target / MANIFEST).is_file():
            raise InputError(
                f"{target}: is an index already: replace it with --overwrite (overwrite=True), or name another"
            )
        ranking, texts, kept, starts = self._documents
        words, state = ranking.index.state()
        state |= {"words": _as_bytes(words), "kept": _as_bytes(kept), "starts_of_texts": texts.starts, "first": starts}
        if ranking.language is not None:
            state["stems"] = _as_bytes(ranking.language.stems(words))
        replaced = (MANIFEST, INDEX, *ARRAYS, MODEL) if overwrite else ()
        with storage.new_directory(target, replaced) as directory, storage.writing(target):
            self.model.save(directory / MODEL)
            about: dict[str, Any] = {"stem": self.stem, "column": self.column, "keep": self._keep}
            about |= {"id": self.id, "passages": self.passages}
            for name, array in zip(ARRAYS, (ranking.rows, texts.data, self.model.vectors), strict=True):
                with storage.synced(directory / name) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), (1, 0))
                about[name] = file.record()["sha256"]
            about["model"] = regular.sha256_of(directory / _MODEL_MANIFEST)
            table = arrays.write(directory / INDEX, state)
            storage.write_manifest(
                directory / MANIFEST, {"format": FORMAT, "version": VERSION, **about, "state": table}
            )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Search":
        """Read an index that :meth:`save` wrote. The vectors and the texts stay on the disk until they are used.

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
            about = {name: manifest[name] for name in ("stem", "column", "keep", "id", "passages")}
            recorded = {name: manifest[name] for name in ARRAYS} | {_MODEL_MANIFEST: manifest["model"]}
            table = manifest["state"]
        for name, digest in recorded.items():
            if regular.sha256_of(directory / name) != digest:
                raise InputError(f"{directory / name}: does not match its checksum: it was altered; {storage.AGAIN}")
        state = arrays.read(directory / INDEX, table)
        stems, words, kept = (json.loads(bytes(state.pop(name, b"[]"))) for name in ("stems", "words", "kept"))
        rows, data, of_words = (np.load(directory / name, mmap_mode="r", allow_pickle=False) for name in ARRAYS)
        model = load(directory / MODEL, mapped=True)
        vars(model)["vectors"] = of_words  # computed when the index was written
        search = cls(model, **about)
        texts, starts = Texts(data, state.pop("starts_of_texts")), state.pop("first")
        ranking = search._documents.ranking.restored([rows], WordIndex.of_state(words, state))
        if ranking.language is not None:
            ranking.learn(words, stems)
        search._documents = _Documents(ranking, texts, kept, starts)
        return search


def _shares(split: Callable[[str], list[str]], words: frozenset[str], text: str) -> bool:
    """Return whether a text holds one of the words."""
    return not words.isdisjoint(split(text))


def _starts(counts: Sequence[int] | Array) -> Array:
    """Return the place of the first passage of each document, and the end."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


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

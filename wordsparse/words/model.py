"""A trained model: its vectors, its vocabulary, and its format on disk.

A model directory holds ``model.json`` (format, version, options, report, and each file's size and SHA-256),
``vocabulary.json``, ``input.npy`` (E, one row a word) and ``output.npy`` (diag(√π) W, with the constant feature's
column last). A model of a run also holds ``training.bin``, what else is needed to train on: 8 bytes a word (how much
was seen of it) and a few d×d matrices; its table, the text and where the run ended are in ``model.json``. A
model with n-grams also holds ``subwords.bin``. Loading checks all of it; no pickle is read.
"""

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files import arrays, npy, regular, storage, toml
from wordsparse.files.members import is_count
from wordsparse.machine.threads import available_cpus
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words import coordinates, presets, subwords
from wordsparse.words.resamples import Neighbour, Resamples, Writer, neighbours
from wordsparse.words.subwords import FittedSubwords

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Array = NDArray[Any]
MANIFEST = "model.json"
FORMAT, VERSION = "wordsparse-model", 2
VOCABULARY, INPUT, OUTPUT, TRAINING = "vocabulary.json", "input.npy", "output.npy", "training.bin"
SUBWORDS, OPTIONS = "subwords.bin", "options.toml"

# The two arrays of a run's state that a model holds anyway.
_ROWS = {"E": "input_rows", "output.V": "output_rows"}


@dataclass(frozen=True)
class Training:
    """The data, besides the vectors, that are needed to continue training.

    ``text`` identifies its text, ``run_state`` is the state of the run at its end, and ``state`` holds the other arrays
    of the steps (names as in ``WordEmbedding.state``).
    """

    text: dict[str, Any]
    run_state: dict[str, Any]
    state: dict[str, Any]


class Model:
    """Word vectors as trained.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words, most frequent first.
    input_rows : (V, dim) float32
        E, in the arbitrary basis of training.
    output_rows : (V, dim + 1) float32
        diag(√π) W.
    options, report : mapping
        The options of the run, and the report of ``train --json``.
    training : Training, optional
        The data needed to continue training; None if training cannot continue.
    subwords : FittedSubwords, optional
        N-grams fitted to the vectors; see :meth:`fit_subwords`.
    resamples : Resamples, optional
        The vectors of the words in resamples of the text, of a run with ``bootstrap``.

    Attributes
    ----------
    asked : dict
        The names of the text's files and how they were to be read, as options of :func:`wordsparse.train`.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        input_rows: Array,
        output_rows: Array,
        options: Mapping[str, object],
        report: Mapping[str, Any],
        training: Training | None = None,
        subwords: FittedSubwords | None = None,
        resamples: Resamples | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.input_rows, self.output_rows = input_rows, output_rows
        self.options, self.report = dict(options), dict(report)
        self.training, self.subwords = training, subwords
        self.asked: dict[str, Any] = {}
        self.resamples = resamples

    def __repr__(self) -> str:
        model, epochs = self.options.get("model"), self.options.get("epochs")
        passes = "1 epoch" if epochs == 1 else f"{epochs} epochs"
        return f"Model({model}, {len(self.vocabulary):,} words × {self.dim}, {passes})"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.input_rows.shape[1])

    @property
    def threads(self) -> int | None:
        """The number of threads that training was asked to use, at most the CPUs of this machine; None for all."""
        asked = self.options.get("threads")
        return min(asked, available_cpus()) if isinstance(asked, int) else None

    @property
    def turn(self) -> float:
        """How far outputs are rotated towards inputs in :attr:`vectors`: the preset's."""
        return presets.preset(self.options.get("preset", "text")).turn

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(V, dim) float32, rows in vocabulary order: the recommended combination of input and output vectors.

        With n-grams, all are of length one, but rare words are shrunk towards what their n-grams say. They are computed
        on no more threads than training was asked to use.
        """
        counts = np.asarray(self.vocabulary.counts, np.float64)
        outputs = self.output_rows[:, : self.dim]
        vectors = coordinates.combined(self.input_rows, outputs, counts, turn=self.turn, threads=self.threads)
        if self.subwords is None:
            return vectors
        return self.subwords.shrunk(WordVectors(self.vocabulary.words, vectors).unit, counts)

    @cached_property
    def wv(self) -> WordVectors:
        """The vectors with their words, made once: neighbours, analogies and all else that gensim's ``wv`` answers."""
        return self.word_vectors()

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        """The vector of ``word``, (dim,) float32, read-only.

        If it is not in the vocabulary, the vector is composed from its n-grams; UnknownWordError without any.
        """
        return self.wv[word]

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __iter__(self) -> Iterator[str]:
        """The words, most frequent first."""
        return iter(self.vocabulary.words)

    def neighbours(self, word: str, n: int = 10) -> list[Neighbour]:
        """The ``n`` words of largest cosine with ``word``, and how sure they are by the resamples of the text.

        Returns
        -------
        list of Neighbour
            (word, cosine, returned, low, high): in how many resamples it is among the n nearest words, and an interval
            that encloses 90 % of their cosines; None without resamples (see ``bootstrap`` of :func:`wordsparse.train`).

        Raises
        ------
        InputError
            If the word is not known (UnknownWordError), or ``n`` is below 1.
        """
        return neighbours(self.wv, self.resamples, word, n)

    def word_vectors(self) -> WordVectors:
        """The vectors with their words, to change or to export."""
        made = WordVectors(self.vocabulary.words, self.vectors, self.vocabulary.counts)
        if self.subwords is not None:
            made.subwords = self.subwords.table
        return made

    def fit_subwords(self, shortest: int = subwords.SHORTEST, longest: int = subwords.LONGEST) -> Self:
        """The same model with n-grams of these lengths (in characters, of which the brackets of ``<word>`` count as one
        each), fitted to its vectors, instead of those that it may have.

        Raises
        ------
        InputError
            If the lengths are out of range, or too few words share an n-gram.
        """
        plain = self.without_subwords()
        counts = np.asarray(self.vocabulary.counts, np.float64)
        plain.subwords = subwords.fit(self.vocabulary.words, plain.vectors, counts, shortest=shortest, longest=longest)
        del plain.vectors  # which are shrunk now
        return plain

    def infer(self, word: str, sentences: Iterable[Sequence[str]]) -> NDArray[np.float32]:
        """The vector of a new word, (dim,) float32 of length one; see :func:`wordsparse.words.infer.infer`.

        Raises
        ------
        InputError
            If the word is empty or holds white space, no sentence holds it beside a known word, or the model cannot
            infer.
        """
        from wordsparse.words.infer import infer

        vector: NDArray[np.float32] = infer(self, sentences, [word]).vectors[0]
        return vector

    def document(self, words: Sequence[str], *, sif: bool = False, both: bool = False) -> NDArray[np.float32]:
        """The vector of a document, float32; see :class:`wordsparse.words.documents.Documents`.

        Raises
        ------
        InputError
            If no word of it is known, or the model cannot infer.
        """
        made: NDArray[np.float32] = self._documents.vectors([words], sif=sif, both=both)[0]
        if not made.any():
            raise InputError("no word of the document is in the vocabulary, so it has no vector")
        return made

    def documents(
        self, documents: Iterable[Sequence[str]], *, sif: bool = False, both: bool = False
    ) -> Iterator[NDArray[np.float32]]:
        """The vectors of any number of documents, some at a time; see
        :class:`wordsparse.words.documents.Documents`. A document without a known word has zeros."""
        yield from self._documents.stream(documents, sif=sif, both=both)

    @cached_property
    def _documents(self) -> Any:
        """What vectors of documents are made with, prepared once."""
        from wordsparse.words.documents import Documents

        return Documents(self)

    def without_subwords(self) -> Self:
        """The same model without n-grams; it shares the arrays."""
        parts = (self.vocabulary, self.input_rows, self.output_rows, self.options, self.report, self.training)
        return type(self)(*parts, resamples=self.resamples)

    def keyed_vectors(self) -> "KeyedVectors":
        """The vectors as gensim's KeyedVectors.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        return self.word_vectors().keyed_vectors()

    def trained(self) -> Training:
        """The data needed to continue training; InputError if the model has none."""
        if self.training is None:
            raise InputError("this model holds its vectors only: it cannot be trained on")
        return self.training

    def state(self) -> dict[str, Any]:
        """The embedding's whole state where the run ended, to train on; not copies."""
        return {**self.trained().state, **{name: getattr(self, rows) for name, rows in _ROWS.items()}}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model directory, whole or not at all.

        Raises
        ------
        InputError
            If ``path`` exists and is not an empty directory, or cannot be made.
        WordsparseError
            If writing fails; nothing is left at ``path`` then.
        """
        target = Path(path)
        with storage.new_directory(target) as directory, storage.writing(target):
            self.vocabulary.save(directory / VOCABULARY)
            for name, rows in ((INPUT, self.input_rows), (OUTPUT, self.output_rows)):
                with storage.synced(directory / name) as file:
                    npy.write_array(file, np.ascontiguousarray(rows, "<f4"))
            with storage.synced(directory / OPTIONS) as file:
                file.write(toml.dumps({**self.asked, **self.options}).encode())
            files = {
                name: {"bytes": (directory / name).stat().st_size, "sha256": regular.sha256_of(directory / name)}
                for name in (VOCABULARY, INPUT, OUTPUT, OPTIONS)
            }
            manifest = {"format": FORMAT, "version": VERSION, "options": self.options, "report": self.report}
            manifest["asked"] = self.asked
            training = None
            if self.training is not None:
                rest = {name: part for name, part in self.training.state.items() if name not in _ROWS}
                table = arrays.write(directory / TRAINING, rest)
                training = {"text": self.training.text, "standing": self.training.run_state, "state": table}
            if self.subwords is not None:
                manifest["subwords"] = arrays.write(directory / SUBWORDS, self.subwords.arrays())
            storage.write_manifest(directory / MANIFEST, {**manifest, "files": files, "training": training})
            if self.resamples is not None:
                writer = Writer(directory, self.resamples.about)
                for codes in self.resamples.each():
                    writer.add(codes)


M = TypeVar("M", bound=Model)


def load(path: str | PathLike[str]) -> Model:
    """Read a model directory; InputError as :func:`read_model`."""
    return read_model(path, Model)


def read_model(path: str | PathLike[str], kind: type[M]) -> M:
    """Read a model directory as a model of this kind.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version; the message names it.
    """
    directory = Path(path)
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    options, report, files = storage.objects(directory / MANIFEST, manifest, "options", "report", "files")
    dim = options.get("dim")
    if not is_count(dim) or dim < 1:
        raise InputError(f"{directory / MANIFEST}: dim must be a positive whole number, not {dim!r:.40}")
    for name in (VOCABULARY, INPUT, OUTPUT, *({OPTIONS} & files.keys())):
        expected = files.get(name)
        with regular.reading(directory / name):
            size = (directory / name).stat().st_size
        if expected != {"bytes": size, "sha256": regular.sha256_of(directory / name)}:
            raise InputError(f"{directory / name}: does not match its checksum: the file was altered or damaged")
    vocabulary = Vocabulary.load(directory / VOCABULARY)
    input_rows = _read_rows(directory / INPUT, (len(vocabulary), dim))
    output_rows = _read_rows(directory / OUTPUT, (len(vocabulary), dim + 1))
    training = _read_training(directory, manifest)
    fitted = _read_subwords(directory, manifest, len(vocabulary), dim)
    resamples = Resamples.beside(directory, (len(vocabulary), dim))
    model = kind(vocabulary, input_rows, output_rows, options, report, training, fitted, resamples)
    (model.asked,) = storage.objects(directory / MANIFEST, {"asked": {}, **manifest}, "asked")
    return model


def is_model(path: str | PathLike[str]) -> bool:
    """Whether ``path`` is a model directory."""
    return os.path.isfile(Path(path) / MANIFEST)


def read_vectors(path: str | PathLike[str]) -> WordVectors:
    """Read word vectors from a model directory or from a file in any format of :mod:`wordsparse.vectors.formats`.

    Raises
    ------
    InputError
        As :func:`load` or :func:`wordsparse.vectors.formats.read_file`.
    """
    if is_model(path):
        return load(path).word_vectors()
    from wordsparse.vectors.formats import read_file  # with it comes smart_open, which training does not need

    return read_file(path)


def _read_training(directory: Path, manifest: Mapping[str, Any]) -> Training | None:
    training = manifest.get("training")
    if training is None:
        return None
    text, run_state, table = storage.objects(directory / MANIFEST, training, "text", "standing", "state")
    return Training(text, run_state, arrays.read(directory / TRAINING, table))


def _read_subwords(directory: Path, manifest: Mapping[str, Any], words: int, dim: int) -> FittedSubwords | None:
    if "subwords" not in manifest:
        return None
    content = arrays.read(directory / SUBWORDS, manifest["subwords"])
    with storage.naming(directory / SUBWORDS):
        return FittedSubwords.from_arrays(content, words, dim)


def _read_rows(path: Path, shape: tuple[int, int]) -> Array:
    """A float32 matrix of a known shape. Only the header that np.save writes for it will do, so none is parsed."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    expected = header.getvalue()
    with regular.opened(path) as file:
        found, size = file.read(len(expected)), os.fstat(file.fileno()).st_size
        if found != expected or size != len(expected) + 4 * shape[0] * shape[1]:
            raise InputError(f"{path}: is not a NumPy file with a float32 matrix of shape {shape}")
        rows = np.fromfile(file, np.dtype("<f4"), shape[0] * shape[1]).reshape(shape)
    if not np.isfinite(rows).all():
        raise InputError(f"{path}: holds numbers that are not finite")
    return rows

"""A trained model: its vectors, its vocabulary, and how it stands on disk.

A model directory holds ``model.json`` (format, version, options, report, and each file's size and SHA-256),
``vocabulary.json``, ``input.npy`` (E, one row a word) and ``output.npy`` (diag(√π) W, with the constant feature's
column last). Loading checks all of it; no pickle is read.
"""

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import coordinates, storage
from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Array = NDArray[Any]
MANIFEST = "model.json"
FORMAT, VERSION = "wordsparse-model", 1
VOCABULARY, INPUT, OUTPUT = "vocabulary.json", "input.npy", "output.npy"


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
        What was asked for, and what ``train --json`` says of the run.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        input_rows: Array,
        output_rows: Array,
        options: Mapping[str, object],
        report: Mapping[str, Any],
    ) -> None:
        self.vocabulary = vocabulary
        self.input_rows, self.output_rows = input_rows, output_rows
        self.options, self.report = dict(options), dict(report)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.input_rows.shape[1])

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(V, dim) float32, rows in vocabulary order: the recommended combination of input and output vectors."""
        return coordinates.combined(
            self.input_rows, self.output_rows[:, : self.dim], np.asarray(self.vocabulary.counts, np.float64)
        )

    def word_vectors(self) -> WordVectors:
        """The vectors with their words: neighbours, analogies, export."""
        return WordVectors(self.vocabulary.words, self.vectors, self.vocabulary.counts)

    def keyed_vectors(self) -> "KeyedVectors":
        """The vectors as gensim's KeyedVectors.

        Raises
        ------
        MissingDependencyError
            If gensim is not installed.
        """
        return self.word_vectors().keyed_vectors()

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
                    np.save(file, rows, allow_pickle=False)
            files = {
                name: {"bytes": (directory / name).stat().st_size, "sha256": storage.sha256_of(directory / name)}
                for name in (VOCABULARY, INPUT, OUTPUT)
            }
            manifest = {"format": FORMAT, "version": VERSION, "options": self.options, "report": self.report}
            storage.write_manifest(directory / MANIFEST, {**manifest, "files": files})


def load(path: str | PathLike[str]) -> Model:
    """Read a model directory.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version; the message names it.
    """
    directory = Path(path)
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    for name in (VOCABULARY, INPUT, OUTPUT):
        expected = manifest["files"].get(name, {})
        with storage.reading(directory / name):
            size = (directory / name).stat().st_size
        if size != expected.get("bytes") or storage.sha256_of(directory / name) != expected.get("sha256"):
            raise InputError(f"{directory / name}: does not match its checksum: the file was altered or damaged")
    vocabulary = Vocabulary.load(directory / VOCABULARY)
    rows = [_read_rows(directory / name) for name in (INPUT, OUTPUT)]
    if not (rows[0].shape[0] == rows[1].shape[0] == len(vocabulary) and rows[1].shape[1] == rows[0].shape[1] + 1):
        raise InputError(f"{directory}: the sizes of {INPUT}, {OUTPUT} and {VOCABULARY} do not agree")
    return Model(vocabulary, rows[0], rows[1], manifest["options"], manifest["report"])


def _read_rows(path: Path) -> Array:
    try:
        # Mapped before it is read: a header that promises more than the file holds is refused, not allocated.
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: is not a readable NumPy array file: {error}") from error
    if rows.dtype != np.dtype("<f4") or rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"{path}: must hold a matrix of finite float32 numbers")
    return np.ascontiguousarray(rows)

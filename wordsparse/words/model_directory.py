"""Writes and reads a model directory.

A model directory holds ``model.json`` (format, version, options, report, and each file's size and SHA-256),
``vocabulary.json``, ``input.npy`` (E, one row per word) and ``output.npy`` (diag(√π) W, whose last column belongs to
the constant feature). ``train --config MODEL`` repeats the run from ``model.json``. A model from a training run also
holds ``training.bin``, the data for further training: 8 bytes per word (the number of pairs seen in training) and a few
d×d matrices. ``model.json`` lists the arrays in ``training.bin``, identifies the text, and records the state at the end
of the run. ``axes.npy`` is the rotation of the vectors out of canonical coordinates; without this file, the vectors are
in their principal axes if ``model.json`` says ``principal``. A model with n-grams also holds ``subwords.bin``.
``tokenizer.json`` is the tokenizer file that was used to split the text, and ``phrases.json`` holds the phrases that
were joined in the text. ``weights.npy`` holds the weights of words in texts, if they were computed from a collection.
``memory.bin`` holds the counted pairs of a model of items. Loading checks every file, and never unpickles anything.
"""

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from wordsparse import validation
from wordsparse.corpus import Vocabulary
from wordsparse.doors import INDEXES
from wordsparse.errors import InputError
from wordsparse.files import arrays, regular, storage
from wordsparse.machine.threads import available_cpus, ordered_map
from wordsparse.options import refuse_unknown
from wordsparse.tokens import records
from wordsparse.types import Array
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.form import NgramFit
from wordsparse.words.model import Model, Training

MANIFEST = "model.json"
FORMAT, VERSION = "wordsparse-model", 2
# Earlier names of options, which older models hold.
RENAMED = {"preset": "kind", "group": "group_by", "order": "order_by", "weight": "weight_column"}
VOCABULARY, INPUT, OUTPUT, TRAINING = "vocabulary.json", "input.npy", "output.npy", "training.bin"
NGRAMS, AXES, WEIGHTS, MEMORY = "subwords.bin", "axes.npy", "weights.npy", "memory.bin"
# The names of all files of a model.
NAMES = (MANIFEST, VOCABULARY, INPUT, OUTPUT, TRAINING, NGRAMS, AXES, WEIGHTS, MEMORY, records.NAME, records.PHRASES)
OF_LABELS = "labels.json"  # the manifest of a classifier of labels


def write(model: Model, path: str | PathLike[str], *, overwrite: bool = False) -> None:
    """Write a model directory; see :meth:`wordsparse.words.model.Model.save`."""
    target = validation.path(path)
    if is_model(target) and not overwrite:
        raise InputError(f"{target}: is a model already: replace it with overwrite=True, or name another directory")
    with storage.new_directory(target, NAMES if overwrite else ()) as directory, storage.writing(target):
        rows = {INPUT: model.input_rows, OUTPUT: model.output_rows}
        rows |= {name: each for name, each in ((AXES, model.axes), (WEIGHTS, model.weights)) if each is not None}

        def write_file(name: str) -> dict[str, Any]:
            with storage.synced(directory / name) as file:
                if name in rows:
                    np.lib.format.write_array(file, np.ascontiguousarray(rows[name], "<f4"), (1, 0))
                else:
                    file.write(model.vocabulary.as_json())
            return file.record()

        names = (*rows, VOCABULARY)
        files = dict(zip(names, ordered_map(write_file, names, model.threads or available_cpus()), strict=True))
        about: dict[str, Any] = {"options": model.options, "report": model.report, "call": model.call}
        about["principal"] = model.is_principal
        manifest, training = {"format": FORMAT, "version": VERSION, **about}, None
        if model.training is not None:
            table = arrays.write(directory / TRAINING, model.training.state)
            text = records.written(directory, model.training.text)
            training = {"text": text, "run_state": model.training.run_state, "state": table}
        if model.ngrams is not None:
            manifest["subwords"] = arrays.write(directory / NGRAMS, model.ngrams.arrays())
        if model.memory is not None:
            manifest["memory"] = arrays.write(directory / MEMORY, model.memory)
        storage.write_manifest(directory / MANIFEST, {**manifest, "files": files, "training": training})


def load(path: str | PathLike[str], *, mapped: bool = False, **unknown: NoReturn) -> Model:
    """Read a model directory. With ``mapped``, the rows of words stay on the disk until they are used.

    If another process replaces the model during reading, reading starts again and returns the new model as a whole.

    Raises
    ------
    InputError
        If a file is missing, damaged, altered, or of another version. The message names the file.
    """
    refuse_unknown(unknown, ["mapped"])
    directory = validation.path(path)
    if directory.is_file():
        raise InputError(
            f"{directory}: is a file, not the directory of a model; in a command, the model comes first; "
            "wordsparse.read_vectors reads a file of vectors"
        )
    if not directory.exists():
        raise InputError(f"{directory}: there is no model here: train one, or correct the path")
    if is_index(directory):
        raise InputError(f"{directory}: is an index of documents: its model is {directory / 'model'}")
    if (directory / OF_LABELS).is_file():
        raise InputError(f"{directory}: is a model of labels: load it with wordsparse.SparseTargetClassifier.load")
    return storage.read_unreplaced(directory, lambda: _load(directory, mapped))


def _load(directory: Path, mapped: bool) -> Model:
    manifest = manifest_of(directory)
    with storage.trusting(directory / MANIFEST):
        options, report, call, files = (manifest[name] for name in ("options", "report", "call", "files"))
        names = (VOCABULARY, INPUT, OUTPUT, *sorted({AXES, WEIGHTS} & files.keys()))
        recorded = [files[name]["sha256"] for name in names]

    def digest(name: str) -> str:
        return regular.sha256_of(directory / name)

    for name, expected, actual in zip(names, recorded, ordered_map(digest, names, available_cpus()), strict=True):
        if actual != expected:
            raise InputError(
                f"{directory / name}: does not match its checksum: the file was altered or damaged; "
                "restore it, or train again"
            )
    vocabulary = Vocabulary.load(directory / VOCABULARY)
    input_rows = _read_rows(directory / INPUT, mapped)
    output_rows = _read_rows(directory / OUTPUT, mapped)
    axes, weights = (_read_rows(directory / name, mapped) if name in files else None for name in (AXES, WEIGHTS))
    with storage.trusting(directory / MANIFEST):
        training = _read_training(directory, manifest)
        fitted = _read_ngrams(directory, manifest)
        memory = arrays.read(directory / MEMORY, manifest["memory"]) if "memory" in manifest else None
    parts = (vocabulary, input_rows, output_rows, options, report, training, fitted, call, axes, weights, memory)
    return Model(*parts, is_principal=bool(manifest.get("principal")))


def manifest_of(directory: Path) -> dict[str, Any]:
    """Read the manifest of a model, with today's names of the options. Raise InputError as :func:`load` does."""
    manifest = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    with storage.trusting(directory / MANIFEST):
        for part in ("options", "call"):
            manifest[part] = {RENAMED.get(name, name): value for name, value in manifest[part].items()}
    return manifest


def is_model(path: str | PathLike[str]) -> bool:
    """Return whether ``path`` is a model directory."""
    return os.path.isfile(Path(path) / MANIFEST)


def is_index(path: str | PathLike[str]) -> bool:
    """Return whether ``path`` is the directory of an index of documents."""
    return any((Path(path) / manifest).is_file() for manifest in INDEXES)


def check_only_a_model(directory: Path) -> None:
    """Raise InputError unless the directory holds a model and no file of others, so that the model can be replaced."""
    storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
    others = {path.name for path in directory.iterdir()} - {path.name for path in files_of(directory)}
    if others:
        raise InputError(
            f"{directory}: holds {min(others)}, which is no part of the model: move it to another place first"
        )


def files_of(path: object) -> list[Any]:
    """Return the paths of the files in a model directory. For any other path, return a list that holds only this
    path."""
    if not isinstance(path, str | PathLike) or not is_model(path):
        return [path]
    return [Path(path) / name for name in NAMES]


def recorded_options(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the options of a model's run, including the options for reading its text. Raise InputError as :func:`load`
    does."""
    manifest = manifest_of(Path(path))
    content = {**manifest["call"], **manifest["options"]}
    if (tokenizer := Path(path) / records.NAME).is_file():
        content["tokens"] = str(tokenizer)
    return {name: value for name, value in content.items() if value is not None}


def read_vectors(path: str | PathLike[str], *, dim: int | None = None, mapped: bool = False) -> WordVectors:
    """Read word vectors from a model directory or from a file in any format of :mod:`wordsparse.vectors.formats`.

    Parameters
    ----------
    path : path
        A model directory, or a file.
    dim : int, optional
        The number of dimensions to keep: see :meth:`wordsparse.WordVectors.truncated`. In files of other programs, the
        first numbers need not tell most.
    mapped : bool
        Whether the vectors of an npz file stay on disk. If True, all processes that read the same file share one copy
        of the vectors in the system's cache, and the array cannot be changed. Vectors in float16 or int8 are converted
        to float32 only where they are used. The file must not be overwritten while it is in use. Replacing the file as
        a whole, as ``export`` does, is safe.

    Raises
    ------
    InputError
        As for :func:`load` or :func:`wordsparse.vectors.formats.read_file`, if the vectors have fewer than ``dim``
        dimensions, or if ``mapped`` is given for a file that is not npz, or for an npz file of another program whose
        vectors are compressed or not aligned.
    """
    vectors = _read_vectors(path, mapped)
    return vectors if dim is None else vectors.truncated(dim)


def _read_vectors(path: str | PathLike[str], mapped: bool) -> WordVectors:
    if is_model(path := validation.path(path)):
        if mapped:
            raise InputError(f"{path}: the vectors of a model are computed: to map them, export them as npz first")
        return load(path, mapped=True).wv
    from wordsparse.vectors.formats import read_file  # imported here, because formats imports smart_open

    return read_file(path, mapped)


def _read_training(directory: Path, manifest: Mapping[str, Any]) -> Training | None:
    training = manifest["training"]
    if training is None:
        return None
    text, state = records.restored(directory, training["text"]), arrays.read(directory / TRAINING, training["state"])
    return Training(text, training["run_state"], state)


def _read_ngrams(directory: Path, manifest: Mapping[str, Any]) -> NgramFit | None:
    if "subwords" not in manifest:
        return None
    with storage.trusting(directory / NGRAMS):
        return NgramFit.from_arrays(arrays.read(directory / NGRAMS, manifest["subwords"]))


def _read_rows(path: Path, mapped: bool) -> Array:
    with regular.reading(path):
        rows: Array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return rows

"""A Word2Vec on disk: a model directory (:mod:`wordsparse.words.model_directory`) with two more files.

``gensim.json`` holds the arguments and counters of the object, ``vectors.npz`` its ``wv``. No pickles are written or
read. ``wordsparse.load`` can read the same directory as a Model.
"""

import os
from pathlib import Path
from typing import Any

from wordsparse.errors import InputError, MissingFileError
from wordsparse.files import storage
from wordsparse.gensim import settings
from wordsparse.gensim.engine import Trained
from wordsparse.gensim.models.keyedvectors import VECTORS, KeyedVectors
from wordsparse.gensim.refusals import WrongPlaceError
from wordsparse.vectors import names
from wordsparse.vectors.formats import save_vectors
from wordsparse.words import model_directory as models

MANIFEST, FORMAT, VERSION = "gensim.json", "wordsparse-word2vec", 1
STORED = (
    *("vector_size", "layer1_size", "window", "shrink_windows", "min_count", "max_vocab_size", "max_final_vocab"),
    *("sample", "seed", "workers", "epochs", "alpha", "min_alpha", "min_alpha_yet_reached", "sg", "hs", "negative"),
    *("ns_exponent", "cbow_mean", "sorted_vocab", "null_word", "batch_words", "compute_loss", "comment"),
    *("effective_min_count", "corpus_count", "corpus_total_words", "train_count", "total_train_time"),
    "running_training_loss",
)
"""The attributes that are stored, in addition to ``_stored`` of a subclass."""


def save(model: Any, trained: Trained, path: Path) -> None:
    """Write a model directory atomically. The directory replaces a model or a file at ``path``, unless writing fails.

    Raise InputError if ``path`` is another directory, a device or a pipe, or a key cannot be stored.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir() and any(path.iterdir()) and not (path / models.MANIFEST).is_file():
        raise InputError(f"{path}: is a directory without a model: name another directory")
    if not path.is_dir():
        storage.check_file(path, streams=False)
    are_words = all(isinstance(key, str) for key in trained.keys)
    with storage.writing(path), storage.staging(path) as folder:
        target = folder / "model"
        trained.model.save(target)
        save_vectors(model.wv, target / VECTORS, "npz")
        attributes = {name: getattr(model, name) for name in (*STORED, *model._stored)}
        content = {
            "format": FORMAT,
            "version": VERSION,
            "attributes": attributes,
            "keys": "words" if are_words else "json",
        }
        storage.write_manifest(target / MANIFEST, content)
        storage.put(target, path)


def load(model: Any, path: Path) -> tuple[KeyedVectors, Trained]:
    """Read a model directory into a new object without a vocabulary. Return the vectors and the trained model.

    Raise InputError if the directory is missing (MissingFileError), damaged or not a Word2Vec. If ``path`` is a file of
    vectors, the error is also an AttributeError.
    """
    if not path.exists():
        raise MissingFileError(f"{path}: no such model; check its name")
    if path.is_file():
        KeyedVectors.load(path)  # raises the error for gensim's pickles, and for files without vectors
        raise WrongPlaceError(f"{path}: holds only vectors, which cannot be trained further: use KeyedVectors.load")
    if not (path / MANIFEST).is_file():
        raise InputError(f"{path}: is not a directory that Word2Vec.save wrote")
    return storage.read_unreplaced(path, lambda: _load(model, path))


def _load(model: Any, path: Path) -> tuple[KeyedVectors, Trained]:
    manifest = storage.read_manifest(path / MANIFEST, FORMAT, VERSION)
    trained = models.load(path)
    words, vectors = trained.vocabulary.words, model._table.load(path)
    with storage.trusting(path / MANIFEST):
        attributes, are_words = dict(manifest["attributes"]), manifest["keys"] == "words"
    for name, value in attributes.items():
        setattr(model, name, value)
    keys = words if are_words else names.from_json(words)
    return vectors, Trained(keys, trained, settings.recipe(model))

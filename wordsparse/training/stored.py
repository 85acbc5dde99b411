"""What is not given where a run is resumed, or a model trained on, is the run's, or the model's."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from wordsparse.corpus import EncodedCorpus
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import as_paths
from wordsparse.corpus.shards import is_encoded
from wordsparse.corpus.tables import format_of_name, is_frame
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.options import abouts
from wordsparse.training import checkpoints
from wordsparse.training.options import reading_options
from wordsparse.training.run_directory import PREVIOUS, RunDirectory
from wordsparse.words import model_directory as models
from wordsparse.words.model import Model
from wordsparse.words.options import renamed
from wordsparse.words.recipe import Recipe

ROWS = ("format", "column", "group", "order")
"""The options that say how rows are read."""


class Stored(NamedTuple):
    """What a run or a model records of itself: its options, its text's identity, and the other options of its call. A
    finished model's epochs are not among them: they go by the text."""

    options: Mapping[str, Any]
    text: Mapping[str, Any]
    call: Mapping[str, Any]

    @classmethod
    def of_model(cls, model: Model) -> "Stored":
        """Of a finished model."""
        return cls(_without(model.options, "epochs"), model.trained().text, model.call)

    @classmethod
    def at(cls, output: Path) -> "Stored | None":
        """Of the interrupted run for an output, or else of its model; None if there is neither."""
        directory = RunDirectory(output)
        for path in (each / checkpoints.MANIFEST for each in directory.checkpoints()):
            with suppress(InputError), storage.trusting(path):  # which the run will name
                manifest = storage.read_manifest(path, checkpoints.FORMAT, checkpoints.VERSION)
                request = manifest["request"]
                # Its call says how the text is read; the request of an older version has none.
                return cls._of(path, {**request, "text": {}} if "call" in request else {**request, "call": {}})
        for path in (each / models.MANIFEST for each in (directory.path / PREVIOUS, output) if models.is_model(each)):
            manifest = storage.read_manifest(path, models.FORMAT, models.VERSION)
            stored = cls._of(path, {"call": {}, **manifest, **(manifest.get("training") or {"text": {}})})
            return stored._replace(options=_without(stored.options, "epochs"))
        return None

    @classmethod
    def _of(cls, path: Path, content: Mapping[str, Any]) -> "Stored":
        with storage.trusting(path):
            return cls(content["options"], content["text"], content["call"])

    def completed(self, corpus: Any, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The corpus, which may have been begun to be read, and all options, for those that are given."""
        kept = renamed(self.options)
        if given.get("loss") is not None or given.get("recipe") is not None:
            kept = _without(kept, "loss", "recipe")
        elif kept.get("recipe") is not None:
            kept["recipe"] = Recipe.from_dict(kept["recipe"])
        if given.get("preset") in (None, preset := self.options.get("preset", "text")):
            corpus, reading = self._reading(corpus, reading_options(preset))
            kept |= reading
        return corpus, {**given, **{name: value for name, value in kept.items() if given.get(name) is None}}

    def _reading(self, corpus: Any, kind: type) -> tuple[Any, dict[str, Any]]:
        """How a text is read; nothing of a text that is encoded already, which knows it."""
        call = {name: self.call[name] for name in abouts(kind) if name in self.call}
        if kind is not TextOptions:
            return corpus, call
        only = corpus[0] if isinstance(corpus, list | tuple) and len(corpus) == 1 else corpus
        if isinstance(only, EncodedCorpus) or hasattr(only, "passes"):
            return corpus, {}
        if isinstance(only, str | PathLike) and is_encoded(only):
            return corpus, {}
        counts = {name: self.text[name] for name in ("min_count", "max_vocab") if name in self.text}
        kept = {**call, **counts, **(self.text.get("tokenization") or {})}
        if is_frame(corpus):
            return corpus, _without(kept, "format")
        if (paths := as_paths(corpus)) is not None:
            are_rows = all(format_of_name(Path(path)) for path in paths) or [*map(str, paths)] == call.get("corpus")
            return corpus, kept if are_rows else _without(kept, *ROWS)
        first, corpus = _begun(corpus)
        if isinstance(first, Mapping):
            return corpus, _without(kept, "format")
        return corpus, _without(kept, *ROWS, *([] if isinstance(first, str) else ["tokens"]))


def _without(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


def _begun(items: Any) -> tuple[Any, Any]:
    """The first item of an iterable, and the iterable."""
    iterator: Iterator[Any] = iter(items)
    first = next(iterator, None)
    return first, items if first is None or iterator is not items else itertools.chain([first], iterator)

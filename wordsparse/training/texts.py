"""The text to train on, encoded already or not."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse.corpus import END_OF_SENTENCE, EncodedCorpus, encode
from wordsparse.corpus.reading import as_paths
from wordsparse.corpus.shards import is_encoded
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.options import changed
from wordsparse.training.options import reading_options
from wordsparse.words import presets
from wordsparse.words.options import Options
from wordsparse.words.source import Source
from wordsparse.words.text_source import TextSource


@dataclass(frozen=True)
class TrainingText:
    """A text to train on, and the options for its encoding if it is not encoded already.

    ``corpus`` is a path, a sequence of paths, an EncodedCorpus, an iterable of token lists, a Source, or what the
    source that ``preset`` names takes, with its ``options``; the minimum count depends on the ``preset`` where it is
    not given.
    """

    corpus: Any
    options: Any
    threads: int | None = None
    preset: str = "text"

    @classmethod
    def of(cls, corpus: Any, options: Options, given: Mapping[str, Any]) -> "TrainingText":
        """The text of a run with ``options``, read as those that are ``given`` say."""
        kind = reading_options(options.preset)
        reading = kind(**{field.name: given[field.name] for field in fields(kind) if field.name in given})
        return cls(corpus, reading, options.threads, options.preset)

    @property
    def paths(self) -> Sequence[str | PathLike[str]] | None:
        """The names of the files or directories; None where the text is an iterable."""
        return as_paths(self.corpus) if isinstance(self.corpus, str | PathLike | list | tuple) else None

    def as_dict(self) -> dict[str, Any]:
        """What is given, as JSON and TOML can hold it; the corpus only where it is files."""
        corpus = {} if self.paths is None else {"corpus": [os.fspath(path) for path in self.paths]}
        return {**changed(self.options), **corpus}

    def opened(self) -> Source | None:
        """The source, if it is not text that has yet to be encoded; else None. InputError as :meth:`encoded`."""
        if (kind := presets.source_kind(self.preset)) is not None:
            made: Source = kind(self.corpus, self.options)
            return made
        if hasattr(self.corpus, "passes"):
            if given := ", ".join(changed(self.options)):
                raise InputError(f"{given}: says how text is read, and the corpus is a Source: leave it out")
            source: Source = self.corpus
            return source
        corpus = self.encoded()
        return None if corpus is None else TextSource(corpus)

    def encoded(self) -> EncodedCorpus | None:
        """The corpus if it is already encoded, else None. InputError if it is damaged, or was encoded with other
        options than the given ones."""
        paths, corpus = self.paths or (), self.corpus
        if len(paths) == 1 and is_encoded(paths[0]):
            corpus = EncodedCorpus.open(Path(paths[0]))
        if not isinstance(corpus, EncodedCorpus):
            return None
        fixed = {"min_count": corpus.min_count, "max_vocab": corpus.max_vocab}
        fixed |= corpus.tokenization or {}
        for name, value in changed(self.options).items():
            if value != fixed.get(name):
                was = f"is already encoded: {name} applies to text only"
                if name in fixed:
                    was = f"was encoded with {name} {fixed[name]}, not {value}"
                raise InputError(f"{corpus.path} {was}: encode the text again, or leave {name} out")
        return corpus

    def encode(
        self, path: Path, known: Collection[str] = (), progress: Callable[[int], None] | None = None
    ) -> EncodedCorpus:
        """Encode it at ``path``; the ``known`` words are in the vocabulary whatever their count."""
        given = {"min_count": presets.preset(self.preset).min_count, **changed(self.options)}
        encoded = encode(self.corpus, path, **given, known=known, progress=progress, threads=self.threads)
        if self.preset == "walks" and _are_pairs(encoded):
            raise InputError(
                "every line has two words, the first one too: edges are no walks; --for (preset) names sources that "
                "walk on them"
            )
        return encoded


def _are_pairs(corpus: EncodedCorpus) -> bool:
    """Whether all sentences have two tokens, by their number and the first ones."""
    first = corpus.shards[0][: 3 * 1000]
    return corpus.tokens == 2 * corpus.sentences and bool((first[2::3] == END_OF_SENTENCE).all())


@contextmanager
def encoded(
    text: TrainingText,
    known: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    place: Path | None = None,
) -> Iterator[Source]:
    """The source: opened if it is already encoded, else encoded into a temporary directory, beside ``place`` if it is
    given."""
    if (ready := text.opened()) is not None:
        yield ready
        return
    with storage.staging(place or Path(tempfile.gettempdir()) / "wordsparse-corpus", mode=0o700) as temporary:
        yield TextSource(text.encode(temporary / "encoded", known, progress))

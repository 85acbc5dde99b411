"""The text to train on, encoded already or not, and the check that it is still the same text."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from wordsparse import validation
from wordsparse.corpus import EncodedCorpus, Vocabulary
from wordsparse.corpus.shards import is_encoded
from wordsparse.corpus.sources import find_files
from wordsparse.distributed.encoding import encode
from wordsparse.distributed.ranks import ONE, Ranks, gather_json, on_first, together
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.words import presets

SOURCE_FORMAT, SOURCE_VERSION = "wordsparse-source", 1

# The options that determine the encoded text.
_OPTIONS = ("format", "column", "tokens", "phrases", "phrase_threshold", "min_count", "max_vocab")


@dataclass(frozen=True)
class TrainingText:
    """A text to train on, and the options for its encoding if it is not encoded already.

    ``corpus`` is a path, a sequence of paths, an EncodedCorpus or an iterable of token lists; the other fields are
    options of :func:`wordsparse.corpus.encode`, None for their defaults; that of min_count depends on the ``preset``.
    """

    corpus: Any
    format: str | None = None
    min_count: int | None = None
    max_vocab: int | None = None
    max_expansion: float | None = None
    threads: int | None = None
    preset: str = "text"
    column: str | None = None
    tokens: str | None = None
    phrases: int | None = None
    phrase_threshold: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, validation.plain(getattr(self, field.name)))

    def as_dict(self) -> dict[str, Any]:
        """The fields that are given, as JSON and TOML can hold them; the corpus only where it is files."""
        given = {name: getattr(self, name) for name in (*_OPTIONS, "max_expansion")}
        paths = [self.corpus] if isinstance(self.corpus, (str, PathLike)) else self.corpus
        if isinstance(paths, (list, tuple)) and all(isinstance(path, (str, PathLike)) for path in paths):
            given["corpus"] = [os.fspath(path) for path in paths]
        return {name: value for name, value in given.items() if value is not None}

    def encoded(self) -> EncodedCorpus | None:
        """The corpus if it is already encoded, else None.

        Raises
        ------
        InputError
            If it is damaged, or was encoded with other options than the given ones.
        """
        corpus = self.corpus
        if isinstance(corpus, (list, tuple)) and len(corpus) == 1 and isinstance(corpus[0], (str, PathLike)):
            corpus = corpus[0]
        if isinstance(corpus, (str, PathLike)) and is_encoded(corpus):
            corpus = EncodedCorpus.open(Path(corpus))
        if not isinstance(corpus, EncodedCorpus):
            return None
        for name in ("format", "column"):
            if (asked := getattr(self, name)) is not None:
                raise InputError(
                    f"{corpus.path} is already encoded: {name} applies to text only: leave it out ({asked} was given)"
                )
        for name in ("min_count", "max_vocab"):
            asked, fixed = getattr(self, name), getattr(corpus, name)
            if asked is not None and asked != fixed:
                raise InputError(f"{corpus.path} was encoded with {name} {fixed}, not {asked}: encode the text again")
        known = {"phrases": 0, **(corpus.tokenization or {})}
        for name in ("tokens", "phrases", "phrase_threshold"):
            asked, fixed = getattr(self, name), known.get(name)
            if asked is not None and asked != fixed:
                raise InputError(f"{corpus.path} was encoded with {name} {fixed}, not {asked}: encode the text again")
        return corpus

    def encode(
        self,
        path: Path,
        known: Collection[str] = (),
        progress: Callable[[int], None] | None = None,
        ranks: Ranks = ONE,
    ) -> EncodedCorpus:
        """Encode it at ``path``; the ``known`` words are in the vocabulary whatever their count; collective."""
        asked = {name: getattr(self, name) for name in (*_OPTIONS, "max_expansion")}
        given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        given.setdefault("min_count", presets.preset(self.preset).min_count)
        return encode(ranks, self.corpus, path, known=known, progress=progress, threads=self.threads, **given)

    def source(self) -> dict[str, Any] | None:
        """Names, sizes, times and inodes of the text's files, which tell a changed text; None without files."""
        paths = [self.corpus] if isinstance(self.corpus, (str, PathLike)) else self.corpus
        if not isinstance(paths, (list, tuple)) or not all(isinstance(path, (str, PathLike)) for path in paths):
            return None
        stats = [(os.path.abspath(path), path.stat()) for path in find_files(paths, quiet=True)]
        files = [[name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino] for name, found in stats]
        options = {name: getattr(self, name) for name in _OPTIONS}
        return {"files": files, **options} | ({} if self.preset == "text" else {"preset": self.preset})


@contextmanager
def encoded(
    text: TrainingText, known: Collection[str] = (), progress: Callable[[int], None] | None = None
) -> Iterator[EncodedCorpus]:
    """The encoded corpus: opened if it is already encoded, else encoded into a temporary directory."""
    if (ready := text.encoded()) is not None:
        yield ready
        return
    with storage.staging(Path(tempfile.gettempdir()) / "wordsparse-corpus", mode=0o700) as temporary:
        yield text.encode(temporary / "encoded", known, progress)


def encoded_once(
    text: TrainingText,
    path: Path,
    source: Path,
    known: Vocabulary | None,
    progress: Callable[[int], None] | None = None,
    ranks: Ranks = ONE,
) -> EncodedCorpus:
    """The encoded corpus: opened if it is already encoded or if ``path`` holds it, else encoded at ``path``.

    Collective. The file ``source`` identifies the text at ``path``; it is written last and removed first.
    """
    if (ready := together(ranks, text.encoded)) is not None:
        return ready
    words = [] if known is None else known.words
    about = gather_json(ranks, together(ranks, text.source))[0]
    if about is not None:
        about["known"] = hashlib.sha256("\0".join(words).encode()).hexdigest()
        held = together(ranks, lambda: _held(path, source, about))
        if all(gather_json(ranks, held is not None)):
            return held  # type: ignore[return-value]

    def clear() -> None:
        source.unlink(missing_ok=True)
        storage.remove_directory(path)

    on_first(ranks, clear)
    corpus = text.encode(path, words, progress, ranks)
    if about is not None:
        told = {"format": SOURCE_FORMAT, "version": SOURCE_VERSION, "text": about}
        on_first(ranks, lambda: storage.write_manifest(source, told))
    return corpus


def _held(path: Path, source: Path, about: Mapping[str, Any]) -> EncodedCorpus | None:
    """The corpus at ``path`` if it is that text; a damaged one is encoded again."""
    if source.is_file() and path.is_dir():
        with contextlib.suppress(InputError):
            if storage.read_manifest(source, SOURCE_FORMAT, SOURCE_VERSION).get("text") == about:
                return EncodedCorpus.open(path)
    return None

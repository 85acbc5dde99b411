"""Text to an encoded corpus in one pass: ids in order of first appearance, renumbered at the end."""

import hashlib
import os
from array import array
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus.reading import Piece, Source, pieces
from wordsparse.corpus.shard import END_OF_SENTENCE, OUT_OF_VOCABULARY, SHARD_DTYPE
from wordsparse.corpus.shards import (
    BLOCK_BYTES,
    SHARD_TOKENS,
    VOCABULARY,
    EncodedCorpus,
    FileRecord,
    shard_name,
    write_corpus_manifest,
)
from wordsparse.corpus.vocabulary import Vocabulary, check_limits, check_word
from wordsparse.errors import InputError
from wordsparse.files.storage import new_directory, writing
from wordsparse.files.unpacking import MAX_EXPANSION

BLOCK_VALUES = 2**20


def encode(
    source: Source,
    output: str | os.PathLike[str],
    *,
    format: str = "lines",
    min_count: int = 5,
    max_vocab: int | None = None,
    known: Collection[str] = (),
    max_expansion: float = MAX_EXPANSION,
    progress: Callable[[int], object] | None = None,
) -> EncodedCorpus:
    """Read a text once and write it as an encoded corpus.

    Memory: every distinct word with its count, and one block of the text.

    Parameters
    ----------
    source : path, list of paths, or iterable of token iterables
        See :func:`wordsparse.corpus.reading.sentences`; a one-shot iterator serves.
    output : path
        The directory to make. It may exist if it is empty. Nothing is there until all of it is.
    format : {"lines", "text8", "paths", "wiki"}
        How files are read.
    min_count, max_vocab : int
        The vocabulary: words that occur at least so often, and at most so many of them.
    known : collection of str
        Words that are in the vocabulary besides, if they occur at all.
    max_expansion : float
        A compressed file that unpacks to more than so many times its size, and to more than 64 MiB, is refused.
    progress : callable, optional
        Called now and then with the number of tokens read so far.

    Raises
    ------
    InputError
        If an option, the text or the output is not usable, or the vocabulary comes out empty.
    WordsparseError
        If writing fails. After either nothing is left behind.
    """
    check_limits(min_count, max_vocab)
    stream, target = pieces(source, format, max_expansion=max_expansion), Path(output)
    with new_directory(target) as folder:
        draft = _Draft(folder, target)
        _read(stream, draft, progress or (lambda tokens: None))
        counts = dict(zip(draft.ids, draft.counts.tolist(), strict=True))
        vocabulary = Vocabulary.from_counts(counts, min_count, max_vocab, known)
        renumbering = draft.renumbering(vocabulary)
        with writing(target):
            shards = [_renumber(folder, shard_name(i), renumbering) for i in range(draft.shards)]
        vocabulary.save(folder / VOCABULARY)
        write_corpus_manifest(
            folder,
            shards,
            tokens=draft.tokens,
            sentences=draft.sentences,
            distinct_words=len(counts),
            min_count=min_count,
            max_vocab=max_vocab,
        )
    return EncodedCorpus.open(target)


class _FirstSeen(dict[str, int]):
    """A word's number in order of first appearance, given when it is first asked for."""

    def __missing__(self, word: str) -> int:
        check_word(word)
        number = self[word] = len(self)
        return number


class _Draft:
    """The text as first-seen ids in numbered shards under ``folder``, and what is counted on the way."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.ids = _FirstSeen()
        self.counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self.sentences = 0
        self._folder, self._output = folder, output
        self._closed_shards = self._shard_values = 0

    @property
    def tokens(self) -> int:
        return int(self.counts.sum())

    @property
    def shards(self) -> int:
        return self._closed_shards + (self._shard_values > 0)

    @property
    def room(self) -> int:
        """After how many more values :meth:`write` wants to be called."""
        return min(BLOCK_VALUES, max(1, SHARD_TOKENS - self._shard_values))

    def write(self, buffer: "array[int]", at_sentence_end: bool) -> None:
        """Append the values, first-seen ids and END_OF_SENTENCE, to the current shard."""
        values = np.frombuffer(buffer, np.intc)
        with writing(self._output), open(self._folder / shard_name(self._closed_shards), "ab") as file:
            file.write(values.astype(SHARD_DTYPE, copy=False).tobytes())
        words = values[values >= 0]
        counts = np.bincount(words, minlength=len(self.ids)).astype(np.int64, copy=False)
        counts[: self.counts.size] += self.counts
        self.counts = counts
        self.sentences += values.size - words.size
        self._shard_values += values.size
        if at_sentence_end and self._shard_values >= SHARD_TOKENS:
            self._closed_shards, self._shard_values = self._closed_shards + 1, 0

    def renumbering(self, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """The table from first-seen ids to the vocabulary's, shape (distinct words + 2,).

        Its end is read through negative numbers: END_OF_SENTENCE, −2, finds itself there.
        """
        table = np.full(len(self.ids) + 2, OUT_OF_VOCABULARY, SHARD_DTYPE)
        first_seen = [self.ids[word] for word in vocabulary.words]
        table[first_seen] = np.arange(len(vocabulary), dtype=SHARD_DTYPE)
        table[END_OF_SENTENCE] = END_OF_SENTENCE
        return table


def _read(stream: Iterator[Piece], draft: _Draft, progress: Callable[[int], object]) -> None:
    buffer, number_of, in_sentence = array("i"), draft.ids.__getitem__, False
    for tokens, ends_sentence in stream:
        before = len(buffer)
        try:
            buffer.extend(map(number_of, tokens))
        except TypeError as error:
            raise InputError(f"a sentence must be an iterable of str tokens: {error}") from error
        in_sentence = in_sentence or len(buffer) > before
        if ends_sentence and in_sentence:
            buffer.append(END_OF_SENTENCE)
            in_sentence = False
        if len(buffer) >= draft.room:
            draft.write(buffer, at_sentence_end=not in_sentence)
            buffer = array("i")
            progress(draft.tokens)
    if buffer:
        draft.write(buffer, at_sentence_end=True)
        progress(draft.tokens)


def _renumber(folder: Path, name: str, table: NDArray[np.int32]) -> FileRecord:
    """Pass the values of a shard through ``table``, in place: it is still under its temporary directory."""
    digest, size = hashlib.sha256(), 0
    with open(folder / name, "r+b") as file:
        while block := file.read(BLOCK_BYTES):
            renumbered = table[np.frombuffer(block, SHARD_DTYPE)].tobytes()
            file.seek(size)
            file.write(renumbered)
            digest.update(renumbered)
            size += len(block)
        file.flush()
        os.fsync(file.fileno())
    return FileRecord(name, size, digest.hexdigest())

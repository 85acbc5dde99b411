"""Encodes a text in one pass: ids in order of first occurrence, renumbered by frequency at the end."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wordsparse import validation
from wordsparse.corpus._text import WordTable
from wordsparse.corpus.draft import Draft
from wordsparse.corpus.reading import (
    FORMATS,
    Piece,
    Source,
    check_some_tokens,
    decoded,
    pieces,
    text_blocks,
    text_files,
)
from wordsparse.corpus.shard import END_OF_SENTENCE, OUT_OF_VOCABULARY, Recent, Shard
from wordsparse.corpus.shards import VOCABULARY, EncodedCorpus, write_corpus_manifest
from wordsparse.corpus.vocabulary import Vocabulary, check_limits, check_word
from wordsparse.errors import InputError
from wordsparse.files.storage import new_directory
from wordsparse.files.unpacking import MAX_EXPANSION
from wordsparse.machine.threads import ordered_map, resolve_threads

Ids: TypeAlias = NDArray[np.int32]
Progress: TypeAlias = Callable[[int], object]

BLOCK_VALUES = 2**20


def encode(
    source: Source,
    output: str | os.PathLike[str],
    *,
    format: str | None = None,
    min_count: int = 5,
    max_vocab: int | None = None,
    known: Collection[str] = (),
    max_expansion: float = MAX_EXPANSION,
    progress: Progress | None = None,
    threads: int | None = None,
) -> EncodedCorpus:
    """Read a text once and write it as an encoded corpus.

    Memory: for each thread, the distinct words that it has read, with their counts, and a few blocks of the text.

    Parameters
    ----------
    source : path, list of paths, or iterable of token iterables
        See :func:`wordsparse.corpus.reading.sentences`; a one-shot iterator is accepted.
    output : path
        The directory of the corpus: a new or an empty one. It appears only when it is complete.
    format : {"lines", "text8", "paths", "wiki"}, optional
        The format of the files; ``lines`` by default.
    min_count, max_vocab : int
        The minimum count of a word in the vocabulary, and the maximum number of words.
    known : collection of str
        Words that are in the vocabulary whatever their count, if they occur at all.
    max_expansion : float
        The maximum ratio of unpacked to compressed size; a file above it and above 64 MiB unpacked is refused.
    progress : callable, optional
        Called at intervals with the number of tokens read so far.
    threads : int, optional
        The number of reading threads; by default, the number of available CPUs. The result does not depend on it. One
        thread reads an iterable or a Wikipedia dump.

    Raises
    ------
    InputError
        If an option, the text or the output is not usable, or if the vocabulary is empty.
    WordsparseError
        If writing fails. After either error, nothing is left behind.
    """
    check_limits(min_count, max_vocab)
    validation.non_negative("max_expansion", max_expansion)
    threads = resolve_threads(threads)
    files, target = text_files(source, format), Path(output)
    with new_directory(target) as folder:
        draft, progress = Draft(folder, target), progress or (lambda tokens: None)
        lines = FORMATS[format or "lines"].lines
        if files is None or lines is None:
            stream = pieces(source if files is None else files, format, max_expansion=max_expansion)
            tables = _read_pieces(stream, draft, progress)
        else:
            tables = _read_files(files, max_expansion, lines, draft, threads, progress)
        merged = [tables[0].absorb(other) for other in tables[1:]]
        # Rare words are not converted to Python strings, unless all words are rare: the error needs their counts.
        counts = tables[0].counts(1 if known else min_count) or tables[0].counts(1)
        vocabulary = Vocabulary.from_counts(counts, min_count, max_vocab, known)
        written = draft.renumbered(_renumbering(vocabulary, tables, merged), threads)
        vocabulary.save(folder / VOCABULARY)
        about: dict[str, Any] = {
            "tokens": draft.tokens,
            "sentences": draft.sentences,
            "distinct_words": len(tables[0]),
            "min_count": min_count,
            "max_vocab": max_vocab,
        }
        digest = write_corpus_manifest(folder, [shard.file for shard in written], **about)
    recent = Recent()
    shards = [Shard(target / shard.file.name, shard.content, recent) for shard in written]
    return EncodedCorpus(target, vocabulary, **about, shards=shards, sha256=digest)


class _Block(NamedTuple):
    """A part of a file that ends at white space; ``data`` is None after the last block of a file."""

    file: Path
    position: int
    data: bytes | None


class _Numbered(NamedTuple):
    """A block's values, and the index of the table whose ids they are."""

    block: _Block
    values: Ids
    table: int


def _read_files(
    files: Sequence[Path], max_expansion: float, lines: bool, draft: Draft, threads: int, progress: Progress
) -> list[WordTable]:
    """Read files of tokens separated by white space on all threads; each block is numbered by a free table.

    The end of a file ends a sentence; with ``lines``, so does the end of a line.
    """
    tables = [WordTable() for _ in range(threads)]
    free = list(range(threads))

    def number(block: _Block) -> _Numbered:
        table = free.pop()
        try:
            valid = block.data is None or tables[table].scan(block.data, lines)
            values = tables[table].take()
        finally:
            free.append(table)
        if not valid:
            decoded(block.file, block.position, block.data or b"")  # raises the error that names the position
            raise AssertionError(f"{block.file}: Python's decoder accepts bytes that the compiled reader refuses")
        return _Numbered(block, values, table)

    before, without = 0, []
    for block, values, table in ordered_map(number, _blocks(files, max_expansion), threads):
        if block.data is not None:
            draft.write(values, table)
            progress(draft.tokens)
            continue
        draft.end_sentence()
        if draft.tokens == before:
            without.append(block.file)
        before = draft.tokens
    check_some_tokens(files, without)
    return tables


def _blocks(files: Sequence[Path], max_expansion: float) -> Iterator[_Block]:
    for file in files:
        for position, data in text_blocks(file, max_expansion):
            yield _Block(file, position, data)
        yield _Block(file, 0, None)


def _read_pieces(stream: Iterator[Piece], draft: Draft, progress: Progress) -> list[WordTable]:
    """Read sentences given as Python strings."""
    table = WordTable()
    for tokens, ends_sentence in stream:
        try:
            table.add(tokens)
        except UnicodeEncodeError as error:
            check_word(error.object)
            raise
        except TypeError as error:
            raise InputError(f"a sentence must be an iterable of str tokens: {error}") from error
        if ends_sentence:
            table.end_sentence()
        if table.waiting >= BLOCK_VALUES:
            draft.write(table.take(), 0)
            progress(draft.tokens)
    draft.write(table.take(), 0)
    draft.end_sentence()
    progress(draft.tokens)
    return [table]


def _renumbering(vocabulary: Vocabulary, tables: Sequence[WordTable], merged: Sequence[Ids]) -> list[Ids]:
    """For each table, the map from its ids to the vocabulary's ids.

    Two more entries at the end, which negative values index, map END_OF_SENTENCE to itself. ``merged`` maps the ids of
    every table but the first to ids of the first.
    """
    table = np.full(len(tables[0]) + 2, OUT_OF_VOCABULARY, np.int32)
    table[tables[0].ids(vocabulary.words)] = np.arange(len(vocabulary), dtype=np.int32)
    table[END_OF_SENTENCE] = END_OF_SENTENCE
    specials = np.arange(-2, 0, dtype=np.int32)
    return [table, *(table[np.append(ids, specials)] for ids in merged)]

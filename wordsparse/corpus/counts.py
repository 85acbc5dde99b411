"""Counted pairs as an encoded corpus: pairs of a word and a context with their weights, in random order.

Training takes them as it takes tokens, minibatch by minibatch. One step for a pair of a large count would be a large
step for its two words, and none for the rest of the pass, so its count is cut into pieces, which lie anywhere in the
order: a minibatch is then a sample of the table, as a stretch of text is of the text.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordsparse.corpus.count_tables import Block
from wordsparse.corpus.options import EncodeOptions
from wordsparse.corpus.shards import VOCABULARY, EncodedCorpus, FileRecord, shard_name, write_corpus_manifest
from wordsparse.corpus.vocabulary import Vocabulary, check_limits
from wordsparse.errors import InputError
from wordsparse.files.regular import sha256_of
from wordsparse.files.storage import new_directory, writing
from wordsparse.types import Array

# A count is cut into pieces of about so many times the mean count, or into smaller ones where the table has few pairs,
# down to this size or until there are so many pieces; and into at most so many.
PIECE, SMALLEST, ENOUGH, MAX_PIECES = 1.5, 3.0, 1_000_000, 256
# So many pieces stand for a token where the recipe counts tokens: what a text of ten million tokens and its table have.
PIECES_PER_TOKEN = 3.13
# Pieces that are put in order at a time.
SHUFFLED = 2**23
# Pieces that are sorted again, many fewer than a minibatch's: its rows are then written in order.
SORTED = 2**15
PIECE_DTYPE = np.dtype([("word", "<i4"), ("context", "<i4"), ("weight", "<f4")])


class _Table(NamedTuple):
    """The pairs of a table with provisional ids, on disk, and the words by these ids with the sums of their pairs."""

    path: Path
    sums: dict[str, float]
    pairs: int

    def pieces_of(self, counts: Array) -> Array:
        """How many pieces each count is cut into."""
        total = sum(self.sums.values())
        piece = min(PIECE * total / self.pairs, max(SMALLEST, total / ENOUGH))
        return np.clip(np.ceil(counts / piece), 1, MAX_PIECES).astype(np.int64)


def encode_counts(tables: Iterator[Block], target: Path, asked: EncodeOptions) -> EncodedCorpus:
    """Write the pairs of tables, block by block, as an encoded corpus; see :func:`wordsparse.encode`.

    Memory: the words of the table, and ``SHUFFLED`` pieces.
    """
    min_count = asked.min_count or 1
    check_limits(min_count, asked.max_vocab)
    for name in ("tokens", "phrases", "phrase_threshold"):
        if getattr(asked, name) is not None:
            raise InputError(f"{name} applies to text: leave it out, the words of counted pairs are as they are")
    with new_directory(target) as folder, writing(target):
        table = _read(tables, folder / "table", asked)
        # A word's count is the sum of its pairs.
        rounded = {word: max(1, round(total)) for word, total in table.sums.items()}
        vocabulary = Vocabulary.from_counts(rounded, min_count, asked.max_vocab, asked.known)
        ids = np.array([-1 if (i := vocabulary.get(word)) is None else i for word in table.sums], np.int32)
        pieces = _shuffle(folder, table, ids)
        table.path.unlink()
        vocabulary.save(folder / VOCABULARY)
        about: dict[str, Any] = {
            "tokens": max(1, round(pieces / PIECES_PER_TOKEN)),
            "sentences": pieces,
            "distinct_words": len(table.sums),
            "min_count": min_count,
            "max_vocab": asked.max_vocab,
            "tokenization": None,
        }
        shard = folder / shard_name(0)
        record = FileRecord(shard.name, shard.stat().st_size, sha256_of(shard))
        write_corpus_manifest(folder, [record], **about, pairs=True)
    return EncodedCorpus.open(target)


def _read(tables: Iterator[Block], path: Path, asked: EncodeOptions) -> _Table:
    """The table with provisional ids in one file, in the order of its rows."""
    numbers: dict[str, int] = {}
    sums, rows = np.zeros(1024), 0
    with open(path, "wb") as file:
        for block in tables:
            ids = [
                np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int32)[codes]
                for words, codes in (block.words, block.contexts)
            ]
            if len(numbers) > len(sums):
                sums = np.concatenate([sums, np.zeros(2 * len(numbers) - len(sums))])
            sums += np.bincount(ids[0], block.counts, len(sums))
            rows += len(block.counts)
            entries = np.empty(len(block.counts), PIECE_DTYPE)
            entries["word"], entries["context"], entries["weight"] = *ids, block.counts
            file.write(entries.data)
            if asked.progress is not None:
                asked.progress(rows)
    if not rows:
        raise InputError("the tables hold no pair: give counts of pairs of words")
    return _Table(path, dict(zip(numbers, sums.tolist(), strict=False)), rows)


def _shuffle(folder: Path, table: _Table, ids: Array) -> int:
    """Write the pieces of the pairs of known words in random order. Returns how many there are."""
    random, parts = np.random.default_rng(0), -(-(2 * table.pairs + ENOUGH) // SHUFFLED)
    scratch = [folder / f"part-{i}" for i in range(parts)]
    for entries in _entries(table.path, ids):
        sizes = table.pieces_of(entries["weight"])
        entries["weight"] /= sizes
        pieces = np.repeat(entries, sizes)
        chosen = random.integers(parts, size=len(pieces))
        order = np.argsort(chosen, kind="stable")
        ends = np.cumsum(np.bincount(chosen, minlength=parts))
        for path, part in zip(scratch, np.split(pieces[order], ends[:-1]), strict=True):
            with open(path, "ab") as file:
                file.write(part.data)
    written = 0
    with open(folder / shard_name(0), "wb") as file:
        for path in scratch:
            part = np.fromfile(path, PIECE_DTYPE)
            path.unlink()
            random.shuffle(part)
            for start in range(0, len(part), SORTED):
                chunk = part[start : start + SORTED]
                chunk[:] = chunk[np.argsort(chunk["word"].astype(np.int64) << 32 | chunk["context"])]
            written += len(part)
            file.write(part.data)
        file.flush()
        os.fsync(file.fileno())
    if not written:
        raise InputError("no pair has both of its words in the vocabulary: lower min_count")
    return written


def _entries(path: Path, ids: Array) -> Iterator[Array]:
    """The entries of a table whose words are both known, with their ids, a block at a time."""
    with open(path, "rb") as file:
        while len(entries := np.fromfile(file, PIECE_DTYPE, SHUFFLED // 8)):
            for name in ("word", "context"):
                entries[name] = ids[entries[name]]
            yield entries[(entries["word"] >= 0) & (entries["context"] >= 0)]

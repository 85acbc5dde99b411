"""Counted pairs for training: pieces (a word, a context and a weight), in an order that resembles a text.

Training reads pieces like tokens, minibatch by minibatch. If the whole count of a frequent pair were one example, its
words would take one large step and no other step in the pass, so large counts are cut into pieces. In random order,
every minibatch would contain nearly every word, and the cost of a step grows with its number of words. Therefore pieces
are grouped by the rarer word of their pair, like the pairs around an occurrence of that word in a text. A group has the
pairs of a few occurrences, and groups are in random order.
"""

import hashlib
import os
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wordsparse.corpus.reading import Source
from wordsparse.corpus.vocabulary import Vocabulary
from wordsparse.counts.tables import Words, pairs, tables_of
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.regular import descriptor_of, sha256_of
from wordsparse.types import Array

# A count is cut into pieces of about PIECE times the mean count, but at most MAX_PIECES. Small tables are cut into
# smaller pieces, down to SMALLEST, to get about ENOUGH pieces.
PIECE, SMALLEST, ENOUGH, MAX_PIECES = 1.5, 3.0, 1_000_000, 256
# The approximate weight that one occurrence of a word adds to its pairs, in harmonic windows of 5 to 8 words. A word's
# number of occurrences is estimated from this weight, and decides how much the word's vector relies on contexts rather
# than on spelling.
OCCURRENCE = 5.0
# The number of pieces per token in a text of ten million tokens. This factor converts the lengths in recipes from
# tokens to pieces.
PIECES_PER_TOKEN = 3.13
# The approximate weight of a group, in pieces. Larger groups give rare words large steps (with all pairs of a word in a
# group, training diverged). Smaller groups put more distinct words into a minibatch.
GROUP = 3.0
# The number of pieces that are sorted at a time.
ORDERED = 2**21
# The number of rows that are cut into pieces at a time.
BLOCK = 2**15
PIECE_BYTES = 12
TABLE, PIECES = "table", "pieces"


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of tables in an open, unlinked file: word, context, and the bits of the weight, all int32.

    ``shape`` is (pieces, 3). ``sha256`` identifies the pieces and the vocabulary; ``distinct_words`` is the number of
    words in the tables.
    """

    file: int
    shape: tuple[int, int]
    vocabulary: Vocabulary
    distinct_words: int
    sha256: str

    def __getitem__(self, pieces: slice) -> Array:
        start, stop, _ = pieces.indices(self.shape[0])
        data = os.pread(self.file, PIECE_BYTES * max(0, stop - start), PIECE_BYTES * start)
        return np.frombuffer(data, np.int32).reshape(-1, 3)


def ordered(tables: Source, min_count: int, max_vocab: int | None) -> Pieces:
    """Return the pieces of tables. Only the words of the tables and some ``ORDERED`` pieces at a time are in memory;
    the pairs and the pieces are on disk, in TMPDIR."""
    place = Path(tempfile.gettempdir()) / "wordsparse-pairs"
    with storage.staging(place, mode=0o700) as folder, storage.writing(place):
        words, sums, shares, pairs = _read(tables, folder / TABLE)
        times = map(int, np.maximum(1, np.rint(sums / OCCURRENCE)))
        vocabulary = Vocabulary.from_counts(dict(zip(words, times, strict=True)), min_count, max_vocab)
        ids = np.array([-1 if (i := vocabulary.get(word)) is None else i for word in words], np.int32)
        piece = float(min(PIECE * sums.sum() / pairs, max(SMALLEST, sums.sum() / ENOUGH)))
        number = _order(folder, -(-(2 * pairs + ENOUGH) // ORDERED), _placed(folder / TABLE, ids, shares, piece))
        vocabulary.save(folder / "vocabulary")
        digests = sha256_of(folder / "vocabulary") + sha256_of(folder / PIECES)
        digest = hashlib.sha256(digests.encode()).hexdigest()
        # The file stays open, so it can be read after its name has been removed.
        pieces = Pieces(descriptor_of(folder / PIECES), (number, 3), vocabulary, len(words), digest)
        weakref.finalize(pieces, os.close, pieces.file)
        return pieces


def _read(tables: Source, path: Path) -> tuple[list[str], Array, Array, int]:
    """Write the pairs of tables, in the order of their rows, as int32: provisional ids of word and context, and the
    bits of the count. Return the words in the order of these ids, two arrays, and the number of pairs. The first array
    sums the counts of each word's pairs in column ``word``; the second is half the sum over both columns.
    """
    known = Words()
    sums, rows = np.zeros((2, 0)), 0
    blocks = (block for table in tables_of(tables) for block in pairs(table, known))
    with open(path, "wb") as file:
        for words, contexts, counts in blocks:
            entries = np.stack([words, contexts, counts.astype(np.float32).view(np.int32)], axis=1)
            if more := len(known.numbers) - sums.shape[1]:
                sums = np.pad(sums, ((0, 0), (0, more)))
            for column, ids in enumerate((words, contexts)):
                sums[column] += np.bincount(ids, counts, sums.shape[1])
            rows += len(entries)
            file.write(entries.data)
    if not rows:
        raise InputError("the tables hold no pair: give counts of pairs of words")
    return list(known.numbers), sums[0], sums.sum(axis=0) / 2, rows


def _order(folder: Path, parts: int, blocks: Iterator[Array]) -> int:
    """Write the pieces, sorted by their first column, and return their number. Use ``parts`` temporary files."""
    scratch = [folder / f"part-{i}" for i in range(parts)]
    bounds = np.arange(1, parts, dtype=np.uint64) * 2**32 // parts
    for placed in blocks:
        ends = np.searchsorted(placed[:, 0].view(np.uint32), bounds)
        for path, part in zip(scratch, np.split(placed, ends), strict=True):
            with open(path, "ab") as file:
                file.write(part.data)
    with open(folder / PIECES, "wb") as file:
        for path in scratch:
            part = np.fromfile(path, np.int32).reshape(-1, 4)
            path.unlink()
            file.write(_by_place(part)[:, 1:].tobytes())
        written = file.tell() // PIECE_BYTES
    if not written:
        raise InputError("no pair has both of its words in the vocabulary: lower min_count")
    return written


def _placed(table: Path, ids: Array, shares: Array, piece: float) -> Iterator[Array]:
    """Yield the pieces of the pairs of known words, one block of the table at a time, sorted by their first column. The
    columns are a random position of the piece's group, the word, the context and the weight."""
    random, groups = np.random.default_rng(0), np.maximum(1, shares / (GROUP * piece))
    with open(table, "rb") as file:
        while len(entries := np.fromfile(file, np.int32, 3 * BLOCK).reshape(-1, 3)):
            words, contexts, counts = entries[:, 0], entries[:, 1], entries[:, 2].view(np.float32)
            known = (ids[words] >= 0) & (ids[contexts] >= 0)
            sizes = np.where(known, np.clip(np.ceil(counts / piece), 1, MAX_PIECES), 0).astype(np.int64)
            rarer = np.repeat(np.where(shares[words] < shares[contexts], words, contexts), sizes)
            pieces = np.empty((len(rarer), 4), np.int32)
            pieces[:, 1], pieces[:, 2] = np.repeat(ids[words], sizes), np.repeat(ids[contexts], sizes)
            pieces[:, 3] = np.repeat((counts / np.maximum(sizes, 1)).astype(np.float32).view(np.int32), sizes)
            group = (random.random(len(rarer)) * groups[rarer]).astype(np.uint64)
            pieces[:, 0] = _mixed(ids[rarer].astype(np.uint64) << np.uint64(32) | group).view(np.int32)
            yield _by_place(pieces)


def _mixed(keys: Array) -> Array:
    """Hash each uint64 key to a uint32, the upper half of the output of SplitMix64."""
    keys = keys * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ keys >> np.uint64(shift)) * np.uint64(factor)
    return (keys >> np.uint64(32)).astype(np.uint32)


def _by_place(pieces: Array) -> Array:
    """Sort pieces by their first column, which holds positions. Pieces at the same position keep their order."""
    keys = pieces[:, 0].view(np.uint32).astype(np.uint64) << np.uint64(32) | np.arange(len(pieces), dtype=np.uint64)
    keys.sort()
    return np.take(pieces, (keys & np.uint64(2**32 - 1)).astype(np.int64), axis=0)

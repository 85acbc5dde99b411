"""The pairs of a text, counted as skip-gram sees them: tables that can be added, and trained from.

A table is kept as sparse matrices, word by context. The matrices of stretches of text are added like the runs of a
merge sort, and what does not fit into memory lies on disk until the end.
"""

import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.corpus import EncodedCorpus, Vocabulary, encode
from wordsparse.corpus.count_tables import COLUMNS, Block, blocks
from wordsparse.corpus.counts import encode_counts
from wordsparse.corpus.options import MIN_COUNT, EncodeOptions, TextOptions
from wordsparse.corpus.reading import COUNTS, RawText, Source
from wordsparse.corpus.shards import is_encoded
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.options import option, taking
from wordsparse.types import Array
from wordsparse.words.examples import Distances, ExampleBuilder, distance_weights

# Tokens that are counted at a time, pairs of a table that are held in memory, and pairs that are written at a time.
STRETCH, HELD, WRITTEN = 2**20, 2**26, 2**21
# Tokens beyond a stretch that its windows see at most, counted as they lie, those outside the vocabulary too.
REACH = 2**16
WINDOW = 8
"""The default window: with the frequent words that training leaves out, it reaches as far as 5 does without them."""


@dataclass(frozen=True, kw_only=True)
class CountOptions(TextOptions):
    """The options of :func:`count`."""

    window: int = option(WINDOW, "Maximum distance of a context word.")
    distances: Distances = option(
        "harmonic",
        "What a pair at distance k counts: 1/k (harmonic), 1 - (k - 1)/window (linear), or 1 (equal).",
        choices=("harmonic", "linear", "equal"),
    )
    min_pair: float = option(0.0, "Minimum count of a pair in the table.", metavar="COUNT")
    threads: int | None = option(None, "Number of threads; the table does not depend on it.", shown="all CPUs")
    progress: Callable[[int], object] | None = option(None, "Called with the number of tokens counted.", cli=None)


@taking(CountOptions)
def count(source: Source | EncodedCorpus, output: str | os.PathLike[str], asked: CountOptions) -> dict[str, Any]:
    """Count the pairs of words of a text, and write them as a Parquet table: word, context, count.

    The table has a row for every ordered pair, word by word. Every token counts: it is training that leaves out a
    share of the frequent ones. So tables of several texts can be added, by this function with ``format="counts"`` or
    by training on all of them. Memory: ``HELD`` pairs; larger tables lie on disk meanwhile. The tokens of rows with
    weights are held too.

    Parameters
    ----------
    source : path, list of paths, EncodedCorpus, or iterable
        A text, as :func:`wordsparse.encode` reads it; with ``format="counts"``, tables to be added.
    output : path
        The file to write.
    {options}

    Returns
    -------
    dict
        ``pairs``, rows of the table; ``total``, the sum of their counts; ``vocab_size``; ``wall_seconds``.

    Raises
    ------
    InputError
        If an option, the text or the output is not usable. Nothing is written then.
    """
    started, target = time.perf_counter(), Path(output)
    optional.check("writing counted pairs", "pyarrow")
    by_distance = distance_weights(validation.positive_int("window", asked.window), asked.distances)
    least = validation.non_negative("min_pair", asked.min_pair)
    storage.check_file(target, streams=False)
    with ExitStack() as stack:
        scratch = stack.enter_context(storage.staging(Path(tempfile.gettempdir()) / "wordsparse-counts", mode=0o700))
        if asked.format == COUNTS:
            words, tables = _added(source, asked, scratch)
        elif asked.weight is not None and not _is_encoded(source):
            words, tables = _weighted(cast("Source", source), asked, by_distance, Tables(scratch))
        else:
            corpus = _encoded(source, asked, scratch)
            corpus.check_is_text()
            words, tables = corpus.vocabulary.words, _of_text(corpus, asked, scratch)
        written: list[tuple[int, float]] = []
        storage.write_files(target, lambda path: written.append(_write(path, words, tables, least)))
    (pairs, total), size = written[0], len(words)
    return {"pairs": pairs, "total": total, "vocab_size": size, "wall_seconds": time.perf_counter() - started}


class Tables:
    """A sum of sparse matrices: some in memory, each at least twice as large as the next one, the others on disk."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._held, self._files = scratch, list[Any](), list[Path]()

    def add(self, table: Any) -> None:
        """Add a CSR matrix, float64, with sorted columns."""
        while self._held and self._held[-1].nnz <= 2 * table.nnz:
            table = _sum(self._held.pop(), table)
        self._held.append(table)
        if sum(held.nnz for held in self._held) > HELD:
            self._spill()

    def rows(self, size: int) -> Iterator[tuple[int, Any]]:
        """The sum, (size, size), some rows at a time with the number of the first."""
        if not self._files:
            yield 0, _sum(*self._held, shape=(size, size))
            return
        if self._held:
            self._spill()
        parts = [tuple(np.load(path / f"{name}.npy", mmap_mode="r") for name in _PARTS) for path in self._files]
        filled = np.zeros(size + 1, np.int64)
        for indptr, _, _ in parts:
            filled[: len(indptr)] += indptr
            filled[len(indptr) :] += indptr[-1]
        start = 0
        while start < size:
            stop = max(start + 1, int(np.searchsorted(filled, filled[start] + WRITTEN, "right")) - 1)
            yield start, _sum(*(_some(part, start, stop, size) for part in parts), shape=(stop - start, size))
            start = stop

    def _spill(self) -> None:
        path = self._scratch / f"table-{len(self._files)}"
        path.mkdir()
        whole = _sum(*self._held)
        for name in _PARTS:
            np.save(path / f"{name}.npy", getattr(whole, name))
        self._files.append(path)
        self._held = []


_PARTS = ("indptr", "indices", "data")


def _some(part: Sequence[Array], start: int, stop: int, size: int) -> Any:
    indptr, indices, data = part
    places = np.asarray(indptr[np.minimum(np.arange(start, stop + 1), len(indptr) - 1)], np.int64)
    entries = slice(places[0], places[-1])
    arrays = np.asarray(data[entries]), np.asarray(indices[entries]), places - places[0]
    return sp.csr_array(arrays, shape=(stop - start, size))


def _sum(*tables: Any, shape: tuple[int, int] | None = None) -> Any:
    """The sum of CSR matrices, the smaller ones filled up with zeros."""
    shape = shape or (max(table.shape[0] for table in tables),) * 2
    total = sp.csr_array(shape)
    for table in tables:
        if table.shape != shape:
            indptr = np.append(table.indptr, np.full(shape[0] - table.shape[0], table.indptr[-1], table.indptr.dtype))
            table = sp.csr_array((table.data, table.indices, indptr), shape=shape)
        total = total + table if total.nnz else table
    return total


def _is_encoded(source: object) -> bool:
    return isinstance(source, EncodedCorpus) or (isinstance(source, str | os.PathLike) and is_encoded(source))


def _encoded(source: Source | EncodedCorpus, asked: CountOptions, scratch: Path) -> EncodedCorpus:
    if isinstance(source, str | os.PathLike) and is_encoded(source):
        source = EncodedCorpus.open(source)
    if isinstance(source, EncodedCorpus):
        if given := ", ".join(asked.given()):
            raise InputError(f"{source.path} is already encoded: {given} applies to text only: leave it out")
        return source
    return encode(source, scratch / "text", threads=asked.threads, **asked.given())


def _of_text(corpus: EncodedCorpus, asked: CountOptions, scratch: Path) -> Tables:
    tables, size = Tables(scratch), len(corpus.vocabulary)
    threads = resolve_threads(asked.threads)
    given: dict[str, Any] = {"window": asked.window, "distances": asked.distances, "sample": 0.0, "seed": 0}
    free = [ExampleBuilder(corpus.vocabulary, **given) for _ in range(threads)]
    stretches = ((shard, start) for shard in corpus.shards for start in range(0, shard.shape[0], STRETCH))

    def counted(stretch: tuple[Any, int]) -> Any:
        shard, start = stretch
        stop = min(shard.shape[0], start + STRETCH)
        ids, builder = shard[start : min(shard.shape[0], stop + REACH)], free.pop()
        try:
            targets = builder.skipgram(ids, 0, stop - start, offset=0, epoch=0).targets
        finally:
            free.append(builder)
        rows, csr = targets.rows, targets.csr
        indptr = np.zeros(size + 1, np.int64)
        indptr[rows + 1] = np.diff(csr.indptr)
        return sp.csr_array(
            (targets.y.astype(np.float64), rows[csr.indices].astype(np.int32), np.cumsum(indptr)), shape=(size, size)
        )

    tokens = 0
    for table in ordered_map(counted, stretches, threads):
        tables.add(table)
        tokens += STRETCH
        if asked.progress is not None:
            asked.progress(min(tokens, corpus.tokens))
    return tables


def encode_weighted(
    source: Source, output: Path, asked: EncodeOptions, window: int, distances: Distances
) -> EncodedCorpus:
    """The pairs of weighted rows, written as an encoded corpus; see :func:`wordsparse.encode`."""
    with storage.staging(Path(tempfile.gettempdir()) / "wordsparse-counts", mode=0o700) as scratch:
        words, tables = _weighted(source, asked, distance_weights(window, distances), Tables(scratch), asked.known)

        def blocks() -> Iterator[Block]:
            for first, table in tables.rows(len(words)):
                entries = table.tocoo()
                for start in range(0, entries.nnz, WRITTEN):
                    part = slice(start, start + WRITTEN)
                    yield Block((words, entries.row[part] + first), (words, entries.col[part]), entries.data[part])

        return encode_counts(blocks(), output, replace(asked, min_count=1, tokens=None))


def _weighted(
    source: Source, asked: TextOptions, by_distance: Array, tables: Tables, known: Collection[str] = ()
) -> tuple[list[str], Tables]:
    """The words of rows that count several times, most frequent first, and their pairs, each by the row's weight."""
    if asked.phrases:
        raise InputError("phrases are found in text without weights: leave out one of phrases and weight")
    numbers: dict[str, int] = {}
    counts, drafts = np.zeros(0), []
    for draft in _drafts(RawText.of(source, asked), str(asked.weight), numbers):
        counts = np.append(counts, np.zeros(len(numbers) - len(counts)))
        counts += np.bincount(draft.ids, draft.weights, len(numbers))
        drafts.append(draft)
    rounded = {word: max(1, round(total)) for word, total in zip(numbers, counts.tolist(), strict=True)}
    vocabulary = Vocabulary.from_counts(rounded, asked.min_count or MIN_COUNT, asked.max_vocab, known)
    id_of = np.array([-1 if (i := vocabulary.get(word)) is None else i for word in numbers], np.int32)
    size = len(vocabulary)
    for draft in drafts:
        ids = id_of[draft.ids]
        ids, rows, weights = (array[ids >= 0] for array in (ids, draft.rows, draft.weights))
        for k, part in enumerate(by_distance, 1):
            near = np.flatnonzero(rows[:-k] == rows[k:])  # rows ascend: so do all tokens between them
            if not near.size:
                break
            table = sp.coo_array((part * weights[near], (ids[near], ids[near + k])), shape=(size, size))
            tables.add((table + table.T).tocsr())
    return vocabulary.words, tables


class _Draft(NamedTuple):
    """Some rows as tokens: provisional ids int32, the number of the row, and its weight."""

    ids: Array
    rows: Array
    weights: Array


def _drafts(text: RawText, column: str, numbers: dict[str, int]) -> Iterator[_Draft]:
    ids: list[int] = []
    sizes: list[int] = []
    weights: list[float] = []

    def draft() -> _Draft:
        rows = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return _Draft(np.array(ids, np.int32), rows, np.array(weights)[rows])

    for name, cell, tokens in text.rows(column):
        ids.extend(numbers.setdefault(token, len(numbers)) for token in tokens)
        sizes.append(len(tokens))
        weights.append(_weight(name, cell))
        if len(ids) >= STRETCH:
            yield draft()
            ids, sizes, weights = [], [], []
    if ids:
        yield draft()


def _weight(name: str, cell: object) -> float:
    try:
        weight = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        weight = float("nan")
    if not 0 < weight < float(np.finfo(np.float32).max):
        raise InputError(f"{name}: its weight is {cell!r:.40}, which is not a positive number")
    return weight


def _added(source: Any, asked: CountOptions, scratch: Path) -> tuple[list[str], Tables]:
    """The words of tables, in the order in which they are first seen, and the sum of the tables."""
    numbers: dict[str, int] = {}
    tables = Tables(scratch)
    for block in blocks(source, asked.max_expansion):
        ids = [
            np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int32)[codes]
            for words, codes in (block.words, block.contexts)
        ]
        tables.add(sp.coo_array((block.counts, tuple(ids)), shape=(len(numbers),) * 2).tocsr())
    return list(numbers), tables


def _write(path: Path, words: Sequence[str], tables: Tables, least: float) -> tuple[int, float]:
    """Write the table; returns its rows and their sum."""
    arrow, parquet = optional.load("writing counted pairs", "pyarrow"), optional.load("writing", "pyarrow.parquet")
    names = arrow.array(words, arrow.string())
    named = arrow.dictionary(arrow.int32(), arrow.string())
    schema = arrow.schema(list(zip(COLUMNS, (named, named, arrow.float64()), strict=True)))
    pairs, total = 0, 0.0
    with parquet.ParquetWriter(path, schema) as writer:
        for first, table in tables.rows(len(words)):
            entries = table.tocoo()
            for start in range(0, entries.nnz, WRITTEN):
                part = slice(start, start + WRITTEN)
                row, column, counts = entries.row[part] + first, entries.col[part], entries.data[part]
                kept = counts >= least
                ids = [arrow.array(codes[kept].astype(np.int32)) for codes in (row, column)]
                columns = [arrow.DictionaryArray.from_arrays(codes, names) for codes in ids]
                writer.write_batch(arrow.record_batch([*columns, arrow.array(counts[kept])], schema=schema))
                pairs += int(kept.sum())
                total += float(counts[kept].sum())
    return pairs, total

"""Tables of the word pairs in a text, counted as for skip-gram. Tables can be added up, and used for training.

Compiled code goes word by word and adds up the contexts at all occurrences of a word, so that each row of the table is
complete and can be written at once. The text and the positions of its words are memory-mapped files, so they need not
fit into memory.
"""

import os
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.sparse as sp

from wordsparse import optional, validation
from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus, Vocabulary
from wordsparse.corpus.encoding import encoded
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.pairs import pair_rows
from wordsparse.corpus.reading import RawText, Source
from wordsparse.corpus.tables import FORMATS
from wordsparse.counts.tables import COLUMNS, LARGEST, Words, pairs, tables_of
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.machine.threads import resolve_threads
from wordsparse.options import abouts, option, refuse_unknown, taking
from wordsparse.types import Array
from wordsparse.words.examples import distance_weights

# The number of tokens that are copied at a time, and of pairs that are written at a time.
COPIED, WRITTEN = 2**20, 2**21
# The smallest weight: float32 holds smaller (subnormal) numbers with fewer digits.
SMALLEST = float(np.finfo(np.float32).tiny)
COUNTS = "counts"
WINDOW = 8
"""The default window. Training skips frequent words, so a window of 5 in training reaches as far as 8 in counting."""


def _refuse(name: str, value: object) -> None:
    raise InputError("pairs of items are counted without weights: leave half_life and fractions of weights out")


@dataclass(frozen=True, kw_only=True)
class CountOptions(TextOptions):
    """The options of :func:`count`."""

    half_life: str | None = option(
        None, "Not available, because pairs of items are counted without weights.", cli=None, check=_refuse
    )

    kind: str = option(
        "text",
        "Kind of data.",
        cli="for",
        choices={"text": "a text", COUNTS: "tables of pairs, to be added up"},
        check=validation.one_of("text", COUNTS),
    )
    window: int = option(
        WINDOW, "Maximum distance of a context word; a word at distance k counts 1/k.", check=validation.positive_int
    )
    columns: str | None = option(
        None,
        "Column names for CSV files without a header, such as ngram,year,n,volumes; needs --weight-column.",
        metavar="NAME,NAME",
    )
    threads: int | None = option(
        None,
        "Number of threads; the table does not depend on it.",
        shown="all CPUs",
        check=validation.positive_int,
    )
    progress: Callable[[int], object] | None = option(None, "Called with the number of pairs written.", cli=None)


@taking(CountOptions, as_said=True)
def count(source: Source | EncodedCorpus, output: str | os.PathLike[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Count the pairs of words of a text, and write them as a Parquet table: word, context, count.

    The table has a row for every ordered pair, word by word. Every token counts; subsampling happens only in training.
    Tables of several texts can therefore be added up, by this function with ``kind="counts"`` or by training on all
    of them. Adding tables takes 24 bytes of memory per pair. Counting a text takes 12 bytes per token on disk, in
    TMPDIR. If the rows of a text have weights, the whole text is also held in memory.

    Parameters
    ----------
    source : path, list of paths, EncodedCorpus, or iterable
        A text, as :func:`wordsparse.encode` reads it, or with ``kind="counts"`` tables to add up.
    output : path
        The file to write, named .parquet or .pq, outside of the directories that are read.
    {options}

    Returns
    -------
    dict
        ``pairs`` (rows of the table), ``total`` (the sum of their counts), ``vocab_size`` and ``wall_seconds``.

    Raises
    ------
    InputError
        If an option, the text or the output cannot be used. After an InputError, nothing has been written.
    """
    refuse_unknown(values, ["source", "output", *abouts(CountOptions)], skip=2)
    values = {name: value for name, value in values.items() if value is not None}
    started, target, options = time.perf_counter(), Path(output), CountOptions(**values)
    optional.load("writing counted pairs", "pyarrow")
    if options.kind == COUNTS and (others := values.keys() - {"kind", "threads", "progress"}):
        raise InputError(
            f"{', '.join(sorted(others))}: for counting a text, not for adding up tables: leave this option out"
        )
    if options.columns is not None and (options.weight_column is None or options.group_by is not None):
        raise InputError(
            "columns applies only to ungrouped rows with weights: name the column of the weight, weight_column"
        )
    if options.phrases is not None and options.weight_column is not None:
        raise InputError("phrases are found in texts without weights: leave phrases or weight (--weight-column) out")
    _check_target(target)
    storage.check_apart(target, source if isinstance(source, list | tuple) else [source])
    with ExitStack() as opening:
        scratch = opening.enter_context(storage.staging(Path(tempfile.gettempdir()) / "wordsparse-counts", mode=0o700))
        if options.kind == COUNTS:
            words, rows = _added(source)
        elif options.weight_column is not None and options.group_by is None:
            words, rows = _weighted(cast("Source", source), options, scratch)
        else:
            text = {name: value for name, value in values.items() if name in abouts(TextOptions)}
            corpus = opening.enter_context(encoded(source, text, threads=options.threads))
            words, rows = _of_text(corpus, options, scratch)
        written: list[tuple[int, float]] = []
        report = options.progress or (lambda _: None)
        storage.write_files(target, lambda path: written.append(_write(path, words, rows, report)))
    (pairs, total), size = written[0], len(words)
    return {"pairs": pairs, "total": total, "vocab_size": size, "wall_seconds": time.perf_counter() - started}


def _check_target(target: Path) -> None:
    storage.check_file(target, streams=False)
    if target.suffix.lower() not in FORMATS["parquet"].suffixes:
        raise InputError(f"{target}: the table is a Parquet file: name it {target.with_suffix('.parquet').name}")


Rows = Iterator[tuple[int, Any]]
"""Blocks of rows of a table: the index of the first row, and the rows as a CSR matrix with int32 indices."""


def _rows(ids: Array, weights: Array, times: Array, options: CountOptions, folder: Path) -> Rows:
    """Yield the contexts of each word in a text. ``ids`` holds the ids of known words, and END_OF_SENTENCE. ``weights``
    is empty, or has a weight for each element of ``ids``. ``times`` is the number of occurrences of each word."""
    by_distance = distance_weights(options.window, "harmonic")
    places, threads = _space(int(times.sum()), folder / "places"), resolve_threads(options.threads)
    return pair_rows(ids, times, np.stack([by_distance] * 2), weights, places, threads)


def _space(size: int, path: Path) -> Array:
    """Return space for positions in a text, (size,) int64, as a memory-mapped file."""
    # Write the file first: if the disk is full when a mapped page is written, the process is killed.
    with storage.writing(path), open(path, "wb") as file:
        for first in range(0, size, COPIED):
            file.write(bytes(8 * min(COPIED, size - first)))
    return np.memmap(path, np.int64, "r+")


def _of_text(corpus: EncodedCorpus, options: CountOptions, folder: Path) -> tuple[list[str], Rows]:
    """Return the words of an encoded text, and the rows of their pairs."""
    if corpus.weights is not None:
        _refuse("half_life", corpus.path)
    words, path = corpus.vocabulary.words, folder / "ids"
    times = np.zeros(len(words), np.int64)
    with storage.writing(path), open(path, "wb") as file:
        for shard in corpus.shards:
            for start in range(0, shard.shape[0], COPIED):
                ids = shard[start : start + COPIED]
                times += np.bincount(ids[ids >= 0], minlength=len(words))
                file.write(ids[ids != OUT_OF_VOCABULARY].data)
    return words, _rows(np.memmap(path, np.int32, "r"), np.empty(0), times, options, folder)


def _weighted(source: Source, options: CountOptions, folder: Path) -> tuple[list[str], Rows]:
    """Return the words of rows with weights, most frequent first, and their pairs. Each pair counts with the weight of
    its row."""
    numbers: dict[str, int] = {}
    ids, weights = array("i"), array("d")
    names = options.columns.split(",") if options.columns else ()
    text = RawText(source, options.format, options.tokens, options.column, names=names)
    for name, (cell,), sentences in text.rows([str(options.weight_column)]):
        for tokens in sentences:
            ids.extend(numbers.setdefault(token, len(numbers)) for token in tokens)
            ids.append(END_OF_SENTENCE)
        weights.extend([_weight(name, cell)] * (len(ids) - len(weights)))
    places, of_token = np.array(ids, np.int32), np.array(weights)
    inside = places >= 0
    counts = np.bincount(places[inside], of_token[inside], len(numbers)).tolist()
    rounded = {word: max(1, round(total)) for word, total in zip(numbers, counts, strict=True)}
    vocabulary = Vocabulary.from_counts(rounded, options.min_count, options.max_vocab)
    # END_OF_SENTENCE is −2, so as an index it selects the second-to-last entry, which is END_OF_SENTENCE.
    id_of = [*map(vocabulary.get, numbers), END_OF_SENTENCE, OUT_OF_VOCABULARY]
    of_text = np.array([OUT_OF_VOCABULARY if i is None else i for i in id_of], np.int32)[places]
    known, times = of_text != OUT_OF_VOCABULARY, np.bincount(of_text[of_text >= 0], minlength=len(vocabulary))
    return vocabulary.words, _rows(of_text[known], of_token[known], times, options, folder)


def _weight(name: str, cell: object) -> float:
    """Return the weight in a cell. Raise InputError unless the weight times distance weights fits float32."""
    weight = validation.finite(f"{name}: its weight", cell)
    if not SMALLEST <= weight < LARGEST:
        raise InputError(f"{name}: its weight must be from {SMALLEST:.3g} to {LARGEST:.3g}, not {weight}")
    return weight


def _added(source: Any) -> tuple[list[str], Rows]:
    """Return the words of tables in order of first appearance, and the sum of the tables."""
    known, total = Words(), sp.csr_array((0, 0))
    for each in tables_of(source):
        if blocks := list(pairs(each, known)):
            words, contexts, counts = map(np.concatenate, zip(*blocks, strict=True))
            table = sp.coo_array((counts, (words, contexts)), shape=(len(known.numbers),) * 2).tocsr()
            total.resize(table.shape)
            total = total + table
    return list(known.numbers), iter([(0, total)])


def _write(path: Path, words: Sequence[str], rows: Rows, report: Callable[[int], object]) -> tuple[int, float]:
    """Write the table, and return its number of rows and the sum of its counts."""
    arrow, parquet = optional.load("writing counted pairs", "pyarrow"), optional.load("writing", "pyarrow.parquet")
    names = arrow.array(words, arrow.string())
    named = arrow.dictionary(arrow.int32(), arrow.string())
    schema = arrow.schema(list(zip(COLUMNS, (named, named, arrow.float32()), strict=True)))
    waiting, written, total = list[Any](), 0, 0.0
    # Parquet statistics are off: computing statistics for the columns of words took longer than all other work.
    with parquet.ParquetWriter(path, schema, write_statistics=False, use_dictionary=list(COLUMNS[:2])) as writer:
        for first, table in rows:
            entries = table.tocoo()
            row, column, counts = entries.row + np.int32(first), entries.col, entries.data
            if counts.size and counts.max() >= LARGEST:
                at = int(counts.argmax())
                pair = f"{words[row[at]]!r:.80} and {words[column[at]]!r:.80}"
                raise InputError(f"the count of {pair} is {counts[at]:.3g}, more than float32 holds: divide all counts")
            columns = [arrow.DictionaryArray.from_arrays(arrow.array(ids), names) for ids in (row, column)]
            columns.append(arrow.array(counts, arrow.float32()))
            waiting.append(arrow.record_batch(columns, schema=schema))
            total += float(counts.sum())
            # Row groups are large, because each row group repeats all words.
            if sum(map(len, waiting)) >= WRITTEN or first + table.shape[0] == len(words):
                together, waiting = arrow.Table.from_batches(waiting, schema), []
                writer.write_table(together, 2 * WRITTEN)
                report(written := written + len(together))
    return written, total

"""Encoding over several ranks: each reads a part of the text, and the result is what one process writes.

The words are dealt out by a hash to ranks that add up their counts; the frequent ones come together as the vocabulary.
Each rank numbers its part by it, in files of its own; then each writes whole shards from these: no file has two
writers. The text and the output are on a file system that all ranks see.
"""

import bisect
import hashlib
import itertools
import os
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse import corpus, validation
from wordsparse.corpus import EncodedCorpus, Vocabulary, shards
from wordsparse.corpus.draft import Draft
from wordsparse.corpus.encoding import Part, Progress, ReadText, complete, read_parts
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import RawText, Source
from wordsparse.corpus.shards import END_OF_SENTENCE, SHARD_DTYPE
from wordsparse.distributed.ranks import Ranks, check_same, gather_json, on_first, together
from wordsparse.files import regular, storage
from wordsparse.files.unpacking import compression_of_name
from wordsparse.machine.threads import resolve_threads
from wordsparse.types import Array

# Bytes of a row of text on its way: MPI counts rows.
ROW_BYTES = 64
# Values of a shard that are read at a time.
BLOCK_VALUES = 2**20
# Bytes of a text that are searched at a time for the end of a line.
BLOCK_BYTES = 2**16
# Blocks of a text that ranks compare before they share it, and the bytes of one: a text of up to 16 MiB whole.
SAMPLES, SAMPLE_BYTES = 256, 2**16


def encode(
    ranks: Ranks,
    source: Source,
    output: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    known: Collection[str] = (),
    **options: Any,
) -> EncodedCorpus:
    """As :func:`wordsparse.encode`, whose options these are, on all ranks; collective.

    Files of text that the compiled reader reads are shared by the ranks, those of ``lines`` by their bytes and others
    file by file. Rank 0 reads any other text alone. ``progress`` hears of this rank's part.

    Raises
    ------
    InputError, WordsparseError
        On all ranks, if the encoding fails on one of them, or their files differ in size or in a sample of blocks.
    """
    given = {"known": known, **options}
    text = together(ranks, lambda: _shared_text(source, options))
    facts = {
        "text": together(ranks, lambda: None if text is None else _signature(text)),
        "output": os.fspath(output),
        "known words": len(known),
    }
    check_same(ranks, {**facts, **{name: str(value) for name, value in options.items()}})
    if text is None:
        on_first(ranks, lambda: corpus.encode(source, output, progress=progress, threads=threads, **given))
    else:
        on_first(ranks, lambda: _text(source, options, quiet=False))  # warns
        _encode(ranks, text, Path(output), progress or (lambda tokens: None), threads, **given)
    return together(ranks, lambda: EncodedCorpus.open(output))


def _shared_text(source: Source, options: Mapping[str, Any]) -> RawText | None:
    """The text, if the ranks can share it."""
    text = _text(source, options, quiet=True)
    regular = text.files is not None and all(file.is_file() for file in text.files)
    whole = validation.whole("phrases", options.get("phrases") or 0) > 0
    return text if regular and text.lines is not None and not whole else None


def _text(source: Source, options: Mapping[str, Any], *, quiet: bool) -> RawText:
    return RawText.of(source, TextOptions(**options), quiet=quiet)


def _signature(text: RawText) -> str:
    """The number of files and bytes of a text, and a digest of sizes and of blocks that are spread over the files."""
    files = text.files or ()
    sizes, digest = [file.stat().st_size for file in files], hashlib.sha256()
    for path, size in zip(files, sizes, strict=True):
        digest.update(size.to_bytes(8, "big"))
        with regular.opened(path) as file:
            for position in range(0, size, max(SAMPLE_BYTES, size // max(1, SAMPLES // len(files)))):
                file.seek(position)
                digest.update(file.read(SAMPLE_BYTES))
    return f"{len(sizes):,} files of {sum(sizes):,} bytes with the digest {digest.hexdigest()[:16]}"


def _encode(
    ranks: Ranks,
    text: RawText,
    output: Path,
    progress: Progress,
    threads: int | None,
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    known: Collection[str] = (),
    **_: Any,
) -> None:
    files, lines = text.files, text.lines
    assert files is not None
    assert lines is not None
    with ExitStack() as stack:
        made: list[str] = []
        on_first(ranks, lambda: made.append(str(stack.enter_context(storage.new_directory(output)))))
        folder = Path(gather_json(ranks, made)[0][0])
        own = folder / f"rank-{ranks.rank}"
        draft, cpus = Draft(own, output), resolve_threads(threads, ranks.beside)

        def read() -> ReadText:
            with storage.writing(output):
                own.mkdir()
            parts = share(files, lines, ranks.rank, ranks.size)
            return read_parts(parts, text.max_expansion, lines, draft, cpus, progress)

        part = together(ranks, read)
        counts, distinct = _counted(ranks, part, min_count, known)
        vocabulary = together(ranks, lambda: Vocabulary.from_counts(counts, min_count, max_vocab, known))
        written = together(ranks, lambda: draft.renumbered(part.maps(vocabulary), cpus))
        sizes = gather_json(ranks, [shard.file.bytes // SHARD_DTYPE.itemsize for shard in written])
        values = _Values(folder, sizes)
        cuts = together(ranks, lambda: values.cuts() if ranks.rank == 0 else [])
        cuts = gather_json(ranks, cuts)[0]
        mine = range(ranks.rank, len(cuts) - 1, ranks.size)
        records = together(ranks, lambda: [vars(values.write(i, cuts[i], cuts[i + 1], output)) for i in mine])
        about = {
            "tokens": int(ranks.sum(np.array(draft.tokens))),
            "sentences": int(ranks.sum(np.array(draft.sentences))),
            "distinct_words": distinct,
            "min_count": validation.plain(min_count),
            "max_vocab": validation.plain(max_vocab),
            "tokenization": shards.tokenization(text.tokens, 0, 0.0),
        }
        everyone = [shards.FileRecord(**record) for told in gather_json(ranks, records) for record in told]

        def finish() -> None:
            for rank in range(ranks.size):
                storage.remove_directory(folder / f"rank-{rank}")
            complete(folder, vocabulary, sorted(everyone, key=lambda record: record.name), about)
            stack.close()

        on_first(ranks, finish)


def share(files: Sequence[Path], lines: bool, number: int, of: int) -> list[Part]:
    """The parts of process ``number`` of ``of``; those of all of them, in order, are the text.

    Shares are alike in bytes. A file is cut behind a line feed, if with ``lines`` it ends a sentence; a compressed file
    is one part.
    """
    sizes = [file.stat().st_size for file in files]
    (first, start), (last, stop) = (_cut(files, sizes, lines, sum(sizes) * end // of) for end in (number, number + 1))
    if first == last:
        return [Part(files[first], start, stop)] if start < stop else []
    found = [Part(files[first], start), *map(Part, files[first + 1 : last])]
    return [*found, Part(files[last], 0, stop)] if stop else found


def _cut(files: Sequence[Path], sizes: Sequence[int], lines: bool, wanted: int) -> tuple[int, int]:
    """The cut next to the byte ``wanted`` of all files together: (file, position in it)."""
    for index, (file, size) in enumerate(zip(files, sizes, strict=True)):
        if wanted < size:
            if lines and not compression_of_name(file):
                position = _behind_line_feed(file, wanted)
            else:
                position = 0 if wanted <= size // 2 else size
            return (index, position) if position < size else (index + 1, 0)
        wanted -= size
    return len(files), 0


def _behind_line_feed(file: Path, wanted: int) -> int:
    """The first position from ``wanted`` on at which a line begins; the file's size if there is none."""
    if wanted == 0:
        return 0
    with open(file, "rb") as content:
        content.seek(wanted - 1)
        while (piece := content.readline(BLOCK_BYTES)) and not piece.endswith(b"\n"):
            pass
        return content.tell()


def _counted(ranks: Ranks, part: ReadText, min_count: int, known: Collection[str]) -> tuple[dict[str, int], int]:
    """The counts of the words that may be in the vocabulary, or of all where there is none; and how many there are."""
    by_owner: list[list[tuple[str, int]]] = [[] for _ in range(ranks.size)]
    for word, count in part.counts().items():
        by_owner[zlib.crc32(word.encode()) % ranks.size].append((word, count))
    texts = [_rows("\n".join(word for word, _ in owned).encode()) for owned in by_owner]
    numbers = [np.array([count for _, count in owned], np.int64)[:, None] for owned in by_owner]
    total: Counter[str] = Counter()
    for words, times in zip(_dealt(ranks, texts), _dealt(ranks, numbers), strict=True):
        named = words.tobytes().rstrip(b"\n").decode().split("\n") if len(times) else []
        for word, count in zip(named, times[:, 0].tolist(), strict=True):
            total[word] += count
    kept = {word: count for word, count in total.items() if count >= min_count or word in known}
    if int(ranks.sum(np.array(len(kept)))) == 0:
        kept = dict(total)
    told = gather_json(ranks, [list(kept), list(kept.values())])
    counts = dict(itertools.chain.from_iterable(zip(words, times, strict=True) for words, times in told))
    return counts, int(ranks.sum(np.array(len(total))))


def _rows(content: bytes) -> Array:
    """Bytes as rows, filled up with line feeds."""
    size = -(-len(content) // ROW_BYTES) * ROW_BYTES
    return np.frombuffer(content.ljust(size, b"\n"), np.uint8).reshape(-1, ROW_BYTES)


def _dealt(ranks: Ranks, parts: Sequence[Array]) -> list[Array]:
    """The part that each rank has for this one, of one for each rank."""
    ones, to = [1] * ranks.size, [len(part) for part in parts]
    from_ = ranks.exchange(np.array(to)[:, None], ones, ones)[:, 0].tolist()
    received = ranks.exchange(np.concatenate(parts), to, from_)
    return np.split(received, np.cumsum(from_)[:-1])


class _Values:
    """The numbered text: the values in the files of all ranks, one after the other; ``sizes`` has their numbers."""

    def __init__(self, folder: Path, sizes: Sequence[Sequence[int]]) -> None:
        self._folder = folder
        self._files = [
            folder / f"rank-{rank}" / shards.shard_name(index)
            for rank, of_rank in enumerate(sizes)
            for index in range(len(of_rank))
        ]
        self._starts = [0, *itertools.accumulate(itertools.chain.from_iterable(sizes))]

    def cuts(self) -> list[int]:
        """Where shards begin, and the end of the last one: a shard ends with the first sentence that
        fills it."""
        cuts, total = [0], self._starts[-1]
        while cuts[-1] < total:
            wanted = cuts[-1] + shards.SHARD_TOKENS - 1
            cuts.append(self._sentence_end(wanted) if wanted < total else total)
        return cuts

    def write(self, index: int, start: int, stop: int, output: Path) -> shards.FileRecord:
        """Write a shard; ``output`` is the path that an error names."""
        name, digest = shards.shard_name(index), hashlib.sha256()
        with storage.writing(output), open(self._folder / name, "wb") as file:
            for values in self._blocks(start, stop):
                file.write(values.data)
                digest.update(values.data)
            file.flush()
            os.fsync(file.fileno())
        return shards.FileRecord(name, (stop - start) * SHARD_DTYPE.itemsize, digest.hexdigest())

    def _sentence_end(self, wanted: int) -> int:
        """The position after the first end of a sentence at or after ``wanted``."""
        for values in self._blocks(wanted, self._starts[-1]):
            if (found := np.flatnonzero(values == END_OF_SENTENCE)).size:
                return wanted + int(found[0]) + 1
            wanted += values.size
        raise AssertionError("the text ends with a sentence")

    def _blocks(self, start: int, stop: int) -> Iterator[Array]:
        while start < stop:
            number = bisect.bisect_right(self._starts, start) - 1
            size = min(BLOCK_VALUES, stop - start, self._starts[number + 1] - start)
            offset = (start - self._starts[number]) * SHARD_DTYPE.itemsize
            yield np.fromfile(self._files[number], SHARD_DTYPE, size, offset=offset)
            start += size

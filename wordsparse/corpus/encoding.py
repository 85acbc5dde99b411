"""Encodes a text in one pass. Ids are assigned in order of first occurrence, and renumbered by frequency at the end."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import phrases
from wordsparse.corpus._text import WordTable
from wordsparse.corpus.draft import Draft, ReadText
from wordsparse.corpus.hints import MAX_WORDS, hint
from wordsparse.corpus.options import ROWS, EncodeOptions
from wordsparse.corpus.reading import RawText, Source, TextBlock
from wordsparse.corpus.shards import (
    VOCABULARY,
    EncodedCorpus,
    Shard,
    shard_name,
    write_corpus_manifest,
)
from wordsparse.corpus.sources import Corpus, ReadShare, some_of
from wordsparse.corpus.vocabulary import check_word
from wordsparse.errors import InputError
from wordsparse.files.storage import new_directory, staging
from wordsparse.machine.threads import ordered_map, resolve_threads
from wordsparse.options import taking
from wordsparse.tokens.filtering import Filter
from wordsparse.tokens.phrases import ENGLISH, read
from wordsparse.tokens.records import tokenization
from wordsparse.tokens.tokenizers import FUNCTION

Ids: TypeAlias = NDArray[np.int32]
Progress: TypeAlias = Callable[[int, float | None], object]

# The minimum share of a text's tokens in the vocabulary; a text with a smaller share is refused.
KNOWN_SHARE = 0.1

logger = logging.getLogger(__name__)


@taking(EncodeOptions)
def encode(source: Source, output: str | os.PathLike[str], options: EncodeOptions) -> EncodedCorpus:
    """Read a text once, and write it as an encoded corpus.

    Each thread needs memory for the distinct words that it has read, for their counts, and for a few blocks of text.

    Parameters
    ----------
    source : path, list of paths, or iterable
        See :class:`wordsparse.corpus.reading.RawText`; an iterator is accepted.
    output : path
        The directory to write, new or empty. The directory appears only when it is complete.
    {options}

    Raises
    ------
    InputError
        If an option, the text or the output is not usable, or if the vocabulary is empty.
    WordsparseError
        If writing fails. After an InputError or a WordsparseError, no file is left behind.
    """
    if options.phrases is not None and options.group_by is not None:
        raise InputError(
            "phrases are of words in texts, not of items in baskets: leave phrases or group_by (--group-by) out"
        )
    if options.phrases is None and options.connectors is not None:
        raise InputError("connectors are words inside phrases: add the number of passes (phrases, --phrases)")
    threads, progress = resolve_threads(options.threads), options.progress or (lambda tokens, share: None)
    rows = {name: getattr(options, name) for name in ROWS}
    text = RawText(source, tokens=options.tokens, documents=options.are_documents, **rows)
    target = Path(output)
    with new_directory(target) as folder:
        workers = threads if text.is_scanned else 1  # adding lists of words holds the GIL
        with text.filter(workers) as tokenize:
            numbered = _read(text, tokenize, Draft(folder, target), workers, progress)
        if text.files and not numbered.draft.tokens:
            raise InputError(f"{some_of(text.files)}: the text holds no token: give text with words")
        are_items = options.are_items or options.group_by is not None
        frequent = numbered.most_frequent(MAX_WORDS)
        advice = hint(*frequent, numbered.draft.tokens, text.tokens, are_items=are_items)
        record = _joined(numbered, text.tokenization, options, threads)
        vocabulary, ids = numbered.vocabulary(options.min_count, options.max_vocab, options.known)
        if options.max_vocab is None:
            _check_known(int(vocabulary.counts.sum()), numbered.draft.tokens, options.min_count, advice)
        checksums = numbered.draft.renumbered(numbered.maps(ids), threads)
        about: dict[str, Any] = {
            "tokens": numbered.draft.tokens,
            "sentences": numbered.draft.sentences,
            "distinct_words": numbered.distinct_words,
            "min_count": options.min_count,
            "max_vocab": options.max_vocab,
            "tokenization": record,
        }
        if advice is not None:
            logger.warning("%s", advice)
        vocabulary.save(folder / VOCABULARY)
        weights = text.weights()
        digest = write_corpus_manifest(folder, checksums, weights, **about)
    shards = [Shard(target / shard_name(i), len(vocabulary)) for i in range(len(checksums))]
    return EncodedCorpus(target, vocabulary, **about, shards=shards, sha256=digest, weights=weights, advice=advice)


def _joined(
    text: ReadText, record: dict[str, str] | None, options: EncodeOptions, threads: int
) -> dict[str, str] | None:
    """Join the phrases of a text, if they are asked for. Return the record of the tokeniser, with these phrases."""
    if options.phrases is None:
        return record
    connectors = ENGLISH if options.connectors is None else options.connectors
    found = phrases.join(text, options.phrases, connectors, options.min_count, threads)
    tokens = FUNCTION if callable(options.tokens) else "split"
    return {**(record or {"tokens": tokens}), "phrases": found.as_json()}


def _check_known(known: int, tokens: int, min_count: int, advice: str | None) -> None:
    """Raise InputError if nearly all tokens are too rare for the vocabulary. A text with so few known words was
    probably split wrongly."""
    if known < KNOWN_SHARE * tokens:
        remedy = advice or "is the text split into words? A lower --min-count (min_count=) keeps rarer words"
        share = f"{1 - known / tokens:.0%} of the {tokens:,} tokens"
        raise InputError(f"{share} are words that occur fewer than {min_count} times: {remedy}")


@contextmanager
def encoded(
    given: Any,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    place: Path | None = None,
    **how: Any,
) -> Iterator[EncodedCorpus]:
    """Yield a corpus that is already encoded, or encode a text in a temporary directory and yield the result.

    ``options`` and ``defaults`` are values for fields of TextOptions. ``options`` are the user's choices; ``defaults``
    apply to text that is not encoded yet. The temporary directory is made next to the path ``place`` or, by default, in
    the system's directory for temporary files. ``how`` holds the options ``known``, ``threads`` and ``progress`` of
    :func:`encode`. Raise InputError as :func:`encode` does, and also if the corpus is damaged or was encoded with
    different options.
    """
    corpus = Corpus.of(given)
    if corpus.form == "encoded":
        ready = corpus.given if corpus.paths is None else EncodedCorpus.open(Path(corpus.paths[0]))
        _check_unchanged(ready, options)
        yield ready
        return
    with staging(place or Path(tempfile.gettempdir()) / "wordsparse-corpus", mode=0o700) as folder:
        yield encode(corpus, folder / "encoded", **{**(defaults or {}), **options}, **how)


def _check_unchanged(corpus: EncodedCorpus, options: Mapping[str, Any]) -> None:
    fixed = {"min_count": corpus.min_count, "max_vocab": corpus.max_vocab, **(corpus.tokenization or {})}
    if "phrases" in fixed:
        found = read(fixed["phrases"])
        fixed |= {"phrases": len(found.passes), "connectors": found.connectors}
    for name, value in options.items():
        if name == "tokens" and isinstance(value, str | os.PathLike):
            value = tokenization(value)["tokens"]
        if value != fixed.get(name):
            was = f"is already encoded: {name} applies to text only"
            if name in fixed:
                was = f"was encoded with {name} {fixed[name]}, not {value}"
            raise InputError(f"{corpus.path} {was}: encode the text again, or leave {name} out")


def _read(text: RawText, tokenize: Filter, draft: Draft, threads: int, progress: Progress) -> ReadText:
    """Read blocks on all threads. Each thread numbers the words of its block with a table that no other thread is
    using."""
    tables = [WordTable() for _ in range(threads)]
    free = list(range(threads))

    def number(block: TextBlock) -> tuple[Ids, int]:
        table = free.pop()
        try:
            _scan(tables[table], block, tokenize)
            return tables[table].take(), table
        finally:
            free.append(table)

    share = ReadShare(text.files or ())
    for values, table in ordered_map(number, text.blocks(), threads, stop=tokenize.close):
        draft.write(values, table)
        progress(draft.tokens, share())
    draft.end_sentence()
    return ReadText(draft, tables)


def _scan(table: WordTable, block: TextBlock, tokenize: Filter) -> None:
    words = block.words(tokenize)
    if not isinstance(words, bytes):
        for tokens, ends_sentence in words:
            _add(table, tokens)
            if ends_sentence:
                table.end_sentence()
    elif not table.scan(words, block.lines):
        block.check()
        raise AssertionError("Python's decoder accepts bytes that the compiled reader refuses")


def _add(table: WordTable, tokens: Sequence[str]) -> None:
    try:
        table.add(tokens)
    except UnicodeEncodeError as error:
        check_word(error.object)
        raise
    except TypeError as error:
        raise InputError(f"a sentence must be an iterable of str tokens: {error}") from error

"""Conversion of sentences of hashable tokens to numbers, and the choice of the vocabulary."""

import contextlib
import itertools
import logging
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.corpus import END_OF_SENTENCE, OUT_OF_VOCABULARY, EncodedCorpus, Vocabulary, encode
from wordsparse.corpus.numbering import Numbers, numbered
from wordsparse.errors import InputError, WrongTypeError
from wordsparse.files import storage
from wordsparse.vectors import names
from wordsparse.vectors.table import Key

logger = logging.getLogger(__name__)
Ids = NDArray[np.int32]
TrimRule = Callable[[Any, int, int], int]

DEFAULT, DISCARD, KEEP = 0, 1, 2  # results of a trim rule; DEFAULT applies the minimum count
_BLOCK = 2**20  # number of values that are made or read at a time


@dataclass(frozen=True)
class Scan:
    """The result of a pass over a text: counts by token in order of appearance, the numbers of tokens and sentences,
    and optionally ``ids``: each token's position in ``counts``, with END_OF_SENTENCE after each sentence."""

    counts: dict[Key, int]
    total_words: int
    sentences: int
    ids: Ids | None = None


def scan(sentences: Iterable[Any]) -> Scan:
    """Number and count the tokens of sentences."""
    numbers, read = Numbers(), itertools.count()
    # `zip` takes a number from `read` for each sentence, so at the end, `next(read)` is the number of sentences.
    stream = (sentence for sentence, _ in zip(lists(sentences), read, strict=False))
    ids = np.concatenate([*numbered(stream, numbers, END_OF_SENTENCE)])
    counts = np.bincount(ids[ids >= 0], minlength=len(numbers)).tolist()
    return Scan(dict(zip(numbers, counts, strict=True)), sum(counts), next(read), ids)


def keeps(token: Key, count: int, min_count: int, trim_rule: TrimRule | None) -> bool:
    """Return whether a token stays in the vocabulary."""
    answer = DEFAULT if trim_rule is None else trim_rule(token, count, min_count)
    return answer == KEEP or (answer != DISCARD and count >= min_count)


class Sentences:
    """Sentences in memory, or from an iterable that can be read repeatedly.

    A scan stores the text as numbers (4 bytes per token), so that training need not read the text again.
    """

    def __init__(self, sentences: Iterable[Any]) -> None:
        self._sentences = sentences
        self._scanned: Scan | None = None

    def scan(self) -> Scan:
        self._scanned = scan(self._sentences)
        return self._scanned

    def corpus(self, rows: Mapping[Key, int], vocabulary: Vocabulary) -> EncodedCorpus:
        """Return the text as row numbers of ``vocabulary``, in memory."""
        scanned = self._scanned or scan(self._sentences)
        assert scanned.ids is not None
        ids = _table(scanned.counts, rows)[scanned.ids]
        sentences = int(np.count_nonzero(ids == END_OF_SENTENCE))
        return _corpus(vocabulary, ids.size - sentences, sentences, [ids])


class LineFile:
    """A text file of lines, which is encoded once into ``folder`` with a vocabulary of all its words."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._encoded = encode(path, folder, format="lines", min_count=1)

    def scan(self) -> Scan:
        words = self._encoded.vocabulary
        counts: dict[Key, int] = dict(zip(words.words, words.counts.tolist(), strict=True))
        return Scan(counts, self._encoded.tokens, self._encoded.sentences)

    def corpus(self, rows: Mapping[Key, int], vocabulary: Vocabulary) -> EncodedCorpus:
        """Return the text encoded with ``vocabulary``. Words are turned into row numbers when the corpus is read."""
        table = _table(self._encoded.vocabulary.words, rows)
        shards: list[Any] = [_Renumbered(shard, table) for shard in self._encoded.shards]
        return _corpus(vocabulary, self._encoded.tokens, self._encoded.sentences, shards)


Text = Sentences | LineFile


@contextlib.contextmanager
def opened(sentences: Any, corpus_file: str | os.PathLike[str] | None, passes: int) -> Iterator[Text]:
    """Open a text: ``sentences`` or a ``corpus_file``. ``passes`` is how often gensim would read the text.

    Raise WrongTypeError if both ``sentences`` and ``corpus_file`` are given or neither is, if the file is missing, if
    ``sentences`` is not iterable, or if it is a generator, which can be read only once, and ``passes`` is above 1.
    """
    if (sentences is None) == (corpus_file is None):
        raise WrongTypeError("give either sentences (corpus_iterable) or corpus_file")
    if corpus_file is None:
        if not isinstance(sentences, Iterable):
            raise WrongTypeError(f"sentences must be an iterable of lists of tokens, not {sentences!r:.80}")
        if isinstance(sentences, Generator) and passes > 1:
            raise WrongTypeError(
                f"sentences is a generator, which can be read once, not {passes} times: give a list, or an object "
                "whose __iter__ starts again from the beginning"
            )
        yield Sentences(sentences)
        return
    path = Path(corpus_file)
    if not path.is_file():
        raise WrongTypeError(f"corpus_file must be the path of a file, not {corpus_file!r}")
    with storage.staging(Path(tempfile.gettempdir()) / "wordsparse-gensim", mode=0o700) as folder:
        yield LineFile(path, folder / "encoded")


def longest_sentence(corpus: EncodedCorpus) -> int:
    """Return the number of tokens in the longest sentence."""
    longest = unfinished = 0
    for block in _blocks(corpus):
        ends = np.flatnonzero(block == END_OF_SENTENCE)
        if ends.size:
            longest = max(longest, int(np.diff(ends, prepend=-1 - unfinished).max()) - 1)
        unfinished = block.shape[0] - 1 - int(ends[-1]) if ends.size else unfinished + block.shape[0]
    return longest


def known_tokens(corpus: EncodedCorpus) -> int:
    """Return the number of tokens that are in the vocabulary."""
    return sum(int(np.count_nonzero(block >= 0)) for block in _blocks(corpus))


def _blocks(corpus: EncodedCorpus) -> Iterator[Ids]:
    for shard in corpus.shards:
        yield from (shard[start : start + _BLOCK] for start in range(0, shard.shape[0], _BLOCK))


class _Renumbered:
    """A shard that maps each value to a row number, by a table, when the value is read."""

    def __init__(self, shard: Any, table: Ids) -> None:
        self._shard, self._table, self.shape = shard, table, shard.shape

    def __getitem__(self, values: slice) -> Ids:
        renumbered: Ids = self._table[self._shard[values]]
        return renumbered


def engine_words(keys: list[Key]) -> list[str]:
    """Return a word for each key: the keys themselves if all are strings, otherwise their JSON. If JSON cannot
    represent some key, return the row numbers."""
    if all(isinstance(key, str) for key in keys):
        return [str(key) for key in keys]
    try:
        return names.to_json(keys)
    except InputError:
        return [str(row) for row in range(len(keys))]


def _corpus(vocabulary: Vocabulary, tokens: int, sentences: int, shards: list[Any]) -> EncodedCorpus:
    if tokens == 0:
        raise InputError("the text has no token to train on")
    return EncodedCorpus(Path(os.devnull), vocabulary, tokens, sentences, len(vocabulary), 1, None, shards)


def _table(tokens: Iterable[Key], rows: Mapping[Key, int]) -> Ids:
    """Return an array that maps positions in ``tokens`` to row numbers. The last two entries of the array map
    END_OF_SENTENCE (−2) and OUT_OF_VOCABULARY (−1), used as negative indices, to themselves."""
    specials = [END_OF_SENTENCE, OUT_OF_VOCABULARY]
    return np.fromiter(chain(map(rows.get, tokens, repeat(OUT_OF_VOCABULARY)), specials), np.int32)


def lists(sentences: Iterable[Any]) -> Iterator[list[Any] | tuple[Any, ...]]:
    """Yield each sentence as a list or a tuple. Log a warning if the first sentence is a single string."""
    for number, sentence in enumerate(sentences):
        if number == 0 and isinstance(sentence, str):
            logger.warning(
                "Each 'sentences' item should be a list of words (usually unicode strings). The first is the word "
                "%.40r, which is read as a list of its characters.",
                sentence,
            )
        yield sentence if type(sentence) in (list, tuple) else _as_list(sentence)


def _as_list(sentence: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(sentence, np.ndarray) and sentence.ndim:
        objects: list[Any] = sentence.tolist()  # Python's own numbers hash faster than NumPy's
        return objects
    if hasattr(sentence, "__len__") and hasattr(sentence, "__iter__"):
        return list(sentence)
    raise WrongTypeError(f"a sentence must be a list of tokens, not {sentence!r:.80}")

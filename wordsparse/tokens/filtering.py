"""A filter that splits the lines of UTF-8 blocks into words, and returns the lines with spaces between the words.

Most tokenisers hold Python's global lock, so blocks are filtered ahead of time in worker processes. A worker is a plain
subprocess, so the user's program needs no ``if __name__ == "__main__"``. A worker imports only this package, so it
starts in some 50 ms. A worker reads a header and a block from its standard input, and writes a header and an
answer to its standard output. A worker ends when its input ends, even if this process is killed.
"""

import json
import logging
import os
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain
from subprocess import PIPE
from types import TracebackType
from typing import IO, Any, Self

from wordsparse import processes
from wordsparse.errors import InputError, WordsparseError
from wordsparse.tokens.tokenizers import Tokenizer, tokenizer

# A header states the kind and the size in bytes of the block or answer that follows.
HEADER = struct.Struct("<cQ")
LINES, STREAM = b"l", b"s"
# Tokenisers whose words never contain white space, so that their output need not be checked for white space.
PATTERNS = ("simple", "unicode", "unicode-cased", "unicode-tr")
WORDS, PIECES, ERROR, READY = b"w", b"p", b"e", b"r"

logger = logging.getLogger(__name__)

Pieces = list[tuple[list[str], bool]]
"""Pieces of sentences. A piece is a pair: a list of words, and whether the sentence ends after them."""


class Filter:
    """A tokeniser for blocks of text. Several threads may use the same filter at once.

    A worker process makes the same tokeniser from the tokeniser's record (:mod:`wordsparse.tokens.records`). If there
    is no record, or no process can be started, all blocks are filtered in this process. At most ``workers`` worker
    processes run; if ``workers`` is 1, no worker process is started. The first block is always filtered in this
    process, so a short text starts no worker. If ``is_identity`` is True, words are already separated by white space,
    and blocks are returned unchanged.
    """

    def __init__(self, tokenize: Tokenizer, tokenization: Mapping[str, str] | None, workers: int) -> None:
        record = tokenization or {}
        self.is_identity = record.get("tokens") == "split" and "phrases" not in record
        self._is_pattern = record.get("tokens") in PATTERNS
        self._tokenize = tokenize
        self._tokenization = tokenization if workers > 1 and sys.executable else None
        self._free: list[_Worker] = []
        self._all: list[_Worker] = []
        self._lock, self._is_first, self._is_closed = threading.Lock(), True, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes. A call that waits for a worker raises WordsparseError."""
        self._is_closed = True
        for worker in self._all:
            worker.close()

    def __call__(self, text: bytes, lines: bool, where: Callable[[int], str]) -> bytes | Pieces:
        """Return the words of a block as text. If a word contains white space, return lists of words instead.

        ``text`` must be valid UTF-8. With ``lines``, each line is tokenised separately and stays a line. ``where`` maps
        the number of a line in the block, counted from 0, to its name in messages. Raise InputError if the tokeniser
        fails on a line, and WordsparseError if a worker process has died.
        """
        if self.is_identity:
            return text
        block = LINES if lines else STREAM
        if (worker := self._free_worker()) is None:
            return _result(*filtered(block, text, self._tokenize, self._is_pattern), where)
        kind, answer = worker.ask(block, text, where)
        self._free.append(worker)
        return _result(kind, answer, where)

    def _free_worker(self) -> "_Worker | None":
        """Return a worker that is ready for a block, or None if the block is to be filtered in this process."""
        with self._lock:
            inline, self._is_first = self._is_first or self._tokenization is None, False
            if inline or self._free:
                return None if inline else self._free.pop()
            worker = None
            with suppress(OSError):
                worker = _Worker(self._tokenization or {})
                self._all.append(worker)
        if self._is_closed or (worker is not None and worker.is_ready()):
            return worker
        with self._lock:
            if self._tokenization is not None:
                logger.warning("%s does not start Python, so one thread splits the text into words", sys.executable)
            self._tokenization = None
        return None


class _Worker:
    """A worker process. OSError is raised if it cannot be started."""

    def __init__(self, tokenization: Mapping[str, str]) -> None:
        # The worker gets its own session, so that Ctrl-C does not reach it. Only the main thread of this process
        # handles Ctrl-C.
        self._process = processes.start(__name__, "serve", stdin=PIPE, stdout=PIPE, start_new_session=True)
        self._say(json.dumps(dict(tokenization)).encode() + b"\n")

    def is_ready(self) -> bool:
        """Wait for the worker's first message. Return False if the process is another program than Python. A worker
        that was killed counts as ready: :meth:`ask` reports its death."""
        assert self._process.stdout is not None
        return _received(self._process.stdout) == (READY, b"") or self._process.wait() < 0

    def ask(self, block: bytes, text: bytes, where: Callable[[int], str]) -> tuple[bytes, bytes]:
        """Send a block to the worker. Return the answer's kind (WORDS, PIECES or ERROR) and its bytes."""
        self._say(HEADER.pack(block, len(text)), text)
        assert self._process.stdout is not None
        if answer := _received(self._process.stdout):
            return answer
        status = self._process.wait()
        raise WordsparseError(
            f"{where(0)}: the process of the tokeniser ended with status {status} at this line or soon after it: "
            "if memory ran out, use fewer threads"
        )

    def close(self) -> None:
        """End the process. It is killed first, because a thread that reads an answer locks the stream."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.wait()

    def _say(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the worker has died; ask() reports it when no answer comes
            for part in parts:
                self._process.stdin.write(part)
            self._process.stdin.flush()


def serve() -> None:
    """Filter the blocks on standard input, until the input ends. The first line of the input is the record of the
    tokeniser, in JSON."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # text that a tokeniser prints must not mix with the answers

    def answer(kind: bytes, content: bytes) -> None:
        with suppress(BrokenPipeError):
            target.write(HEADER.pack(kind, len(content)) + content)
            target.flush()

    if not (record := source.readline()).endswith(b"\n"):
        return  # the parent was killed
    tokenization = json.loads(record)
    answer(READY, b"")
    tokenize = tokenizer(**tokenization)
    while (block := _received(source)) is not None:
        answer(*filtered(*block, tokenize, tokenization["tokens"] in PATTERNS))


def filtered(block: bytes, text: bytes, tokenize: Tokenizer, is_pattern: bool) -> tuple[bytes, bytes]:
    """Tokenise a block. Return the kind of the answer (WORDS, PIECES or ERROR) and its bytes. If ``is_pattern`` is
    True, the tokeniser's words never contain white space."""
    parts = text.decode().split("\n") if block == LINES else [text.decode()]
    tokens: list[list[str]] = []
    try:
        for part in parts:
            tokens.append(tokenize(part) if part else [])
    except (InputError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a package in Rust is no Exception
        return ERROR, json.dumps([len(tokens), f"{type(error).__name__}: {error}"]).encode()
    words = "\n".join(map(" ".join, tokens))
    if is_pattern or (words.split() == [*chain.from_iterable(tokens)] and is_text(words) and "\0" not in words):
        return WORDS, words.encode()
    pieces = [([word for word in part if word], block == LINES) for part in tokens]
    return PIECES, json.dumps([*pieces[:-1], (pieces[-1][0], False)]).encode()


def is_text(text: str) -> bool:
    """Return whether a str can be written as UTF-8, that is, whether it holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def failure(where: str, error: object) -> InputError:
    """Return the error for a text that a tokeniser fails on."""
    if isinstance(error, InputError):
        return error
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return InputError(f"{where}: the tokeniser fails ({said}): correct this text, or choose another tokeniser")


def _received(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Return the kind and the content of the next message, or None if the message is missing or incomplete."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, size = HEADER.unpack(header)
    content = stream.read(size)
    return (kind, content) if len(content) == size else None


def _result(kind: bytes, answer: bytes, where: Callable[[int], str]) -> bytes | Pieces:
    if kind == WORDS:
        return answer
    content: Any = json.loads(answer)
    if kind == ERROR:
        line, message = content
        raise failure(where(line), message)
    return [(words, ends) for words, ends in content]

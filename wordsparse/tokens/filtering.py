"""A filter of text: it splits the lines of UTF-8 blocks into words, and returns the lines with spaces between words.

Worker processes filter blocks before they are needed, because most tokenisers hold Python's global lock. A worker is a
plain subprocess, so the user's program needs no ``if __name__ == "__main__"``. It imports only this package, so it
starts in some 50 ms. It reads a header and a block from its standard input, answers in the same form, and ends when its
input ends, even if this process is killed.
"""

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain
from types import TracebackType
from typing import IO, Any, Self

from wordsparse.errors import InputError, WordsparseError
from wordsparse.tokens.tokenizers import Tokenizer, tokenizer

# A header states the kind of the block or answer that follows it, and the size in bytes.
HEADER = struct.Struct("<cQ")
LINES, STREAM = b"l", b"s"
# Tokenisers whose words never contain white space, so their output needs no check.
PATTERNS = ("simple", "unicode", "unicode-cased")
WORDS, PIECES, ERROR = b"w", b"p", b"e"
_PROGRAM = (
    "import json, sys; request = json.loads(sys.stdin.buffer.readline()); sys.path[:] = request['path']; "
    "from wordsparse.tokens.filtering import serve; serve(**request['tokenization'])"
)

Pieces = list[tuple[list[str], bool]]
"""Pieces of sentences: the words of a piece, and whether its sentence ends after them."""


class Filter:
    """A tokeniser for blocks of text, which several threads may use at once.

    A worker process makes the same tokeniser from its record (:mod:`wordsparse.tokens.records`); without a record, all
    blocks are filtered in this process. At most ``workers`` processes run, and none if ``workers`` is 1. The first
    block is filtered in this process, so a short text starts no worker either. With ``is_identity``, white space
    separates the words already, and blocks stay unchanged.
    """

    def __init__(self, tokenize: Tokenizer, tokenization: Mapping[str, str] | None, workers: int) -> None:
        name = (tokenization or {}).get("tokens")
        self.is_identity, self._is_pattern = name == "split", name in PATTERNS
        self._tokenize = tokenize
        self._tokenization = tokenization if workers > 1 and sys.executable else None
        self._free: list[_Worker] = []
        self._all: list[_Worker] = []
        self._lock, self._is_first = threading.Lock(), True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._all:
            worker.close()

    def __call__(self, text: bytes, lines: bool, where: Callable[[int], str]) -> bytes | Pieces:
        """Return the words of a block: as text, or as lists of words if a word contains white space.

        ``text`` is valid UTF-8. With ``lines``, each line is tokenised separately and stays a line. ``where`` names a
        line of the block, counted from 0, for messages. Raise InputError if the tokeniser fails on a line, and
        WordsparseError if a worker process has died.
        """
        if self.is_identity:
            return text
        block = LINES if lines else STREAM
        with self._lock:
            inline, self._is_first = self._tokenization is None or self._is_first, False
            worker = self._free.pop() if self._free and not inline else None
        if inline:
            return _result(*filtered(block, text, self._tokenize, self._is_pattern), where)
        if worker is None:
            worker = _Worker(self._tokenization or {})
            self._all.append(worker)
        kind, answer = worker.ask(block, text, where)
        self._free.append(worker)
        return _result(kind, answer, where)


class _Worker:
    """A worker process."""

    def __init__(self, tokenization: Mapping[str, str]) -> None:
        # A session of its own protects a worker from Ctrl-C, which must reach only the main thread of this process.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._say(json.dumps({"path": sys.path, "tokenization": dict(tokenization)}).encode() + b"\n")

    def ask(self, block: bytes, text: bytes, where: Callable[[int], str]) -> tuple[bytes, bytes]:
        """Return the kind of the worker's answer to a block, and the answer."""
        self._say(HEADER.pack(block, len(text)), text)
        assert self._process.stdout is not None
        if answer := _received(self._process.stdout):
            return answer
        status = self._process.wait()
        raise WordsparseError(
            f"{where(0)}: the process of the tokeniser ended with status {status} at this line or one of the next: "
            "if memory ran out, use fewer threads"
        )

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.kill()
        self._process.wait()

    def _say(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the worker has died; ask() reports it when no answer comes
            for part in parts:
                self._process.stdin.write(part)
            self._process.stdin.flush()


def serve(tokens: str, **others: str) -> None:
    """Filter the blocks of standard input with the tokeniser that these arguments make, until the input ends."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that a tokeniser prints must not mix with the answers
    tokenize = tokenizer(tokens, **others)
    while (block := _received(source)) is not None:
        kind, answer = filtered(*block, tokenize, tokens in PATTERNS)
        with suppress(BrokenPipeError):
            target.write(HEADER.pack(kind, len(answer)) + answer)
            target.flush()


def filtered(block: bytes, text: bytes, tokenize: Tokenizer, is_pattern: bool) -> tuple[bytes, bytes]:
    """Return the kind of the answer to a block, and the answer. If ``is_pattern``, no word can contain white space."""
    parts = text.decode().split("\n") if block == LINES else [text.decode()]
    tokens: list[list[str]] = []
    try:
        for part in parts:
            tokens.append(tokenize(part) if part else [])
        words = "\n".join(map(" ".join, tokens))
    except InputError:
        raise
    except Exception as error:
        return ERROR, json.dumps([len(tokens), f"{type(error).__name__}: {error}"]).encode()
    if is_pattern or words.split() == [*chain.from_iterable(tokens)]:
        return WORDS, words.encode()
    pieces = [([word for word in part if word], block == LINES) for part in tokens]
    return PIECES, json.dumps([*pieces[:-1], (pieces[-1][0], False)]).encode()


def _received(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Return the kind and the content of the next message; None if it is missing or incomplete."""
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
        raise InputError(
            f"{where(line)}: the tokeniser fails ({message}): correct the text there, or choose another tokeniser"
        )
    return [(words, ends) for words, ends in content]

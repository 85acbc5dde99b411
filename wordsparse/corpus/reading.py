"""Text files, or an iterable of token lists, as a stream of pieces of sentences.

A *piece* is ``(tokens, ends_sentence)``. A sentence is one or more pieces, so memory is bounded for sentences of any
length.
"""

import codecs
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from wordsparse import optional, validation
from wordsparse.corpus.gensim_text import simple_tokenizer, wiki_pieces
from wordsparse.corpus.signatures import kind_of_file
from wordsparse.corpus.sources import find_files, opened, some_of
from wordsparse.errors import InputError
from wordsparse.files.unpacking import MAX_EXPANSION

PathLike: TypeAlias = str | os.PathLike[str]
Source: TypeAlias = PathLike | Sequence[PathLike] | Iterable[Iterable[str]]
Piece: TypeAlias = tuple[Iterable[str], bool]
Tokenizer: TypeAlias = Callable[[str], list[str]]

BLOCK_BYTES = 2**20

_ONLY_FOR_FILES = "format and tokens apply to files only: an iterable gives its sentences as lists of tokens"
_RARE_WHITE_SPACE = (b"\t", b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x1f")

logger = logging.getLogger(__name__)


def sentences(
    source: Source, format: str | None = None, tokens: str | None = None, max_expansion: float = MAX_EXPANSION
) -> Iterator[list[str]]:
    """The sentences of a text as lists of tokens; sentences of any length are complete.

    Parameters
    ----------
    source : path, list of paths, or iterable of token iterables
        A directory means all files below it, by name. Files may be compressed: .gz, .bz2, .xz or .zst. Empty tokens
        of an iterable are left out; a warning counts them.
    format : {"lines", "text8", "paths", "wiki"}, optional
        The format of the files; ``lines`` by default: each line is a sentence. ``text8``: a file is one sentence, and
        line ends are white space. ``paths``: the same as ``lines`` (for users of gensim's PathLineSentences).
        ``wiki``: a Wikipedia dump, in which each article is a sentence.
    tokens : {"split", "simple"}, optional
        ``split``: tokens are separated by white space. ``simple``: gensim's tokeniser, lower-case runs of letters. The
        default is ``simple`` for ``wiki`` and ``split`` for the other formats.
    max_expansion : float
        The maximum ratio of unpacked to compressed size; a file above it and above 64 MiB unpacked is refused.

    Raises
    ------
    InputError
        At the call: if the format is unknown, a file is missing or unreadable, or all files are empty. While reading:
        if a file is binary, not UTF-8 or damaged, if no file holds a token, or if a sentence is not an iterable of
        tokens.
    """
    return _joined(pieces(source, format, tokens, max_expansion))


def pieces(
    source: Source, format: str | None = None, tokens: str | None = None, max_expansion: float = MAX_EXPANSION
) -> Iterator[Piece]:
    """The same as :func:`sentences`, in pieces of bounded size (each sentence of an iterable is one piece).

    A compressed file that unpacks to more than ``max_expansion`` times its size is refused.
    """
    validation.non_negative("max_expansion", max_expansion)
    files = text_files(source, format)
    if files is None:
        if tokens is not None:
            raise InputError(_ONLY_FOR_FILES)
        return _iterable_pieces(cast("Iterable[object]", source))
    if format == "wiki":
        optional.check('the format "wiki"', "gensim")
    tokenizer = _tokenizer(tokens or ("simple" if format == "wiki" else "split"))
    read = FORMATS[format or "lines"].read
    return _file_pieces(files, lambda path: read(path, tokenizer, max_expansion))


def text_files(source: Source, format: str | None) -> list[Path] | None:
    """The files that ``source`` names; None if it is an iterable of sentences.

    Raises
    ------
    InputError
        If the format is unknown or given for an iterable, or if a file is missing, unreadable or empty.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"unknown format {format!r}: choose one of {', '.join(FORMATS)}")
    paths = _as_paths(source)
    if paths is None and format is not None:
        raise InputError(_ONLY_FOR_FILES)
    return None if paths is None else find_files(paths)


def _as_paths(source: Source) -> Sequence[PathLike] | None:
    """``source`` as a list of paths; None if it is an iterable of sentences."""
    if isinstance(source, str | os.PathLike):
        return [source]
    if not isinstance(source, Iterable):
        raise InputError(f"text must be a path, a list of paths or an iterable of token lists, not {source!r}")
    if not isinstance(source, list | tuple):
        return None
    are_paths = [isinstance(item, str | os.PathLike) for item in source]
    if any(are_paths) and not all(are_paths):
        raise InputError("a list of texts must hold paths only, or lists of tokens only")
    return source if all(are_paths) else None


def _tokenizer(name: str) -> Tokenizer:
    if name == "split":
        return str.split
    if name == "simple":
        return simple_tokenizer()
    raise InputError(f'unknown tokeniser {name!r}: choose "split" or "simple"')


def _joined(stream: Iterator[Piece]) -> Iterator[list[str]]:
    sentence: list[str] = []
    for tokens, ends_sentence in stream:
        sentence.extend(tokens)
        if ends_sentence and sentence:
            yield sentence
            sentence = []


def _iterable_pieces(source: Iterable[object]) -> Iterator[Piece]:
    empty = 0
    for number, sentence in enumerate(source, 1):
        given = _token_list(number, sentence)
        tokens = [token for token in given if not isinstance(token, str) or token]
        empty += len(given) - len(tokens)
        yield tokens, True
    if empty:
        logger.warning(
            "%s empty tokens were left out (line.split(' ') gives one at a double space, line.split() does not)",
            f"{empty:,}",
        )


def _token_list(number: int, sentence: object) -> list[Any]:
    """The tokens of a sentence; InputError if it is none."""
    if isinstance(sentence, Mapping):
        raise InputError(
            f"sentence {number} is a dict with the keys {', '.join(map(repr, sentence))!s:.60}, not a list of tokens: "
            "give the tokens in it"
        )
    if isinstance(sentence, str | bytes | os.PathLike) or not isinstance(sentence, Iterable):
        raise InputError(f"sentence {number} is {sentence!r:.80}, not a list of tokens: split it (paths go in a list)")
    return list(sentence)


def _file_pieces(files: Sequence[Path], read: Callable[[Path], Iterator[tuple[list[str], bool]]]) -> Iterator[Piece]:
    without = []
    for file in files:
        empty = True
        for piece in read(file):
            if empty and piece[0]:
                empty = False
            yield piece
        if empty:
            without.append(file)
    check_some_tokens(files, without)


def check_some_tokens(files: Sequence[Path], without: Sequence[Path]) -> None:
    """Warn of the files that were read to their ends and hold no token; InputError if that is all of them."""
    if len(without) == len(files):
        raise InputError(f"{without[0]}: holds no token" + (", and neither do the others" if len(files) > 1 else ""))
    if without:
        logger.warning("%s of %s files hold no token: %s", f"{len(without):,}", f"{len(files):,}", some_of(without))


def _line_pieces(path: Path, tokenize: Tokenizer, max_expansion: float) -> Iterator[tuple[list[str], bool]]:
    for text in _texts(path, max_expansion):
        *lines, rest = text.split("\n")
        for line in lines:
            yield tokenize(line), True
        if rest:
            yield tokenize(rest), False
    yield [], True


def _stream_pieces(path: Path, tokenize: Tokenizer, max_expansion: float) -> Iterator[tuple[list[str], bool]]:
    for text in _texts(path, max_expansion):
        yield tokenize(text), False
    yield [], True


class Format(NamedTuple):
    """A format of text files.

    - ``about``: its line in a help text.
    - ``read``: its reader, from a path, a tokeniser and max_expansion to pieces.
    - ``lines``: whether a line end ends a sentence, if its files are text that the compiled reader of ``encode`` can
      read; None if ``encode`` reads it by ``read``.
    """

    about: str
    read: Callable[[Path, Tokenizer, float], Iterator[tuple[list[str], bool]]]
    lines: bool | None = None


FORMATS = {
    "lines": Format("each line is a sentence", _line_pieces, lines=True),
    "text8": Format("a file is one sentence; line ends are white space", _stream_pieces, lines=False),
    "paths": Format("the same as lines, for users of gensim's PathLineSentences", _line_pieces, lines=True),
    "wiki": Format("a Wikipedia dump (XML); each article is a sentence, its markup is removed", wiki_pieces),
}


def text_blocks(path: Path, max_expansion: float = MAX_EXPANSION) -> Iterator[tuple[int, bytes]]:
    """The file's bytes in blocks that end at white space, so that no token is split between two.

    Yields
    ------
    position : int
        Position of the block's first byte in the file.
    data : bytes
        The block, without the file's byte order mark.

    Raises
    ------
    InputError
        If the file cannot be read, if its first bytes say that it is not text, or if several blocks in a row hold no
        white space.
    """
    position, rest = 0, b""
    for block in _read_blocks(path, max_expansion):
        data = rest + block
        end = _end_of_last_white_space(data)
        if end:
            yield _without_byte_order_mark(position, data[:end])
        elif len(data) > BLOCK_BYTES:
            raise InputError(f"{path}: no white space in {len(data):,} bytes from byte {position:,} on: is it text?")
        position, rest = position + end, data[end:]
    yield _without_byte_order_mark(position, rest)


def decoded(path: Path, position: int, data: bytes) -> str:
    """A block's text; if it is binary or not UTF-8, InputError names the file and the byte."""
    if (nul := data.find(b"\0")) >= 0:
        raise InputError(f"{path}: is binary, not text (a zero byte at byte {position + nul:,})")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not UTF-8 text (byte {position + error.start:,}: {error.reason}): convert it first"
        ) from error


def _texts(path: Path, max_expansion: float) -> Iterator[str]:
    for position, data in text_blocks(path, max_expansion):
        yield decoded(path, position, data)


def _read_blocks(path: Path, max_expansion: float) -> Iterator[bytes]:
    with opened(path, max_expansion) as file:
        block = file.read(BLOCK_BYTES)
        if (kind := kind_of_file(block)) is not None:
            raise InputError(kind)
        while block:
            yield block
            block = file.read(BLOCK_BYTES)


def _end_of_last_white_space(data: bytes) -> int:
    """The number of bytes up to the end of the last ASCII white space; 0 if there is none.

    None of these bytes occurs inside a multi-byte UTF-8 character. Nearly every text has spaces and line feeds.
    """
    end = 1 + max(data.rfind(b" "), data.rfind(b"\n"))
    return end or 1 + max(data.rfind(byte) for byte in _RARE_WHITE_SPACE)


def _without_byte_order_mark(position: int, data: bytes) -> tuple[int, bytes]:
    if position == 0 and data.startswith(codecs.BOM_UTF8):
        return len(codecs.BOM_UTF8), data[len(codecs.BOM_UTF8) :]
    return position, data

"""What a format of files is, and what is read from a file or written into one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from wordsparse.types import Array
from wordsparse.vectors.ngrams import Subwords


class Content(NamedTuple):
    """Words or other keys (V), vectors (V, dim), and where they are known the counts (V,) and n-grams. ``exact`` holds
    vectors of another number type than float32, in which they were stored. ``tokens`` is the tokeniser of their text,
    and ``facts`` what a model card says of them."""

    words: list[Any]
    vectors: Array
    counts: Array | None = None
    subwords: Subwords | None = None
    exact: Array | None = None
    tokens: str = "split"
    facts: Mapping[str, Any] = {}

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])


class Format:
    """A format of files: its name and help, what it can hold, its writer, and its reader.

    Attributes
    ----------
    name, about : str
        Its name, and its line in a help text.
    suffixes : tuple of str
        The suffixes by which the name of an output chooses it.
    target : {"stream", "file", "directory"}
        What it is written to: a binary stream, which may be a pipe, a path, or a new directory.
    compressible : bool
        Whether its streams may be compressed.
    any_key : bool
        Whether it preserves keys that are not words; else they are written as ``str(key)``.
    precisions : bool
        Whether it holds float16 and int8.
    composes : bool
        Whether words that it does not hold have vectors by their n-grams.
    readable : bool
        Whether it is read again, and not only for other programs.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    target: ClassVar[Literal["stream", "file", "directory"]] = "file"
    compressible: ClassVar[bool] = False
    any_key: ClassVar[bool] = False
    precisions: ClassVar[bool] = False
    composes: ClassVar[bool] = False
    readable: ClassVar[bool] = True

    def check(self, content: Content) -> None:
        """Raise InputError for what it cannot represent, MissingDependencyError for a package that it needs."""

    def write(self, content: Content, target: Any, precision: str) -> None:
        """Write to a binary stream, a path or an empty directory."""
        raise NotImplementedError

    def recognises(self, path: Path, start: bytes) -> bool:
        """Whether a file that begins with these 16 bytes, or a directory, which has none, is of this format."""
        return False

    def read(self, path: Path) -> Content:
        """Read a file; InputError, without the file's name, if it is damaged."""
        raise NotImplementedError

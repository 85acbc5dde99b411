"""Files that are whole or not there: written beside their place, fsynced, renamed; checked when read back."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from wordsparse.errors import InputError, WordsparseError

MANIFEST_BYTES = 2**24


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a failed write (disk full, quota, read-only) into a WordsparseError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise WordsparseError(f"{path}: writing failed: {error.strerror or error}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns a failed read into an InputError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A temporary directory beside ``path``, renamed to it when the block ends well, else removed.

    Files written into it must have been fsynced by then.

    Raises
    ------
    InputError
        Before the block, if ``path`` exists and is not an empty directory, or cannot be made there.
    WordsparseError
        After the block, if the rename fails.
    """
    check_new_directory(path)
    target = Path(os.path.realpath(path))
    temporary = _beside(target)
    try:
        temporary.mkdir()
    except OSError as error:
        raise InputError(f"{path}: cannot be created: {error.strerror or error}") from error
    try:
        yield temporary
        with writing(path):
            sync(temporary)
            os.rename(temporary, target)
            sync(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_new_directory(path: Path) -> None:
    """Raise InputError unless a directory can be made at ``path``: asked before the work whose result it is to hold."""
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"{path}: exists already: name another directory, or delete it first")
    if not target.parent.is_dir():
        raise InputError(f"{path}: there is no directory {target.parent}; make it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the directory {target.parent} cannot be written to")


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step: readers see what was there before or all of it.

    Raises
    ------
    WordsparseError
        If it cannot be written; what was there before stays.
    """
    temporary = _beside(path)
    try:
        with writing(path):
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_manifest(path: Path, content: Mapping[str, object]) -> None:
    """Write ``content`` as a JSON object that also holds the SHA-256 of its other members."""
    signed = {**content, "sha256": _members_digest(content)}
    write_file(path, json.dumps(signed, indent=1).encode())


def read_manifest(path: Path, format: str, version: int) -> dict[str, Any]:
    """The content of a manifest whose members ``format`` and ``version`` are the ones given.

    Raises
    ------
    InputError
        If the file is missing, too large, no JSON object, of another format or version, or was altered.
    """
    content = read_json(path, MANIFEST_BYTES)
    check_version(path, content, format, version)
    digest = content.pop("sha256", None)
    if digest != _members_digest(content):
        raise InputError(f"{path}: its content does not match its checksum: the file was altered or damaged")
    return content


def check_version(path: Path, content: Mapping[str, object], format: str, version: int) -> None:
    """Raise InputError unless ``content``, read from ``path``, says that it is ``format`` in ``version``."""
    if content.get("format") != format:
        raise InputError(f"{path}: is not a {format} file")
    if content.get("version") != version:
        raise InputError(
            f"{path}: is {format} version {content.get('version')!r}; this wordsparse reads version {version}"
        )


def read_json(path: Path, max_bytes: int | None = None) -> dict[str, Any]:
    """The JSON object in a file of at most ``max_bytes`` bytes; else InputError names the file."""
    with reading(path):
        size = path.stat().st_size
        if max_bytes is not None and size > max_bytes:
            raise InputError(f"{path}: {size:,} bytes, where at most {max_bytes:,} are expected")
        data = path.read_bytes()
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error}): is it damaged or cut short?") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object")
    return content


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members_digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _beside(path: Path) -> Path:
    # Not tempfile's: what it makes is private to its owner (mode 0600, 0700), and a rename keeps that.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file; for a directory, its entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def synced(path: Path) -> Iterator[BinaryIO]:
    """A new file to write in; on the disk when the block ends."""
    with open(path, "xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())

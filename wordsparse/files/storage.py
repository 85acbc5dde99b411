"""Writes files atomically: a file is written under a temporary name, fsynced and renamed. Reads files with
checksums."""

import errno
import glob
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import outputs, regular, system
from wordsparse.files.system import is_at, sync, try_lock, unlock

AGAIN = "restore the file, or make it again"
"""The advice in messages about a damaged file."""
MANIFEST_BYTES = 2**24
NAME_BYTES = 255
"""The maximum number of bytes in the name of a file."""
TEMPORARY_BYTES = len("..xxxxxxxx.partial")
"""The number of bytes that a temporary name adds to the name of its output."""
Content = TypeVar("Content")
_BLOCK = 2**20


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert an OSError inside the block into a WordsparseError that names ``path``, the file that the block
    writes."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = " (free some disk space, or choose another output)" if full else ""
        raise WordsparseError(f"{path}: writing failed: {error.strerror or error}{advice}") from error


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put ``path`` in front of the message of an InputError raised in the block, unless the message already begins with
    ``path``."""
    try:
        yield
    except InputError as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise type(error)(f"{path}: {error}") from error


@contextmanager
def trusting(path: Path) -> Iterator[None]:
    """Raise an InputError that names ``path`` if the block fails. The block extracts values from a file that wordsparse
    wrote, such as the members of a manifest.

    Files that wordsparse wrote are not validated beyond their checksums. Use the extracted values only after the block,
    so that errors in the program are not reported as errors in the file."""
    with naming(path):
        try:
            yield
        except InputError:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"does not have the content that this version writes ({error!r:.200}); {AGAIN}") from error


def leftovers(path: Path) -> Iterator[Path]:
    """Return the temporary directories for ``path``, including the directories left by processes that died."""
    return path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.partial")


def remove_leftovers(path: Path, *, alone: bool = False) -> None:
    """Remove the temporary directories that dead processes have left for ``path``. With ``alone``, raise InputError if
    another process is writing ``path``."""
    for leftover in leftovers(path):
        with _locked(leftover) as dead:
            if dead:
                shutil.rmtree(leftover, ignore_errors=True)
            elif alone and leftover.exists():
                raise InputError(f"{path}: another process is writing this output: wait, or name another output")


@contextmanager
def staging(path: Path, mode: int = 0o777, *, alone: bool = False) -> Iterator[Path]:
    """Make a temporary directory ``.NAME.xxxxxxxx.partial`` next to ``path``, and remove it at the end of the block.

    The directory is locked inside the block, at most as long as the process lives. Directories that dead processes have
    left for ``path`` are removed first. Raise OSError if the directory cannot be made. With ``alone``, raise InputError
    if another process is writing ``path``.
    """
    remove_leftovers(path, alone=alone)
    while True:
        # The module tempfile would make the directory private (mode 0700), and renaming would keep this mode.
        temporary = _partial_name(path)
        temporary.mkdir(mode)
        with _locked(temporary) as ours:
            if ours:
                try:
                    yield temporary
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
                return


@contextmanager
def _locked(directory: Path) -> Iterator[bool]:
    """Lock a directory inside the block. Yield whether the lock was obtained and the directory still exists."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield try_lock(descriptor) and is_at(descriptor, directory)
    finally:
        unlock(descriptor)


def remove_directory(path: Path) -> None:
    """Remove a directory atomically: if the process dies meanwhile, the directory is either complete or gone. Errors
    are ignored."""
    doomed = _partial_name(path)
    with suppress(OSError):
        os.rename(path, doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _partial_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


@contextmanager
def new_directory(path: Path, replaces: Sequence[str] = ()) -> Iterator[Path]:
    """Make a temporary directory next to ``path``. If the block succeeds, rename the directory to ``path``; otherwise
    remove it.

    The block must fsync the files that it writes. An old directory is replaced in one step, and processes that read its
    files go on, if it holds the first of the names ``replaces`` and no files but these. Before the block, raise
    InputError if ``path`` is another directory that is not empty, if it is a file, if it cannot be created, or if
    another process is writing it. Raise WordsparseError after the block if the rename fails.
    """
    target = Path(os.path.realpath(path))
    check_new_directory(path, replaces)
    with ExitStack() as stack:
        try:
            temporary = stack.enter_context(staging(target, alone=True))
        except OSError as error:
            raise InputError(f"{path}: cannot be created: {error.strerror or error}") from error
        yield temporary
        with writing(path):
            sync(temporary)
            if replaces:
                put(temporary, target)
            else:
                os.rename(temporary, target)
                sync(target.parent)


def check_new_directory(path: Path, replaces: Sequence[str] = ()) -> None:
    """Raise InputError unless a directory can be created at ``path``; see :func:`new_directory`. Call this function
    before work starts."""
    target = Path(os.path.realpath(path))
    names = {each.name for each in target.iterdir()} if target.is_dir() else {""} if os.path.lexists(target) else set()
    if names and not (replaces and replaces[0] in names <= {*replaces}):
        remedy = "name another directory, or delete this one" if path.is_dir() else "is a file: name a new directory"
        raise InputError(f"{path}: exists already: {remedy}")
    check_parent(path)


def check_parent(path: Path) -> None:
    """Raise InputError unless ``path`` and a temporary file for ``path`` can be created in its directory."""
    target = Path(os.path.realpath(path))
    parent, most = target.parent, NAME_BYTES - TEMPORARY_BYTES
    if os.fspath(path) == outputs.STANDARD_OUTPUT:
        raise InputError(f"{path}: is standard output, and a directory is needed (./- is a directory called -)")
    if not target.name:
        raise InputError(f"{path}: is the root directory: name a directory below the root")
    if len(os.fsencode(target.name)) > most:
        raise InputError(f"{path}: its name is too long: name an output of at most {most} bytes")
    if not parent.is_dir():
        if address := outputs.address(path):
            raise InputError(f"{address}: is an address, and only local files are written: copy the file there later")
        raise InputError(f"{path}: there is no directory {parent}; make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(
            f"{path}: the directory {parent} cannot be written to: choose another directory, or change the permissions"
        )


def check_file(path: Path, *, streams: bool = True) -> None:
    """Raise InputError unless a file can be written at ``path``. Call this function before work starts.

    With ``streams``, ``path`` may also be a pipe, a terminal or standard output.
    """
    if not outputs.is_stream(path):
        check_parent(path)
    elif not streams:
        raise InputError(f"{path}: is a pipe, a device or standard output, but a regular file is needed: name one")


def check_apart(output: str | os.PathLike[str], inputs: Iterable[object]) -> None:
    """Raise InputError if the output is one of the ``inputs``, possibly through a link, or a file in one of the input
    directories. Call this function before work starts. Inputs that are not paths are ignored."""
    if not os.path.isfile(output):
        return
    for each in inputs:
        if isinstance(each, str | os.PathLike):
            for file in _files_below(each) if os.path.isdir(each) else [each]:
                if os.path.exists(file) and os.path.samefile(output, file):
                    raise InputError(f"{os.fspath(output)}: is an input too, {os.fspath(file)}: name another output")


def _files_below(directory: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the files that a reader of the directory would read: all except hidden files."""
    for place, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        yield from (os.path.join(place, name) for name in names if not name.startswith(("_", ".")))


def write_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically: readers see either the old content or the new content. Streams are written
    directly.

    Raise InputError if ``path`` exists and is neither a regular file nor a stream. Raise WordsparseError, and keep the
    old content, if writing fails.
    """
    if outputs.is_stream(path):
        with outputs.stream(path) as file:
            file.write(data)
    else:
        write_files(path, lambda staged: staged.write_bytes(data))


def write_files(path: Path, write: Callable[[Path], object]) -> list[Path]:
    """Call ``write`` to write a file and its companions into a temporary directory, then move these files to the
    directory of ``path``.

    The argument of ``write`` is the path in the temporary directory with the file name of ``path``. Links are followed
    and kept; their targets are replaced. ``path`` is moved last, so that its companions exist when it appears. Return
    the files written, ``path`` first. Raise InputError if ``path`` exists and is not a regular file. Raise
    WordsparseError if writing fails; no file has been moved in this case.
    """
    check_file(path, streams=False)
    target = Path(os.path.realpath(path))
    with writing(path), staging(target) as directory:
        staged = directory / target.name
        write(staged)
        companions = sorted(file for file in directory.iterdir() if file != staged)
        for file in (*companions, staged):
            if (place := target.with_name(file.name)).exists():
                shutil.copymode(place, file)
            sync(file)
        for file in (*companions, staged):
            os.replace(file, target.with_name(file.name))
        sync(target.parent)
    return [path, *(target.with_name(file.name) for file in companions)]


def put(made: Path, path: Path, previous: Path | None = None) -> None:
    """Move a complete file or directory to ``path``, and remove the old file or directory there.

    Raise OSError if moving fails; ``path`` then keeps its content. If the file system cannot exchange old and new
    content in one step, the old content is first moved to ``previous`` (by default next to ``path``). If the process is
    killed before the new content is at ``path``, the old content stays at ``previous``.
    """
    replaces = os.path.lexists(path)
    if replaces and system.exchange(made, path):
        previous = made
    else:
        previous = previous or path.with_name(f"{path.name}.{secrets.token_hex(4)}.previous")
        if replaces:
            os.rename(path, previous)
        try:
            os.rename(made, path)
        except OSError:
            if replaces:
                os.rename(previous, path)
            raise
    sync(path.parent)
    if replaces:
        shutil.rmtree(previous) if previous.is_dir() else previous.unlink()


def read_unreplaced(directory: Path, read: Callable[[], Content]) -> Content:
    """Return the result of ``read()``, which reads files of ``directory``. If another process replaces the directory
    meanwhile, call ``read`` again."""
    while True:
        try:
            opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)  # kept open, so that its inode is not reused
        except OSError:
            return read()  # if the directory is missing, read() raises an error that names the cause
        try:
            content = read()
            if is_at(opened, directory):
                return content
            del content
        except Exception:
            if is_at(opened, directory):
                raise
        finally:
            os.close(opened)


def write_manifest(path: Path, content: Mapping[str, object]) -> None:
    """Write ``content`` as a JSON object that also holds the SHA-256 of its other members."""
    signed = {**content, "sha256": _members_digest(content)}
    write_file(path, json.dumps(signed, indent=1).encode())


def read_manifest(path: Path, format: str, version: int, *older: int) -> dict[str, Any]:
    """Read a manifest of this ``format`` and ``version``, or of one of the ``older`` versions.

    Raise InputError if the file is missing, too large, altered, not a JSON object, or of another format or version.
    """
    content = read_json(path)
    if content.get("format") != format:
        raise InputError(f"{path}: is not a {format} file; name another file")
    if content.get("version") not in (version, *older):
        raise InputError(
            f"{path}: is {format} version {content.get('version')!r}; this wordsparse reads version {version}: "
            "install another version of wordsparse, or make the file again"
        )
    digest = content.pop("sha256", None)
    if digest != _members_digest(content):
        raise InputError(f"{path}: its content does not match its checksum: the file was altered or damaged; {AGAIN}")
    return content


def read_json(path: Path, most: int = MANIFEST_BYTES) -> dict[str, Any]:
    """Read the JSON object in a regular file of at most ``most`` bytes. Raise InputError that names the file if it
    cannot be read."""
    data = regular.read_bytes(path, most)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error}): is it damaged or cut short?") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object; {AGAIN}")
    return content


def _members_digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Written:
    """A new file that is being written. The size and SHA-256 are computed during writing, so the file need not be read
    again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest, self._size = file, hashlib.sha256(), 0

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes to the file, and return the number of bytes."""
        for start in range(0, len(data), _BLOCK):  # hash each block while it is in the cache
            block = data[start : start + _BLOCK]
            self._file.write(block)
            self._digest.update(block)
        self._size += len(data)
        return len(data)

    def record(self) -> dict[str, Any]:
        """Return the size and the SHA-256 of the data so far, for a manifest."""
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}


@contextmanager
def synced(path: Path) -> Iterator[Written]:
    """Open a new file for writing, and fsync it at the end of the block."""
    with open(path, "xb") as file:
        yield Written(file)
        file.flush()
        os.fsync(file.fileno())

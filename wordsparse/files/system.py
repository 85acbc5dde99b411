"""The calls about files in which Windows differs from Linux and macOS.

Windows locks bytes of files by ``msvcrt``, cannot open a directory, flushes only files that are open for writing, and
neither removes nor renames a file that is open. It has none of the flags below, and translates line ends unless
``O_BINARY`` is given.
"""

import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

WINDOWS = os.name == "nt"
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
NO_TERMINAL: int = getattr(os, "O_NOCTTY", 0)
NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
BINARY: int = getattr(os, "O_BINARY", 0)


def _lock() -> Callable[[int], object]:
    """The function that locks an open file without waiting, or raises BlockingIOError or PermissionError."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        return lambda descriptor: msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    return lambda descriptor: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCK = _lock()


def try_lock(descriptor: int) -> bool:
    """Lock an open file or directory until it is closed or the process ends; False if another holds the lock."""
    try:
        _LOCK(descriptor)
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock(descriptor: int) -> None:
    """Close a locked file. A process that was forked meanwhile has it open too, and would keep the lock."""
    with suppress(OSError, ImportError):
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the file at ``path``; on Windows, which removes no open file, it is."""
    if WINDOWS:
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def read_at(path: Path, descriptor: int, size: int, start: int) -> bytes:
    """At most ``size`` bytes of an open file; on Windows, which has no such call, of the file at ``path``."""
    if not WINDOWS:
        return os.pread(descriptor, size, start)
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(size)


def unread(descriptor: int) -> int:
    """How many bytes stand in the pipe that the descriptor writes to; 0 for another file, and on Windows."""
    try:
        import fcntl
        import termios

        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return 0
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    except (ImportError, OSError):
        return 0


def sync(path: Path) -> None:
    """Fsync a file, or the entries of a directory, which Windows writes by itself."""
    if WINDOWS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_directory(made: Path, path: Path) -> None:
    """Rename a directory to ``path``, where an empty directory may be, which Windows does not replace."""
    if WINDOWS and path.is_dir():
        path.rmdir()
    os.rename(made, path)


def remove_lock(path: Path, descriptor: int) -> None:
    """Remove a lock file, then close it: a process that waits for the lock checks that the file still exists.

    Windows removes it when it is closed, unless another process has opened it.
    """
    if not WINDOWS:
        path.unlink(missing_ok=True)
    unlock(descriptor)
    if WINDOWS:
        with suppress(OSError):
            path.unlink(missing_ok=True)

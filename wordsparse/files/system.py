"""System calls for files: locks that end with their process, fsync, and atomic exchange."""

import ctypes
import fcntl
import os
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # constants of Linux


def try_lock(descriptor: int) -> bool:
    """Lock an open file or directory until it is closed or the process ends. Return False if another process holds the
    lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Unlock and close a file. If a forked process also has the file open, closing alone would not unlock it."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether the open file is the file at ``path``."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def exchange(first: Path, second: Path) -> bool:
    """Exchange two files or directories in one step. Return False if the system or the file system cannot do so."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second))
    return rename is not None and rename(*names, _RENAME_EXCHANGE) == 0


def sync(path: Path) -> None:
    """Write a file, or the entries of a directory, to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

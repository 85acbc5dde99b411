"""Python with the calls about files that Windows has: ``become_windows()``, called before wordsparse is imported.

POSIX modules, flags and signals are missing; directories cannot be opened; a file that this process has open or mapped,
or a directory that holds one, is neither removed nor renamed; a rename replaces nothing; only files that are open for
writing are flushed. Paths, processes and all else stay those of this machine.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import subprocess  # noqa: F401 - while there is no msvcrt, by which it knows Windows
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULES = ("fcntl", "resource", "pwd", "grp", "termios")
CALLS = (
    *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_DIRECTORY", "posix_fallocate", "sched_getaffinity"),
    *("register_at_fork", "fork", "mkfifo", "pread", "getuid", "getloadavg", "statvfs"),
)
SIGNALS = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE")


def become_windows() -> None:
    """Change this process; not to be undone."""
    _change_files()
    sys.modules["msvcrt"] = _msvcrt()

    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in CALLS:
        vars(os).pop(name, None)
    for name in SIGNALS:
        delattr(signal, name)
    load = ctypes.CDLL.__init__

    def named(self: ctypes.CDLL, name: str | None, *arguments: Any, **options: Any) -> None:
        if name is None:
            raise TypeError("argument of type 'NoneType' is not iterable")
        load(self, name, *arguments, **options)

    ctypes.CDLL.__init__ = named  # type: ignore[assignment,method-assign]
    import wordsparse.files.system as system

    system.WINDOWS = True


def _msvcrt() -> types.ModuleType:
    module: Any = types.ModuleType("msvcrt")
    module.LK_NBLCK = 2
    exclusive = fcntl.LOCK_EX | fcntl.LOCK_NB

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (module.LK_NBLCK, 1)
        try:
            fcntl.flock(descriptor, exclusive)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    module.locking = locking
    return module  # type: ignore[no-any-return]


def _in_use() -> list[str]:
    """The paths of the files that this process has open or mapped."""
    found = [line.split(maxsplit=5)[5:] for line in Path("/proc/self/maps").read_text().splitlines()]
    paths = [path[0] for path in found if path]
    for link in Path("/proc/self/fd").iterdir():
        try:
            paths.append(os.readlink(link))
        except OSError:  # the descriptor of this loop
            continue
    return paths


def _change_files() -> None:
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    open_, fsync = os.open, os.fsync

    def opened(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return open_(path, flags, mode, **options)

    def flushed(file: Any) -> None:
        number = file if isinstance(file, int) else file.fileno()
        if fcntl_flags(number) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        fsync(number)

    get_flags, fcntl_call = fcntl.F_GETFL, fcntl.fcntl

    def fcntl_flags(number: int) -> int:
        return fcntl_call(number, get_flags)

    def exclusive(call: Callable[..., Any], replaces: bool) -> Callable[..., Any]:
        def changed(path: Any, *others: Any, **options: Any) -> Any:
            for name in (path, *others):
                full = os.path.realpath(name)
                if any(used == full or used.startswith(full + os.sep) for used in _in_use()):
                    raise PermissionError(errno.EACCES, "The file is in use by another process", name)
            if others and os.path.lexists(others[0]) and not (replaces and os.path.isfile(others[0])):
                raise FileExistsError(errno.EEXIST, "The file exists already", others[0])
            return call(path, *others, **options)

        return changed

    os.open, os.fsync = opened, flushed  # type: ignore[assignment]
    os.rename, os.replace = exclusive(os.rename, False), exclusive(os.replace, True)
    os.unlink, os.remove, os.rmdir = (exclusive(call, False) for call in (os.unlink, os.remove, os.rmdir))

"""The amount of memory that this process can still allocate, given all the limits that apply to the process."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

from wordsparse.errors import InputError

# For the controller in a line of /proc/self/cgroup ("" with version 2): the directory of the groups, the files with
# the limit and the memory in use, and the field of memory.stat with the cached files that can be freed.
_CGROUP_FILES = {
    "": ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def check(need: int, what: str, advice: str = "") -> None:
    """Raise an InputError if ``need`` bytes for ``what`` do not fit into the memory that is left. The message states
    how much is needed and how much is left."""
    limit = min(limits(), default=None)
    if limit is not None and need > limit[0]:
        raise InputError(
            f"not enough memory: {what} needs about {shown(need)}, but {shown(limit[0])} are left ({limit[1]}){advice}"
        )


def limits() -> Iterator[tuple[int, str]]:
    """Yield, for each limit, the number of bytes that it leaves and the name of the limit."""
    if (available := _number(Path("/proc/meminfo"), "MemAvailable")) is not None:
        yield available * 1024, "available memory"
    yield from _cgroup_left()


def _cgroup_left() -> Iterator[tuple[int, str]]:
    """Yield, for every visible memory cgroup of the process, the limit minus the memory in use that cannot be freed.

    A line of /proc/self/cgroup is ``0::/a/b`` for version 2, and ``4:memory:/a/b`` for version 1.
    """
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controller, path in (line.split(":", 2) for line in lines):
        if controller not in _CGROUP_FILES:
            continue
        root, maximum, current, cached = _CGROUP_FILES[controller]
        folder = Path(root) / path.lstrip("/")
        for group in (folder, *(parent for parent in folder.parents if parent.is_relative_to(Path(root)))):
            limit, used = _number(group / maximum, None), _number(group / current, None)
            if limit is not None and used is not None:
                cache = _number(group / "memory.stat", cached) or 0
                yield max(0, limit - used + cache), "the memory limit of its control group"


def _number(path: Path, field: str | None) -> int | None:
    """Return the number that follows ``field`` in a file. Without ``field``, the whole file is one number. Return None
    if there is no number."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        words = line.replace(":", " ").split()
        if words and (field is None or words[0] == field):
            value = words[0] if field is None else words[1]
            return int(value) if value.isdigit() else None
    return None


def shown(size: int) -> str:
    """Return a number of bytes in a readable unit."""
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def give_back() -> None:
    """Release the allocator's unused memory pages to the system, if the C library can do this (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

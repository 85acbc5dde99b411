"""How much memory a run takes, and how much there is: asked before it starts.

The arrays of the state are counted exactly. What a step needs besides is measured once, as multiples of a row for each
unique word of a minibatch, of a d×d matrix, of a pair of words and of a bag (tools/memory.py measures again).
"""

import resource
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from wordsparse.errors import InputError
from wordsparse.machine.description import memory_bytes

# float32 rows of d numbers that a step holds for each unique word; float64 matrices of d×d numbers; bytes for each
# pair of words, or for each bag of them; and bytes whatever the sizes.
ROWS_PER_WORD = 4.0
SQUARES = 26
BYTES_PER_PAIR = 110
BYTES_PER_BAG = 260
BYTES = 20 * 10**6
# Of each word besides its two rows: mass, base measure and counts (float64), thresholds and places (int32).
BYTES_PER_WORD = 32
# A checkpoint is written from a copy of the state, through blocks.
COPY_BLOCKS = 2**25
MOST = 2**62


@dataclass(frozen=True)
class Need:
    """What a run takes beside what its process holds already, in bytes.

    ``words``, ``pairs`` and ``bags`` are those of one minibatch; with ``checkpoints``, a copy of the state is made now
    and then.
    """

    vocab_size: int
    dim: int
    words: int
    pairs: int
    checkpoints: bool
    bags: int = 0

    @property
    def training(self) -> int:
        """Without the copy for a checkpoint."""
        d, words = self.dim + 1, min(self.words, self.vocab_size)
        step = 4 * d * ROWS_PER_WORD * words + 8 * SQUARES * d * d + BYTES
        step += BYTES_PER_PAIR * self.pairs + BYTES_PER_BAG * self.bags
        return self._rows() + BYTES_PER_WORD * self.vocab_size + int(step)

    @property
    def copy(self) -> int:
        """The copy for a checkpoint, 0 where there is none."""
        return self.state + COPY_BLOCKS if self.checkpoints else 0

    @property
    def state(self) -> int:
        """The whole state of the run, which a model holds too."""
        return self._rows() + 8 * (self.vocab_size + 6 * (self.dim + 1) ** 2)

    @property
    def total(self) -> int:
        """At the worst moment."""
        return self.training + self.copy

    def _rows(self) -> int:
        return 4 * self.vocab_size * (2 * self.dim + 1)

    def check(self) -> None:
        """Refuse a run that cannot fit.

        Raises
        ------
        InputError
            With the numbers, and what would fit.
        """
        limits = list(_left())
        if not limits:
            return
        left, where = min(limits)
        if self.total <= left:
            return
        raise InputError(
            f"not enough memory: dim {self.dim} with {self.vocab_size:,} words needs about {_shown(self.total)}, but "
            f"{_shown(left)} are left ({where}); {self._advice(left)}"
        )

    def _advice(self, left: int) -> str:
        fits = []
        if self.checkpoints and self.training <= left:
            fits.append("checkpoint_every 0")
        for name, option in (("dim", "dim"), ("vocab_size", "max_vocab")):
            if most := self._largest(name, left):
                fits.append(f"{option} {most}")
        return f"what would fit: {', or '.join(fits)}" if fits else "free some memory"

    def _largest(self, name: str, left: int) -> int:
        """The largest value of a field, below its own, with which the run fits; 0 if there is none."""
        low, high = 0, getattr(self, name)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if replace(self, **{name: middle}).total <= left else (low, middle)
        return low


def check_dim(dim: int) -> None:
    """Refuse a dimension that no vocabulary could make fit, before a text is read."""
    Need(1, dim, 0, 0, False).check()


def estimated_peak(need: Need) -> int:
    """What the process will have held at most, without checkpoints, if the run starts now; 0 where it is not known."""
    try:
        return max(memory_bytes("VmHWM"), memory_bytes("VmRSS") + need.training)
    except (OSError, LookupError):
        return 0


def _left() -> Iterator[tuple[int, str]]:
    """Bytes that this process may still take, by everything that limits it."""
    if (available := _number(Path("/proc/meminfo"), "MemAvailable")) is not None:
        yield available * 1024, "available memory"
    for limit, field, what in (
        (resource.RLIMIT_AS, "VmSize", "RLIMIT_AS"),
        (resource.RLIMIT_DATA, "VmData", "RLIMIT_DATA"),
    ):
        soft, _ = resource.getrlimit(limit)
        if soft != resource.RLIM_INFINITY and (used := _number(Path("/proc/self/status"), field)) is not None:
            yield max(0, soft - used * 1024), what
    yield from _cgroup_left()


def _cgroup_left() -> Iterator[tuple[int, str]]:
    """Of every memory cgroup that can be seen, version 2 or 1: its limit less what it holds and cannot give back."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = Path("/sys/fs/cgroup"), ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = Path("/sys/fs/cgroup/memory")
        else:
            continue
        folder = root / path.lstrip("/")
        for group in (folder, *(parent for parent in folder.parents if parent.is_relative_to(root))):
            limit, used = (_number(group / name, None) for name in names[:2])
            if limit is not None and used is not None and limit < MOST:
                cache = _number(group / "memory.stat", names[2]) or 0
                yield max(0, limit - used + cache), "the memory limit of its control group"


def _number(path: Path, field: str | None) -> int | None:
    """The number after ``field`` in a file of lines, or the one in a file of one number; None if there is none."""
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


def _shown(size: int) -> str:
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"

"""The limits on the memory of a process."""

from pathlib import Path

import pytest

from wordsparse.errors import InputError
from wordsparse.machine import memory


def test_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = tmp_path / "cgroup"
    (groups / "a/b").mkdir(parents=True)
    for path, content in {
        "a/memory.max": "1000",
        "a/memory.current": "700",
        "a/memory.stat": "anon 5\ninactive_file 100\n",
        "a/b/memory.max": "max",
        "a/b/memory.current": "10",
    }.items():
        (groups / path).write_text(content)
    (tmp_path / "self").write_text("4:pids:/c\n0::/a/b\n")

    def moved(path: str) -> Path:
        return {"/proc/self/cgroup": tmp_path / "self"}.get(path) or Path(path.replace("/sys/fs/cgroup", str(groups)))

    monkeypatch.setattr(memory, "Path", moved)
    assert sorted(size for size, _ in memory._cgroup_left()) == [400]


def test_the_tightest_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "limits", lambda: iter([(5 * 10**9, "a large limit"), (2 * 10**9, "a small limit")]))
    memory.check(2 * 10**9, "a layer")
    message = r"not enough memory: a layer needs about 3.00 GB, but 2.00 GB are left \(a small limit\)"
    with pytest.raises(InputError, match=message):
        memory.check(3 * 10**9, "a layer")
    monkeypatch.setattr(memory, "limits", lambda: iter([]))
    memory.check(10**30, "a layer")

"""The limits on the memory of a process."""

from pathlib import Path

import pytest

from wordsparse.errors import InputError
from wordsparse.machine import memory


@pytest.mark.parametrize(
    ("line", "folder", "files"),
    [
        ("0::/a/b", "", ("memory.max", "memory.current", "inactive_file", "max")),
        (
            "4:memory:/a/b",
            "memory",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", str(2**63 - 4096)),
        ),
    ],
)
def test_control_groups(line, folder, files, tmp_path, monkeypatch):
    """Previously, only version 2 was read."""
    groups, (maximum, current, cached, unlimited) = tmp_path / "cgroup", files
    (groups / folder / "a/b").mkdir(parents=True)
    for path, content in {
        f"a/{maximum}": "1000",
        f"a/{current}": "700",
        "a/memory.stat": f"anon 5\n{cached} 100\n",
        f"a/b/{maximum}": unlimited,
        f"a/b/{current}": "10",
    }.items():
        (groups / folder / path).write_text(content)
    (tmp_path / "self").write_text(f"9:name=systemd:/c\n{line}\n")

    def moved(path):
        return {"/proc/self/cgroup": tmp_path / "self"}.get(path) or Path(path.replace("/sys/fs/cgroup", str(groups)))

    monkeypatch.setattr(memory, "Path", moved)
    assert min(size for size, _ in memory._cgroup_left()) == 400


def test_the_tightest_limit_counts(monkeypatch):
    monkeypatch.setattr(memory, "limits", lambda: iter([(5 * 10**9, "a large limit"), (2 * 10**9, "a small limit")]))
    memory.check(2 * 10**9, "a layer")
    message = r"not enough memory: a layer needs about 3.00 GB, but 2.00 GB are left \(a small limit\)"
    with pytest.raises(InputError, match=message):
        memory.check(3 * 10**9, "a layer")
    monkeypatch.setattr(memory, "limits", lambda: iter([]))
    memory.check(10**30, "a layer")

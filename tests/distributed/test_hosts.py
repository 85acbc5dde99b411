"""``wordsparse doctor --hosts`` asks hosts by ssh before a launcher does."""

import json
import os
import sys
from pathlib import Path

import pytest

from wordsparse.cli import main
from wordsparse.distributed import hosts
from wordsparse.errors import InputError

# Hosts by name: one that runs what it is told, and others that fail as ssh or the host would.
SSH = """#!/bin/sh
while [ "$1" = -o ]; do shift 2; done
host=$1; shift
case "$host" in
    good) echo "welcome to good"; exec sh -c "$*" ;;
    older) sh -c "$*" | sed 's/"wordsparse": "[^"]*"/"wordsparse": "0.0.9"/' ;;
    bare) echo "sh: python: not found" >&2; exit 127 ;;
    slow) exec sleep 60 ;;
    *) echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255 ;;
esac
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("ssh")
def test_hosts_that_answer_and_are_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostfile = tmp_path / "hosts"
    hostfile.write_text("# two of them\ngood:4\n\nlocalhost slots=2 # this one\n")
    assert main(["doctor", "--hostfile", str(hostfile)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [f"host      {name}: answers, and is like this machine" for name in ("good", "localhost")]
    assert main(["doctor", "--hosts", "good", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hosts"]["good"]["wordsparse"] == found["wordsparse"]


@pytest.mark.usefixtures("ssh")
def test_one_line_names_every_host_that_cannot_take_part(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--hosts", "good,two,older,bare"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "wordsparse: host two cannot be reached (ssh: connect to host two port 22: Connection refused); host older has "
        "wordsparse 0.0.9, this machine "
    )
    assert f"; host bare has no {sys.executable} with wordsparse (sh: python: not found): " in said.err
    assert said.err.endswith(": mend or leave out what is named, no rank can start there\n")
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("ssh")
def test_a_host_that_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(hosts, "ANSWER", 0.2)
    assert main(["doctor", "--hosts", "slow"]) == 2
    assert "host slow has not answered for 0.2 s: " in capsys.readouterr().err


def test_names_that_ssh_would_misread_are_refused(tmp_path: Path) -> None:
    for name in ("-oProxyCommand=x", "a b", ""):
        with pytest.raises(InputError, match="is no name of a host"):
            hosts.check([name], {})
    with pytest.raises(InputError, match="hosts: at most 4,096 can be asked"):
        hosts.check([f"h{number}" for number in range(5000)], {})
    empty = tmp_path / "empty"
    empty.write_text("# nobody\n")
    with pytest.raises(InputError, match="names no host; write one a line"):
        hosts.read_hostfile(empty)


def test_without_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor", "--hosts", "two"]) == 2
    assert "host two cannot be asked: there is no ssh on this machine" in capsys.readouterr().err

"""Commands whose standard streams are pipes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pipe(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command whose standard streams are pipes."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-m", "wordsparse", *command], text=True, **streams) as process:  # type: ignore[call-overload]
        yield process


def answer(process: "subprocess.Popen[str]", line: str) -> str:
    """Write ``line``, keep the input open, and return the line that the command answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline()

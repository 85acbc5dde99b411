"""Commands whose standard streams are pipes."""

import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def pipe(*command):
    """Run a command whose standard streams are pipes."""
    program, pipe = [sys.executable, "-m", "wordsparse", *command], subprocess.PIPE
    with subprocess.Popen(program, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        yield process


def answer(process, line):
    """Write ``line``, keep the input open, and return the line that the command answers."""
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline()

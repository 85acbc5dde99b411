"""Runs command lines one after the other, each in a forked process, on a disk that lies: see lying_disk.c.

Run as a script with the compiled lying_disk.c preloaded: reads a list of [lie, arguments] as JSON from standard input,
a lie being the environment variables that the preloaded library reads; writes a list of [status, standard error].
"""

import json
import os
import sys
import tempfile

from wordsparse.cli import encode, export, main, train  # noqa: F401 - imported once, before the forks


def run(lie: dict[str, str], arguments: list[str]) -> tuple[int, str]:
    """The exit status of a command line, and what it wrote to standard error."""
    with tempfile.TemporaryFile("w+") as errors:
        child = os.fork()
        if child == 0:
            os.dup2(errors.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os.environ.update(lie)
            os._exit(main(arguments))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        errors.seek(0)
        return status, errors.read()


if __name__ == "__main__":
    json.dump([run(lie, arguments) for lie, arguments in json.load(sys.stdin)], sys.stdout)

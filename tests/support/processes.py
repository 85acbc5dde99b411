"""Commands in processes that tests can kill. They start fast, as forks of a process that has imported everything."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["wordsparse.cli.train", "wordsparse.training.output_run"])


def start(arguments: Sequence[str], errors: Path) -> BaseProcess:
    """Run the command line in a new process, with standard error in a file."""
    process = SERVER.Process(target=_run, args=(list(arguments), str(errors)))
    process.start()
    return process


def finish(process: BaseProcess) -> int:
    """Wait for the process and return its exit status; for a killed process, the negative signal."""
    process.join(60)
    assert process.exitcode is not None, "it hangs"
    status = process.exitcode
    process.close()
    return status


def wait_for(condition: Callable[[], bool], process: BaseProcess) -> bool:
    """Poll until the condition holds; False if the process ends first."""
    while process.exitcode is None:
        if condition():
            return True
        time.sleep(0.0005)
    return False


def _run(arguments: list[str], errors: str) -> None:
    from wordsparse.cli import main

    # If a shell starts the tests in the background, they inherit an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.exit(main(arguments))

"""``mpiexec -n N python -m wordsparse.distributed CORPUS -o MODEL``: the command ``train``, on N ranks.

Signals are handled only once MPI has started: if a rank exited earlier, MPICH's launcher would leave the other ranks
waiting for it. MPI may install handlers, as UCX does for SIGHUP, so our handlers are installed after MPI has started.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from wordsparse import signals
from wordsparse.cli import main, terminal
from wordsparse.cli.train import TrainCommand, run
from wordsparse.cli.train import command as alone
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.distributed.ranks import world
from wordsparse.distributed.run import train
from wordsparse.errors import InputError


@click.command(
    cls=TrainCommand, params=alone.params, help="`wordsparse train`, by the processes that mpiexec has started."
)
def command(corpus: tuple[Path, ...], output: Path, quiet: bool, as_json: bool, **options: Any) -> None:
    """Train as `wordsparse train` does, on all ranks."""
    if STANDARD_INPUT in corpus:
        raise InputError("-: standard input reaches one rank only: write the text to a file that all ranks see")
    run(train, corpus, output, quiet, as_json, options, writes=world().rank == 0)


def start() -> int:
    """Run the command on this rank and return the exit status. Only rank 0 prints."""
    terminal.prepare()
    try:
        if world().rank > 0:
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    except InputError as error:
        terminal.say([f"wordsparse: {error}"])
        return 2
    signals.answer()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.SIGNALS)
    return main(command=command, name="python -m wordsparse.distributed")

"""MPICH's launcher, Hydra, does not notice a process that exits before it has started MPI: the others wait for ever."""

import os
import sys
import time
from contextlib import suppress

# Seconds in which Hydra passes on what a process has written: of a job that it ends it reads nothing more.
PASSED_ON = 1.0


def abort(status: int) -> None:
    """Before this process exits, ask Hydra to end all with this exit status, unless this one has started MPI.

    Other launchers end them by themselves, and nothing is written to them.
    """
    descriptor = os.environ.get("PMI_FD", "")
    if not descriptor.isdecimal():
        return
    time.sleep(PASSED_ON)
    if "mpi4py.MPI" not in sys.modules:
        with suppress(OSError):
            os.write(int(descriptor), b"cmd=abort exitcode=%d\n" % status)

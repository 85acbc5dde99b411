"""What MPICH's launcher, Hydra, needs of a process that ends a job."""

import os
import sys
import time
from contextlib import suppress

from wordsparse.files.system import unread

# Seconds to wait for a launcher to read; it does not, where nobody reads its own output.
PATIENCE = 10.0


def wait_until_read() -> None:
    """Wait until the launcher has read all that this process has written.

    Of a job that it ends, Hydra reads nothing more. What it has read cannot be lost: on each host one process reads
    the output of the ranks and their requests in turn, and sends both on through one connection.
    """
    end = time.monotonic() + PATIENCE
    while unread(1) + unread(2) > 0 and time.monotonic() < end:
        time.sleep(0.005)


def abort(status: int) -> None:
    """Before this process exits, ask Hydra to end all with this exit status, unless this one has started MPI.

    Hydra does not notice a process that exits before it has started MPI: the others would wait for ever. Other
    launchers end them by themselves, and nothing is written to them.
    """
    descriptor = os.environ.get("PMI_FD", "")
    if not descriptor.isdecimal():
        return
    wait_until_read()
    if "mpi4py.MPI" not in sys.modules:
        with suppress(OSError):
            os.write(int(descriptor), b"cmd=abort exitcode=%d\n" % status)

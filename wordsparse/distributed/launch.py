"""The ranks that a launcher has started, and the launcher."""

import shutil
import sys
from functools import cache
from pathlib import Path

from wordsparse.distributed.ranks import ONE, Ranks
from wordsparse.machine.launcher import place


@cache
def ranks() -> Ranks:
    """The ranks that the launcher started; collective where there are several.

    From here on the launcher notices where a rank ends by itself, and ends the others.

    Raises
    ------
    MissingDependencyError
        If there are several and mpi4py is not installed, or finds no MPI.
    InputError
        If the MPI that mpi4py finds is not the launcher's.
    """
    expected = place()[1]
    if expected == 1:
        return ONE
    from wordsparse.distributed.mpi import MpiRanks

    return MpiRanks(expected)


def mpiexec() -> str | None:
    """The launcher beside this Python, or else on the path; None where there is none."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")

"""The ranks that a launcher has started."""

from functools import cache

from wordsparse.distributed.mpi import MpiRanks
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
    return ONE if expected == 1 else MpiRanks(expected)

"""Whether a launcher (mpiexec, srun) has started this process as one of several. MPI itself is not started here."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from wordsparse.distributed import hydra
from wordsparse.distributed.ranks import ONE, Ranks

# The variables of MPICH and its relatives, Open MPI, and Slurm: the number of this process, and of all.
VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)
# The number of this process among those of its host.
ON_HOST = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
# Seconds in which the first process of a host, if it fails as this one does, has said so and ended all.
LATER = 4.0


def place(environ: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """The number of this process, and how many there are: (0, 1) without a launcher."""
    for rank, size in VARIABLES:
        found = environ.get(rank, ""), environ.get(size, "")
        if all(number.isdecimal() for number in found) and int(found[1]) > 1:
            return int(found[0]), int(found[1])
    return 0, 1


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


def give_up(say: Callable[[], object]) -> None:
    """End a process that cannot start MPI, after it has said why, and the others, which would wait for it.

    The processes of a host fail alike: the first one speaks, and the others only where it does not.
    """
    if not any(os.environ.get(name) == "0" for name in ON_HOST):
        time.sleep(LATER)
    say()
    hydra.abort(2)


def leave_together(error: BaseException) -> None:
    """Wait for the other ranks, if all of them end by this error: where one leaves, its launcher ends the others, which
    may still speak."""
    if ranks.cache_info().currsize == 0:
        return
    here = ranks()
    if here.size > 1 and here.agreed is not None and here.agreed in (error, error.__cause__):
        hydra.wait_until_read()
        here.barrier()


def mpiexec() -> str | None:
    """The launcher beside this Python, or else on the path; None where there is none."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")

"""Whether a launcher (mpiexec, srun) has started this process as one of several."""

import os
from collections.abc import Mapping

# The variables of MPICH and its relatives, Open MPI, and Slurm: the number of this process, and of all.
VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)


def place(environ: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """The number of this process, and how many there are: (0, 1) without a launcher."""
    for rank, size in VARIABLES:
        found = environ.get(rank, ""), environ.get(size, "")
        if all(number.isdecimal() for number in found) and int(found[1]) > 1:
            return int(found[0]), int(found[1])
    return 0, 1

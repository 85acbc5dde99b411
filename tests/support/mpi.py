"""Programs on several ranks, started with the mpiexec of the environment or of this machine."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wordsparse import optional

# Open MPI runs as root, or more ranks than cores, only if told to.
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
SECONDS = 300
# Open MPI's launcher adds text to the output of a failed program: blocks between lines of dashes, and PMIX errors.
OF_THE_LAUNCHER = re.compile(r"^-{60,}\n.*?^-{60,}\n|^\[\S+:\d+\] PMIX ERROR[^\n]*\n|\0", re.DOTALL | re.MULTILINE)


def mpiexec() -> str | None:
    """Return the path of mpiexec: next to this Python, or else on PATH; None if there is none."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


needs_mpi = pytest.mark.skipif(
    mpiexec() is None or not optional.installed("mpi4py"), reason="there is no mpiexec, or no mpi4py"
)


def command(ranks: int, *program: object) -> list[str]:
    """Return the command that runs a Python program on ``ranks`` ranks."""
    return [str(mpiexec()), "-n", str(ranks), sys.executable, *map(str, program)]


def launched(ranks: int, *program: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and remove the launcher's additions from its standard error."""
    run = subprocess.run(
        command(ranks, *program), cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout, own_words(run.stderr))


def started(ranks: int, *arguments: object) -> subprocess.Popen[str]:
    """Start ``python -m wordsparse.distributed`` on ``ranks`` ranks."""
    program = command(ranks, "-m", "wordsparse.distributed", *arguments)
    return subprocess.Popen(program, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Wait for a condition as long as the process runs."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def ranks_of(output: Path) -> dict[int, int]:
    """Return the process ids of the running ranks that train for this output, by rank."""
    processes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments, variables = ((folder / part).read_bytes().split(b"\0") for part in ("cmdline", "environ"))
        except OSError:
            continue
        names = [one for one in variables if one.startswith((b"PMI_RANK=", b"OMPI_COMM_WORLD_RANK="))]
        if names and os.fsencode(output) in arguments and b"mpiexec" not in arguments[0]:
            processes[int(names[0].partition(b"=")[2])] = int(folder.name)
    return processes


def own_words(errors: str) -> str:
    """Return the output of the programs, without the launcher's additions."""
    return OF_THE_LAUNCHER.sub("", errors)


def train(ranks: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``python -m wordsparse.distributed`` on ``ranks`` ranks."""
    return launched(ranks, "-m", "wordsparse.distributed", *arguments)

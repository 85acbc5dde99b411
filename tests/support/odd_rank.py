"""``wordsparse`` on ranks of which some are unlike the others.

    python odd_rank.py KIND RANKS ARGUMENTS…

On the RANKS, such as ``0,1``, mpi4py is missing (``no-mpi4py``), the version is another one (``version``), no file
may grow beyond 4 KiB (``full-disk``), the working directory is ``other``, where files of the same names are
(``text``), or SIGTERM comes before MPI has started (``signal``).
"""

import importlib.metadata
import os
import resource
import signal
import sys

from wordsparse.__main__ import run
from wordsparse.distributed import launch

kind, odd = sys.argv[1:3]
del sys.argv[1:3]
here = next(os.environ[name] for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK") if name in os.environ)
if here in odd.split(","):
    if kind == "no-mpi4py":
        sys.modules["mpi4py"] = None  # type: ignore[assignment]
    elif kind == "version":
        version = importlib.metadata.version
        importlib.metadata.version = lambda name: "0.0.9" if name == "wordsparse" else version(name)
    elif kind == "text":
        os.chdir("other")
    elif kind == "full-disk":
        launch.ranks()  # MPI makes files of its own when it starts
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    elif kind == "signal":
        mask = signal.pthread_sigmask

        def masked(how: int, signals: list[int]) -> object:
            before = mask(how, signals)
            if how == signal.SIG_BLOCK:
                os.kill(os.getpid(), signal.SIGTERM)
            return before

        signal.pthread_sigmask = masked  # type: ignore[assignment]

run()

"""``wordsparse`` on ranks of which some are unlike the others.

    python odd_rank.py KIND RANKS ARGUMENTS…

On the RANKS, such as ``0,1``, mpi4py is missing (``no-mpi4py``), the version is another one (``version``), no file
may grow beyond 4 KiB (``full-disk``), or the working directory is ``other``, where files of the same names are
(``text``). It takes 20 seconds to read its part of a text that is encoded and to write its first checkpoint
(``slow``), or is stopped when it reads (``stops``).
Before MPI is started, SIGTERM comes (``signal``), the process exits (``dies``), or an error is raised that
nobody expects (``bug``).
"""

import importlib.metadata
import os
import resource
import signal
import sys
import time
from functools import cache
from typing import Any

from wordsparse.__main__ import run
from wordsparse.distributed import encoding, launch
from wordsparse.training.checkpoints import Checkpointer

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
    elif kind == "signal":
        launch.ranks = cache(lambda: os.kill(os.getpid(), signal.SIGTERM))  # type: ignore[assignment,arg-type]
    elif kind == "dies":
        os._exit(1)
    elif kind == "bug":
        launch.ranks = None  # type: ignore[assignment]
    elif kind in ("slow", "stops"):
        read = encoding.read_parts

        def odd_reading(*given: Any) -> Any:
            if kind == "stops":
                os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(20)
            return read(*given)

        encoding.read_parts = odd_reading
        write, waits = Checkpointer._write, [20]

        def slow_writing(*given: Any) -> None:
            time.sleep(waits.pop() if waits else 0)
            write(*given)

        Checkpointer._write = slow_writing  # type: ignore[method-assign]
    elif kind == "full-disk":
        launch.ranks()  # MPI makes files of its own when it starts
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

run()

"""Training by several processes (ranks), each of which owns some rows of the state; see docs/hardware.md.

``run.py`` has ``train``: rank 0 prepares the run, the other ranks copy its state, and all ranks train together.
``share.py`` divides the rows and the examples of a step. ``agreement.py`` makes all ranks begin and end together.
``ranks.py`` wraps MPI. ``command.py`` is the program for ``mpiexec -n N python -m wordsparse.distributed``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wordsparse.distributed.run import train

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that the program can block signals before it imports anything else.
    if name != "train":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wordsparse.distributed.run import train

    return train

"""Training by several processes (ranks), each of which owns some rows of the state; see docs/hardware.md.

``run.py`` has ``train``: rank 0 prepares the run, the other ranks copy its state, and all ranks train together.
``share.py`` divides the rows and the examples of a step. ``agreement.py`` makes all ranks begin and end together.
``ranks.py`` wraps MPI. ``__main__.py`` is the program for ``mpiexec -n N python -m wordsparse.distributed``.
"""

from wordsparse.distributed.run import train

__all__ = ["train"]

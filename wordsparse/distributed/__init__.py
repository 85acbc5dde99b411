"""One training by several processes (ranks), each with the whole of its state; see docs/mpi.md.

``run.py`` has ``train``: rank 0 prepares the run, the others follow it, and all take its steps. ``share.py`` adds up
what the parts of a minibatch pull. ``agreement.py`` lets all begin and end together. ``ranks.py`` is MPI,
``__main__.py`` is ``mpiexec -n N python -m wordsparse.distributed``.
"""

from wordsparse.distributed.run import train

__all__ = ["train"]

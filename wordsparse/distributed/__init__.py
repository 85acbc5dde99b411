"""One exact training over several processes (ranks), whose rows are sharded; see docs/mpi.md.

``run.py`` has the faces, ``train`` and ``encode``, and the run that ranks share. ``ranks.py`` is the interface of
communication, by which all ranks begin and end together, ``mpi.py`` its implementation over MPI, ``launch.py`` starts
it. ``owners.py`` says which rank owns a row, ``route.py`` brings the rows of a minibatch to the ranks that need them
and their sums back. ``gpus.py`` gives each rank a GPU where they are asked for, and lets its arrays travel.
``layer.py``, ``inputs.py`` and ``embedding.py`` put these under the equations of :mod:`wordsparse.layer` and
:mod:`wordsparse.words`, which stand there alone; ``output.py`` is the layer for other callers, ``encoding.py`` encodes
a text.
"""

from wordsparse.distributed.run import encode, train

__all__ = ["encode", "train"]

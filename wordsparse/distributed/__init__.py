"""One exact training over several processes (ranks), whose rows are sharded; see docs/mpi.md.

``ranks.py`` is the interface of communication, ``mpi.py`` its implementation over MPI, ``launch.py`` finds out whether
a launcher started this process as one of several, ``agreement.py`` lets all ranks begin and end together.
``watchdog.py`` ends a rank that the others have left, of which ``heartbeat.py`` knows. ``owners.py``
says which rank owns a row, ``route.py`` brings the rows of a minibatch to the ranks that need them and their sums back.
``gpus.py`` gives each rank a GPU where they are asked for, and ``staging.py`` lets arrays of GPUs travel.
``layer.py``, ``inputs.py`` and ``embedding.py`` put these under the equations of :mod:`wordsparse.layer` and
:mod:`wordsparse.words`, which stand there alone; ``output.py`` is the layer for callers of one's own. ``traffic.py``
counts the bytes of steps, and ``hosts.py`` asks hosts before a run.
"""

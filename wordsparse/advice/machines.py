"""How many machines such as this one hold the training of a text, whose rows are shared over MPI (docs/mpi.md)."""

from wordsparse.machine.memory import least_left
from wordsparse.training.memory import Need
from wordsparse.words.recipe import recommended

# The words, their numbers and their counts are on each machine: strings, a list and a table of Python.
BYTES_PER_WORD = 200
MAX_MACHINES = 4096


def needed(words: int, dim: int) -> tuple[int, dict[str, float]]:
    """The number of machines, and for a sentence the gigabytes that one needs and those that are left."""
    limit, alone = least_left(), _bytes(words, dim, 1)
    if limit is None or alone <= limit[0]:
        return 1, {}
    machines = 2
    while machines < MAX_MACHINES and _bytes(words, dim, machines) > limit[0]:
        machines += 1
    return machines, {"machines": machines, "need": alone / 1e9, "left": limit[0] / 1e9}


def _bytes(words: int, dim: int, machines: int) -> int:
    batch = recommended("cbow", "bounded-ns").batch_tokens // machines
    need = Need(words, dim, min(words, batch), 0, checkpoints=False, bags=batch, ranks=machines)
    return need.training + BYTES_PER_WORD * words

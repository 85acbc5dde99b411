"""The layer over several ranks takes the steps of the layer of one process."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.mpi import launched, needs_mpi
from support.sharded import WIDTH, D, check_steps

from wordsparse.distributed.output import ShardedOutput
from wordsparse.distributed.ranks import ONE, Ranks
from wordsparse.errors import InputError
from wordsparse.layer.losses import LOSSES


@pytest.mark.parametrize("measure", [None, np.linspace(1, 3, D)], ids=["counted", "weighted"])
@pytest.mark.parametrize("loss", LOSSES)
def test_one_rank_takes_the_steps_of_a_layer_of_one_process(loss: str, measure: np.ndarray | None) -> None:
    check_steps(ONE, loss, measure)


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_several_ranks_take_the_same_steps(size: int) -> None:
    run = launched(size, __file__)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("alike") == size


def check_refusals(ranks: Ranks) -> None:
    """What is wrong on one rank, or with all of them together, is refused on all."""
    with pytest.raises(
        InputError, match=f"not enough memory: a layer of .* outputs and 6 features on each of {ranks.size} ranks "
    ):
        ShardedOutput(ranks, 10**12, WIDTH)
    layer, last = ShardedOutput(ranks, D, WIDTH, threads=1), ranks.size - 1
    H, Y = np.ones((2, WIDTH)), sp.csr_array((2, D + (ranks.rank == last)), dtype=np.float64)
    with pytest.raises(InputError, match=f"rank {last} of {ranks.size}"):
        layer.step(H, Y, 0.1)
    with pytest.raises(InputError, match=f"n_outputs 1: loss bounded-ns on {ranks.size} ranks needs more outputs"):
        ShardedOutput(ranks, 1, WIDTH, "bounded-ns")


def check_communication(ranks: Ranks) -> None:
    """Sums of any size are the same everywhere, and what is sent is counted."""
    for size in (0, 3, 1000):
        part, before = np.arange(size) * 1.5 + ranks.rank, ranks.sent
        parts = [np.arange(size) * 1.5 + rank for rank in range(ranks.size)]
        assert np.array_equal(ranks.sum(part), sum(parts[1:], start=parts[0]))
        assert ranks.sent - before == 2 * (ranks.size - 1) * -(-size // ranks.size) * 8
    assert float(ranks.sum(np.array(1.0))) == ranks.size
    assert [len(part) for part in ranks.gather(b"x" * ranks.rank)] == list(range(ranks.size))


if __name__ == "__main__":  # on every rank of MPI
    from wordsparse.distributed.mpi import MpiRanks

    world = MpiRanks()
    check_communication(world)
    for name in LOSSES:
        check_steps(world, name, np.linspace(1, 3, D))
    check_steps(world, "bounded-ns", None)
    check_refusals(world)
    print("alike")

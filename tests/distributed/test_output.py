"""The layer over several ranks takes the steps of the layer of one process."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.mpi import launched, needs_mpi

import wordsparse as ws
from wordsparse.distributed.output import ShardedOutput
from wordsparse.distributed.ranks import ONE, Ranks
from wordsparse.errors import InputError
from wordsparse.layer.losses import LOSSES

D, WIDTH, EXAMPLES = 29, 6, 17


def check(ranks: Ranks, loss: str, measure: np.ndarray | None) -> None:
    """Six steps: rank 0 has all examples of one of them; one is with weight decay; one is after a fold."""
    given = {"loss": loss, "base_measure": measure, "dtype": np.float64, "seed": 3, "threads": 1}
    shared, alone = ShardedOutput(ranks, D, WIDTH, **given), ws.FactoredOutput(D, WIDTH, **given)
    random = np.random.default_rng(1)
    for step in range(6):
        H = random.standard_normal((EXAMPLES, WIDTH))
        Y = sp.random(EXAMPLES, D, 0.1, format="csr", random_state=random, dtype=np.float64)
        mine = slice(ranks.rank, None, ranks.size) if step != 4 else slice(0, EXAMPLES if ranks.rank == 0 else 0)
        for call in ("loss_and_grad", "step"):
            options = {"lr": 2e-3, "weight_decay": 0.5 * (step == 1)} if call == "step" else {}
            found, expected = (
                getattr(layer, call)(H[part], Y[part], **options)
                for layer, part in ((shared, mine), (alone, slice(None)))
            )
            for ours, theirs in zip(found, expected, strict=True):
                np.testing.assert_allclose(ours, theirs[mine], rtol=1e-9, atol=1e-9 * np.abs(theirs).max())
        if step == 2:
            shared.core.fold()
    rows = np.array([5, 0, 5, D - 1 - ranks.rank])
    np.testing.assert_allclose(shared.weights(rows), alone.weights(rows), rtol=1e-9, atol=1e-9)
    shared.core.check_alike()


@pytest.mark.parametrize("measure", [None, np.linspace(1, 3, D)], ids=["counted", "weighted"])
@pytest.mark.parametrize("loss", LOSSES)
def test_one_rank_takes_the_steps_of_a_layer_of_one_process(loss: str, measure: np.ndarray | None) -> None:
    check(ONE, loss, measure)


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_several_ranks_take_the_same_steps(size: int) -> None:
    run = launched(size, __file__)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("alike") == size


def check_weights(ranks: Ranks) -> None:
    """Given weights are dealt out."""
    W = np.random.default_rng(0).standard_normal((D, WIDTH)).astype(np.float32)
    layer = ShardedOutput(ranks, D, WIDTH, threads=1)
    layer.set_weights(W)
    np.testing.assert_allclose(layer.weights(np.arange(D)), W, rtol=1e-6)


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
        slices = 2 * (ranks.size - 1) * -(-size // ranks.size) * 8
        assert ranks.sent - before == (slices if size == 1000 else (ranks.size - 1) * size * 8)
    assert float(ranks.sum(np.array(1.0))) == ranks.size
    assert [len(part) for part in ranks.gather(b"x" * ranks.rank)] == list(range(ranks.size))
    ranks.barrier()


if __name__ == "__main__":  # on every rank of MPI
    from wordsparse.distributed.mpi import MpiRanks

    world = MpiRanks()
    check_communication(world)
    for name in LOSSES:
        check(world, name, np.linspace(1, 3, D))
    check(world, "bounded-ns", None)
    check_weights(world)
    check_refusals(world)
    print("alike")

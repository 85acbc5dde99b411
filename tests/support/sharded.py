"""The steps of a layer over several ranks, compared with those of a layer of one process."""

from typing import Any

import numpy as np
import scipy.sparse as sp

import wordsparse as ws
from wordsparse.distributed.output import ShardedOutput
from wordsparse.distributed.ranks import Ranks

D, WIDTH, EXAMPLES = 29, 6, 17


def check_steps(ranks: Ranks, loss: Any, measure: Any, kernels: Any = None) -> None:
    """Six steps: rank 0 has all examples of one of them; one is with weight decay; one is after a fold."""
    given = {"loss": loss, "base_measure": measure, "dtype": np.float64, "seed": 3, "threads": 1}
    shared, alone = ShardedOutput(ranks, D, WIDTH, **given, kernels=kernels), ws.FactoredOutput(D, WIDTH, **given)
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
                assert isinstance(ours, np.ndarray)
                np.testing.assert_allclose(ours, theirs[mine], rtol=1e-9, atol=1e-9 * np.abs(theirs).max())
        if step == 2:
            shared.core.fold()
    rows = np.array([5, 0, 5, D - 1 - ranks.rank])
    np.testing.assert_allclose(shared.weights(rows), alone.weights(rows), rtol=1e-9, atol=1e-9)
    shared.core.check_alike()
    shared.set_weights(alone.weights() + 1)
    np.testing.assert_allclose(shared.weights(rows), alone.weights(rows) + 1, rtol=1e-12)

"""A layer that is copied or pickled steps on as the original does."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from support import problems

from wordsparse.kernels import CpuKernels
from wordsparse.layer.losses import BoundedNS
from wordsparse.layer.output import FactoredOutput


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_of_a_used_layer_steps_as_the_original(copied: Callable[[FactoredOutput], FactoredOutput]) -> None:
    """The copy's work space no longer started on a cache line, and its next step ended the process."""
    random = np.random.default_rng(0)
    weights = random.standard_normal((400, 90)).astype(np.float32)
    layer = FactoredOutput(400, 90, BoundedNS(), dtype=np.float32, weights=weights, kernels=CpuKernels(2))
    H, Y = random.standard_normal((300, 90)).astype(np.float32) / 10, problems.targets(random, 300, 400, 7)
    layer.step(H, Y, 1e-3)
    other = copied(layer)
    for _ in range(2):
        for one, same in zip(layer.step(H, Y, 1e-3), other.step(H, Y, 1e-3), strict=True):
            np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(layer.weights(), other.weights())

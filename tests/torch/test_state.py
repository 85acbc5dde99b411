"""The state of the PyTorch layer: saved, loaded, copied and pickled."""

import copy
import io
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from support.torch_layers import TINY, D, d, layer, minibatch, torch

from wordsparse.torch import FactoredOutput


def saved_and_loaded(head: FactoredOutput) -> FactoredOutput:
    file = io.BytesIO()
    torch.save(head.state_dict(), file)
    file.seek(0)
    other = FactoredOutput(d, D, lr=0.3, base_measure=np.ones(D), **TINY)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def loaded_by_assignment(head: FactoredOutput) -> FactoredOutput:
    other = FactoredOutput(d, D, lr=0.3, base_measure=np.ones(D), **TINY)
    other.load_state_dict(head.state_dict(), assign=True)
    return other


@pytest.mark.parametrize(
    "copied",
    [saved_and_loaded, loaded_by_assignment, copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))],
)
def test_copies_train_on_alike_and_apart(copied: Callable[[FactoredOutput], FactoredOutput]) -> None:
    measure = np.random.default_rng(2).random(D) + 0.1
    head = layer(base_measure=measure)
    for seed in range(3):
        h, Y = minibatch(seed)
        head(h, Y).backward()
    other = copied(head)
    h, Y = minibatch(3)
    before = head.weights()
    other(h, Y).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    head(h, Y).backward()
    torch.testing.assert_close(other.weights(), head.weights(), rtol=0, atol=0)
    for name, tensor in head.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=0, atol=0)


def test_weights_are_buffers_and_no_parameters() -> None:
    head = layer()
    h, Y = minibatch()
    head(h, Y).backward()
    assert not list(head.parameters())
    assert {"V", "U", "U_inverse", "omega", "Q", "w_bar"} <= set(dict(head.named_buffers()))
    W = head.V @ head.U + torch.outer(torch.ones(D, dtype=torch.float64), head.omega)
    torch.testing.assert_close(W, head.weights())
    torch.testing.assert_close(head.Q, W.T @ W)

"""Small PyTorch output layers, minibatches for them, and losses computed from all outputs."""

import numpy as np
import scipy.sparse as sp
import torch

from wordsparse.layer.losses import BoundedNS
from wordsparse.torch import FactoredOutput, SampledOutput

D, d, m = 40, 5, 7
TINY = {"dtype": torch.float64}
COUNTS = np.random.default_rng(5).integers(0, 50, D)


def with_few_negatives(loss):
    """Return the loss ``bounded-ns`` with the 5 negatives of ``dense_losses``. With 100, plain SGD needs a smaller
    learning rate than the rate of these tests. Return any other loss unchanged."""
    return BoundedNS(negatives=5.0) if loss == "bounded-ns" else loss


def layer(**options):
    """Make a small layer in float64 with random weights."""
    random = np.random.default_rng(0)
    columns = d + options.get("bias", False)
    settings = {"loss": "bounded-ns", "lr": 0.3, "weights": random.standard_normal((D, columns)), **TINY}
    settings |= options
    return FactoredOutput(d, D, **{**settings, "loss": with_few_negatives(settings["loss"])})


def sampled(**options):
    """Make a small layer with in-batch cross-entropy in float64 with random weights."""
    weights = np.random.default_rng(0).standard_normal((D, d))
    return SampledOutput(d, D, **{"counts": COUNTS, "lr": 0.3, "weights": weights, **TINY} | options)


def state(head):
    """Return a copy of the state of a layer."""
    return {name: part.clone() for name, part in head.state_dict().items()}


def assert_state(head, expected):
    """Assert that the state of a layer is the expected one, to the last bit."""
    for name, part in state(head).items():
        assert torch.equal(part, expected[name]), name


# Makers of both kinds of layers.
KINDS = [layer, sampled]


def minibatch(seed=1):
    """Make a minibatch of inputs that require gradients and of weighted targets; one example has no targets."""
    random = np.random.default_rng(seed)
    Y = sp.random_array((m, D), density=0.08, rng=random, format="csr") + sp.csr_array(np.eye(m, D))
    Y = sp.csr_array(sp.diags_array([0.0] + [1.0] * (m - 1)) @ Y)
    Y.eliminate_zeros()
    Y.sort_indices()
    return torch.tensor(random.standard_normal((m, d)), requires_grad=True), Y


def dense_losses(name, o, Y, k=5.0):
    """Return the losses, computed from all outputs (m, D) by PyTorch's own operations."""
    q, s = (o * o).sum(1, keepdim=True), o.sum(1, keepdim=True)
    if name == "squared":
        return ((o - Y) ** 2).sum(1)
    if name == "taylor":
        return (Y * (torch.log(D + s + q / 2) - torch.log(1 + o + o * o / 2))).sum(1)
    if name == "spherical":
        return (Y * (torch.log(q + D * 0.3) - torch.log(o * o + 0.3))).sum(1)
    assert name == "bounded-ns"
    negative = k * (np.log(2) + s / (2 * D) + q / (8 * D))
    return (Y * (torch.nn.functional.softplus(-o) + negative)).sum(1)

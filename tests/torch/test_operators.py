"""The custom operators of the PyTorch layer, and networks compiled with them."""

import pytest
from support.torch_layers import layer, m, minibatch, torch

# PyTorch's own check now and then reads .grad of its copies, which are no leaves.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")


@pytest.mark.parametrize("operator", ["losses", "gradient"])
def test_the_operators_keep_their_contract(operator: str) -> None:
    h, _ = minibatch()
    head = layer(fused=False)
    rows, ids = torch.arange(m), torch.tensor([1, 2, 3, 4, 5, 6, 39])
    targets = rows, ids, torch.ones(m, dtype=torch.float64)
    if operator == "losses":
        arguments = (h, head._anchor, *targets, head._number, False)
    else:
        stamp = torch.tensor([head._engine.version, -1])
        arguments = (torch.ones(m, dtype=torch.float64), h.detach(), *targets, stamp, head._number, False, 0)
    torch.library.opcheck(getattr(torch.ops.wordsparse, operator).default, arguments)

"""The custom operators of the PyTorch layer, and networks compiled with them."""

import pytest
from support.torch_layers import d, layer, m, minibatch, torch

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


def test_a_compiled_network_trains_like_the_plain_one() -> None:
    x, ids = torch.ones(m, 3, dtype=torch.float64), torch.arange(m)
    torch.manual_seed(0)
    nets = []
    for compiled in (False, True):
        torch.manual_seed(0)
        net = torch.nn.ModuleList([torch.nn.Linear(3, d).double(), layer()])
        forward = lambda x, ids, net=net: net[1](net[0](x), ids)  # noqa: E731
        run = torch.compile(forward, backend="aot_eager") if compiled else forward
        for _ in range(3):
            run(x, ids).backward()
        nets.append(net)
    torch.testing.assert_close(nets[1][1].weights(), nets[0][1].weights(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(nets[1][0].weight.grad, nets[0][0].weight.grad, rtol=1e-12, atol=1e-12)

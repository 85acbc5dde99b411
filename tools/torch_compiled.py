"""A network with the PyTorch layer, trained as it is and compiled by torch.compile's default backend, inductor.

``python tools/torch_compiled.py`` prints the losses of both and the largest difference of their weights. Inductor needs
a C++ compiler, and takes a minute or so to compile.
"""

import click
import torch

from wordsparse.torch import FactoredOutput

STEPS, D = 10, 1000


def trained(compiled: bool) -> tuple[list[float], list[torch.Tensor]]:
    """The losses of each step, and the weights at the end, in float64."""
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(12, 16), torch.nn.Tanh(), torch.nn.Linear(16, 8)).double()
    head = FactoredOutput(8, D, lr=0.1, dtype=torch.float64, threads=1)
    optimizer = torch.optim.Adam(body.parameters(), 0.01)

    def forward(x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = head(body(x), ids)
        return loss

    step = torch.compile(forward, backend="inductor") if compiled else forward
    losses = []
    for _ in range(STEPS):
        loss = step(torch.randn(32, 12, dtype=torch.float64), torch.randint(D, (32,)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return losses, [*(each.detach() for each in body.parameters()), head.weights()]


@click.command()
def main() -> None:
    """Train both and compare them."""
    (plain, weights), (compiled, others) = trained(False), trained(True)
    difference = max((a - b).abs().max().item() for a, b in zip(weights, others, strict=True))
    print("plain    ", *(f"{loss:.6f}" for loss in plain))
    print("compiled ", *(f"{loss:.6f}" for loss in compiled))
    print(f"largest difference of a weight: {difference:.1e}")


if __name__ == "__main__":
    main()

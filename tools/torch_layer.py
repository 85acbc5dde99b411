"""One training step of PyTorch's dense output layers and of wordsparse.torch.FactoredOutput, timed side by side.

A step is forward, backward and the update of the weights, of the output layer alone: h (m, d) needs a gradient, targets
are one class an example. The sides, all in float32 on the same threads, alternating:

    ours               FactoredOutput, its loss exact over all D outputs
    dense, same loss   nn.Linear, the same loss from its D outputs, and SGD
    cross entropy      nn.Linear, nn.CrossEntropyLoss and SGD
    chunked            nn.LinearCrossEntropyLoss with chunks, and SGD; where PyTorch has it

The last two compute softmax, which is another loss: only their time is compared. Prints JSON, times per example.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np
import torch
from torch import Tensor, nn

import wordsparse.torch as ours

OURS = "ours"
Step = Callable[[], Any]


def bounded_ns(o: Tensor, ids: Tensor, k: float = 5.0) -> Tensor:
    """``bounded-ns`` from all outputs o (m, D)."""
    D = o.shape[1]
    negative = k * (np.log(2) + o.sum(1) / (2 * D) + (o * o).sum(1) / (8 * D))
    return (nn.functional.softplus(-o.gather(1, ids[:, None])[:, 0]) + negative).mean()


def dense(D: int, d: int, h: Tensor, ids: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Step:
    """A step of nn.Linear with a loss of its outputs."""
    layer = nn.Linear(d, D, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        loss(layer(h), ids).backward()
        optimizer.step()

    return step


def chunked(D: int, d: int, h: Tensor, ids: Tensor) -> Step | None:
    """A step of nn.LinearCrossEntropyLoss, None where this PyTorch has none."""
    if not hasattr(nn, "LinearCrossEntropyLoss"):
        return None
    layer = nn.LinearCrossEntropyLoss(d, D, options=nn.LinearCrossEntropyOptions())
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        layer(h, ids).backward()
        optimizer.step()

    return step


def factored(D: int, d: int, h: Tensor, ids: Tensor, threads: int) -> Step:
    """A step of FactoredOutput."""
    layer = ours.FactoredOutput(d, D, lr=0.1, threads=threads)
    return lambda: layer(h, ids).backward()


@click.command()
@click.option("--outputs", type=click.IntRange(2), default=200_000, show_default=True, help="D.")
@click.option("--features", type=click.IntRange(1), default=300, show_default=True, help="d.")
@click.option("--minibatch", type=click.IntRange(1), default=256, show_default=True, help="m.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Times that each side is timed.")
@machine.threads_option
@machine.output_option
def main(outputs: int, features: int, minibatch: int, rounds: int, threads: int, output: Path | None) -> None:
    """Time one step of each side, in turn."""
    torch.set_num_threads(threads)
    random = np.random.default_rng(0)
    h = torch.tensor(random.standard_normal((minibatch, features)) / features**0.5, dtype=torch.float32)
    h.requires_grad_()
    sizes = outputs, features, h, torch.tensor(random.integers(0, outputs, minibatch))
    steps = {
        OURS: factored(*sizes, threads),
        "dense, same loss": dense(*sizes, bounded_ns),
        "dense, cross entropy": dense(*sizes, nn.functional.cross_entropy),
        "chunked cross entropy": chunked(*sizes),
    }
    sides = {name: (minibatch, step) for name, step in steps.items() if step is not None}
    slow = {name: rounds for name in sides if name != OURS}
    times = machine.alternate(sides, rounds, slow)
    faster = {name: times[name]["wall_us"] / times[OURS]["wall_us"] for name in slow}
    report = {
        "tool": "torch_layer",
        "machine": machine.provenance(threads),
        "torch": torch.__version__,
        "sizes": {"outputs": outputs, "features": features, "minibatch": minibatch, "rounds": rounds},
        "per_example": times,
        "times_faster": faster,
    }
    machine.write_report(report, output)
    print(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    machine.run(main)

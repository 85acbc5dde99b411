"""Misuse of the PyTorch layer is refused: backward passes out of order, bad arguments, a missing package."""

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from support.torch_layers import KINDS, D, d, layer, m, minibatch

from wordsparse.errors import InputError, TrainingError


def test_accumulation_in_a_loop_with_the_optimizer_is_refused() -> None:
    h, Y = minibatch()
    head = layer()
    head(h, Y).backward()
    head.fused_optimizer.step()
    head(h, Y).backward()
    with pytest.raises(InputError, match="two backward passes without a step between them"):
        head(h, Y).backward()


@pytest.mark.parametrize("lr", [None, 0.3])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_pass_with_a_part_of_the_loss_is_refused(reduction: str, lr: float | None) -> None:
    """Four passes with a quarter of the loss looked like one step of accumulated gradients, but took four steps."""
    h, Y = minibatch()
    head = layer(lr=lr, reduction=reduction)
    (head(h, Y) / 2 + head(h, Y) / 2).backward()  # an average of losses is no part of a loss
    before = head.weights()
    with pytest.raises(InputError, match=r"the loss is multiplied by 0\.25, .* use fused=False, with layer\.apply_"):
        (head(h, Y) / 4).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)
    for accepting in (layer(lr=lr, reduction=reduction), layer(lr=lr, reduction=reduction, fused=False)):
        accepting.grad_scaler = False if accepting.fused else None
        (accepting(h, Y) / 4).backward()
        ((h**2).sum() + 0.3 * accepting(h, Y)).backward()


def test_double_backward_is_refused() -> None:
    h, Y = minibatch()
    head = layer().eval()
    with pytest.raises(InputError, match="no second derivatives: leave out create_graph=True"):
        torch.autograd.grad(head(h, Y), h, create_graph=True)


@pytest.mark.parametrize("make", KINDS)
def test_several_processes_are_refused(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    h, Y = minibatch()
    head = make()
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(InputError, match="trains in one process"):
        head(h, Y)
    head.eval()(h, Y)


@pytest.mark.parametrize("bias", [False, True])
def test_a_rate_beyond_the_stable_one_is_cut_to_it(bias: bool) -> None:
    h, Y = minibatch()
    losses = []
    head = layer(loss="squared", lr=1e12, bias=bias)
    for _ in range(30):
        losses.append(head(h, Y))
        losses[-1].backward()
    assert all(after <= before for before, after in itertools.pairwise(losses))
    assert losses[-1] < losses[0] / 2


def test_a_refused_step_leaves_the_weights() -> None:
    h, Y = minibatch()
    head = layer(loss="squared", weight_decay=1e300)
    before = head.weights()
    with pytest.raises(TrainingError, match="lower the learning rate"):
        head(h, Y).backward()
    torch.testing.assert_close(head.weights(), before, rtol=0, atol=0)


# ── bad arguments ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "median"}, "reduction must be one of mean, sum, none, not 'median'"),
        ({"loss": None}, "loss is required, and depends on the target: bounded-ns for several labels"),
        ({"loss": "softmax"}, "plain softmax does not belong"),
        ({"lr": -1}, "lr must be a finite number of at least 0"),
        ({"dtype": torch.float16}, "dtype must be torch.float32 or torch.float64"),
        ({"weights": np.ones((D, d + 2))}, r"weights must have shape \(40, 5\)"),
        ({"out_features": D}, r"unknown option out_features: did you mean num_classes\?"),
        (
            {"pos_weight": 2.0},
            r"unknown option pos_weight: each target has its own weight: head\(h, \(rows, ids, weights",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        layer(**options)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.full((m,), D), "Y has a target out of range: 40 in row 0, but targets go from 0 to 39"),
        (torch.full((m,), -1), "Y has a target out of range: -1 in row 0, .* padding, give ignore_index=-1"),
        (torch.zeros(m), r"Y of float32 must have shape \(7, 40\), one row per example, not \(7,\)"),
        (torch.zeros((m, D), dtype=torch.long), r"multi-hot target.*give target.float\(\)"),
        ([[1], [2, 3]], r"target must be .* not list: give torch.as_tensor\(target\), .* padding_value=-100"),
        (None, r"head\(h, target\) gives losses; for outputs take head.top"),
        (([1, 2, 3], [0, 1, 2]), r"target must be ids \(m,\), .* not tuple"),
        (([m], [0], [1.0]), "rows of the targets must be from 0 to 6, not 7 to 7"),
        (([0], [0], [np.nan]), "Y holds the weight nan, first in row 0, column 0"),
        (([0, 1], [0], [1.0]), "must be vectors of the same length"),
        (([0.5], [0], None), r"the first two of whole numbers, not float32 of shape \(1,\)"),
        (sp.csr_array((m, D + 1)), r"Y of float64 must have shape \(7, 40\), .* not \(7, 41\)"),
    ],
)
@pytest.mark.parametrize("make", KINDS)
def test_targets_that_cannot_be_are_refused(make: Any, target: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()(minibatch()[0], target)


@pytest.mark.parametrize(
    ("h", "message"),
    [
        (torch.ones(m, d + 1), r"input must be a tensor of shape \(any, 5\), not \(7, 6\)"),
        (torch.ones(2, 3, d), r"not \(2, 3, 5\): give input\.flatten\(0, 1\), and targets with as many rows"),
        (torch.full((m, d), torch.inf), "H holds a value that is not a finite float64 number, first in row 0"),
    ],
)
@pytest.mark.parametrize("make", KINDS)
def test_inputs_that_cannot_be_are_refused(make: Any, h: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()(h, torch.arange(m))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weight", r"has no attribute 'weight': W is no parameter; head\.weights\(\)"),
        ("predict_proba", r"head\.log_prob\(h, ids\)\.exp\(\)"),
        ("log_prob", "SampledOutput has log probabilities; FactoredOutput with the loss taylor"),
        ("set_learning_rate", r"fused_optimizer\.param_groups\[0\]\['lr'\]"),
        ("label_smoothing", "no loss supports label smoothing"),
        ("nonsense", "has no attribute 'nonsense'$"),
    ],
)
def test_names_of_other_libraries_are_answered(name: str, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        getattr(layer(), name)


@pytest.mark.filterwarnings("ignore:.torch.jit.:DeprecationWarning", "ignore:.torch.jit.:FutureWarning")
@pytest.mark.parametrize("way", ["export", "script", "trace"])
def test_export_is_refused_with_what_to_export(way: str) -> None:
    class Largest(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = layer()

        def forward(self, h: torch.Tensor) -> torch.Tensor:
            return self.head.top(h, 3).indices

    h, net = torch.ones(m, d), Largest()
    exports = {"export": torch.export.export, "trace": torch.jit.trace, "script": lambda net, h: torch.jit.script(net)}
    with pytest.raises(InputError, match=r"put head.to_linear\(\) in its place"):
        exports[way](net, (h,))

"""Rivals of the exact layer in PyTorch, the settings to try for each rival, and the settings that scored best."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from tools.bench.runner import Row
from tools.bench.tasks import Task

# The rivals for real values, and for other targets.
OF_VALUES, OF_TARGETS = ("dense", "stored", "sampled"), ("dense", "in", "sampled", "binary")
# The number of rows of logits that full cross-entropy computes at a time if outputs share their rows with inputs.
CHUNK = 256


def kind_of(head: str) -> str:
    """Return the kind of a head, without its number of negatives and its settings."""
    return head.partition(":")[0].partition("-")[0]


def is_rival(head: str) -> bool:
    """Return whether a head is a rival, not a loss of the exact layer."""
    return kind_of(head) in {*OF_VALUES, *OF_TARGETS}


def row_adagrad(rows: Any, rate: float) -> Any:
    """Return an optimizer of W with one Adagrad rate per row. The gradient of W may be sparse."""
    import torch

    squares = torch.zeros(len(rows))

    class RowAdagrad(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> None:
            """Move the rows that have a gradient."""
            gradient = rows.grad
            if gradient.is_sparse:
                gradient = gradient.coalesce()
                ids, values = gradient.indices()[0], gradient.values()
            else:
                ids, values = torch.arange(len(gradient)), gradient
            squares[ids] += values.square().mean(1)
            rows.data[ids] -= self.param_groups[0]["lr"] * values / (squares[ids].sqrt() + 1e-8)[:, None]

    return RowAdagrad([rows], {"lr": rate})


class Rival:
    """A PyTorch head whose loss covers all outputs, the targets of the minibatch, or ``number`` sampled outputs.

    Settings follow the name. ``rows`` is the optimiser of the rows of W: ``adam``, or ``adagrad`` with one rate per
    row. ``rate`` is its learning rate. Without both settings, the caller trains the parameters in ``sparse`` and
    ``dense``. ``temperature`` divides h·w. ``negatives`` replaces the number in the name; for ``in-batch``, it is the
    number of uniform outputs that join the targets.
    """

    def __init__(self, name: str, dim: int, task: Task) -> None:
        import torch

        name, *settings = name.split(":")
        options = dict(setting.split("=") for setting in settings)
        self.kind, _, number = name.partition("-")
        self.number = int(options.get("negatives", number if number.isdigit() else 0))
        self.outputs, self.temperature = task.outputs, float(options.get("temperature", 1))
        self.rows = torch.nn.Parameter(0.02 * torch.randn(task.outputs, dim))
        self.Q = torch.from_numpy((task.counts + 0.1) / (task.counts + 0.1).sum()).float()
        normalised = task.values is None and self.kind != "binary"
        self.bias = self.Q.log() if normalised else torch.zeros(task.outputs)
        self.is_dense = name == "dense"
        self.sparse, self.dense, self.optimizers = list[Any](), list[Any](), list[Any]()
        if "rate" not in options:
            (self.dense if self.is_dense else self.sparse).append(self.rows)
        elif options["rows"] == "adagrad":
            self.optimizers.append(row_adagrad(self.rows, float(options["rate"])))
        else:
            adam = torch.optim.Adam if self.is_dense else torch.optim.SparseAdam
            self.optimizers.append(adam([self.rows], lr=float(options["rate"])))

    def _outputs(self, h: Any, ids: Any) -> Any:
        """Return h · W[ids]. Ids of shape (n,) are shared by all rows of h; ids of shape (m, n) differ between rows of
        h."""
        from torch.nn.functional import embedding

        W, bias, h = embedding(ids, self.rows, sparse=True), self.bias[ids], h / self.temperature
        return h @ W.T + bias if ids.ndim == 1 else (W @ h[:, :, None])[:, :, 0] + bias

    def loss(self, h: Any, ids: Any, values: Any) -> Any:
        """Return the mean loss over the minibatch."""
        if values is not None:
            return self._squared(h, ids, values)
        return {"dense": self._full, "in": self._in_batch, "sampled": self._sampled, "binary": self._binary}[self.kind](
            h, ids
        )

    def embed(self, ids: Any) -> Any:
        """Return the rows of W for ids, as inputs; return zeros for id −1."""
        from torch.nn.functional import embedding

        return embedding(ids.clamp(min=0), self.rows, sparse=not self.is_dense) * (ids >= 0)[..., None]

    def backward(self, h: Any, ids: Any) -> None:
        """Compute the gradient of the mean loss. Full cross-entropy takes CHUNK rows of h at a time, to save memory."""
        leaf, size = h.detach().requires_grad_(), CHUNK if self.is_dense else len(h)
        for part, own in zip(leaf.split(size), ids.split(size), strict=True):
            (self.loss(part, own[:, None], None) * (len(part) / len(h))).backward()
        h.backward(leaf.grad)  # autograd adds the gradients of the inputs

    def state(self) -> Any:
        """Return a copy of the rows of W, for ``restore``."""
        return self.rows.detach().clone()

    def restore(self, rows: Any) -> None:
        """Set the rows of W to a copy that ``state`` returned."""
        self.rows.data.copy_(rows)

    def _squared(self, h: Any, ids: Any, values: Any) -> Any:
        import torch

        if self.kind == "dense":
            o = h @ self.rows.T / self.temperature
            own = o.gather(1, ids)
            return ((o * o).sum() + (values * values - 2 * own * values).sum()) / len(h)
        own = self._outputs(h, ids)
        if self.kind == "stored":
            return ((own - values) ** 2).sum() / len(h)
        zeros = self._outputs(h, torch.randint(self.outputs, (self.number,)))
        whole = (zeros * zeros).sum() * (self.outputs / self.number)
        return (whole + (values * values - 2 * own * values).sum()) / len(h)

    def _full(self, h: Any, ids: Any) -> Any:
        import torch

        o = h @ self.rows.T / self.temperature + self.bias
        return (torch.logsumexp(o, 1) - o.gather(1, ids).mean(1)).mean()

    def _in_batch(self, h: Any, ids: Any) -> Any:
        import torch

        negatives = torch.randint(self.outputs, (self.number,))
        there, places = torch.unique(torch.cat([ids.ravel(), negatives]), return_inverse=True)
        # The log probability that an output is not in the minibatch.
        log_absent = ids.numel() * torch.log1p(-self.Q[there]) + self.number * np.log1p(-1 / self.outputs)
        o = self._outputs(h, there) - torch.log(-torch.expm1(log_absent))
        return (torch.logsumexp(o, 1) - o.gather(1, places[: ids.numel()].view_as(ids)).mean(1)).mean()

    def _sampled(self, h: Any, ids: Any) -> Any:
        import torch

        own, others = self._own_and_others(h, ids)
        others = (others + np.log(self.outputs / self.number)).logsumexp(1, keepdim=True).expand_as(own)
        return (torch.logaddexp(own.logsumexp(1, keepdim=True), others) - own).mean()

    def _binary(self, h: Any, ids: Any) -> Any:
        from torch.nn.functional import logsigmoid

        own, others = self._own_and_others(h, ids)
        return -(logsigmoid(own).sum() + logsigmoid(-others).sum()) / len(h)

    def _own_and_others(self, h: Any, ids: Any) -> tuple[Any, Any]:
        """Return the outputs of the targets and of the negatives. All rows share the negatives. If a negative is also a
        target of a row, its output in this row is −inf."""
        import torch

        negatives = torch.randint(self.outputs, (self.number,))
        same = (negatives[None, :, None] == ids[:, None]).any(2)
        return self._outputs(h, ids), self._outputs(h, negatives).masked_fill(same, -torch.inf)

    def weights(self) -> tuple[Any, Any]:
        """Return W (outputs, dim), and the biases."""
        return self.rows.detach() / self.temperature, self.bias

    def log_prob(self, h: Any, o: Any, ids: Any) -> Any:
        """Return the log probability (m,) of each example's first target, with outputs as logits of a softmax."""
        return o.gather(1, ids[:, :1])[:, 0] - o.logsumexp(1) if self.kind != "binary" else o[:, 0] * np.nan


def stages(name: str, *, real_valued: bool) -> list[list[str]]:
    """Return ten settings to try for a rival, as one list per stage. The settings of a stage are added to the best
    settings of the stages before."""
    rates = {"adam": ["0.001", "0.003", "0.01", "0.03"], "adagrad": ["0.03", "0.1", "0.3"]}
    temperatures = [":temperature=0.5", ":temperature=2"]
    negatives = {"in": ["256"], "sampled": ["3000"], "binary": ["1000"]}.get(kind_of(name), [])
    if not negatives:
        rates["adagrad"].append("1")
    if real_valued:
        rates, temperatures = {"adam": ["0.0003", *rates["adam"]], "adagrad": ["0.01", *rates["adagrad"]]}, []
    optimisers = [f":rows={rows}:rate={rate}" for rows, each in rates.items() for rate in each]
    return [stage for stage in (optimisers, temperatures, [f":negatives={n}" for n in negatives]) if stage]


def score(row: Row) -> float:
    """Return the score of a row of ``Heads``."""
    value: float = row["r2"] if "r2" in row else row["ndcg@10"]
    return value


def best_settings(report: Path, task: str) -> dict[str, str]:
    """Return the best settings of each rival on a task: those with the highest mean score in a report of
    ``HeadsTuning``."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    content = json.loads(report.read_text()) if report.name else {"reports": []}
    for row in (row for part in content["reports"] for row in part["rows"] if row["task"] == task):
        scores[row["head"]][row["settings"]].append(score(row))
    return {head: max(each, key=lambda settings: mean(each[settings])) for head, each in scores.items()}

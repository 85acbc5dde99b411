"""The base class of the layers for PyTorch: a module whose weights take a step at the end of a backward pass."""

import inspect
from collections.abc import Callable, MutableMapping
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
from torch import Tensor, nn

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.options import refuse_unknown
from wordsparse.torch import targets
from wordsparse.torch.engine import Engine, Gradients
from wordsparse.torch.optimizer import FusedOptimizer
from wordsparse.torch.passes import Losses, Rows, outside_graphs
from wordsparse.torch.targets import array, host
from wordsparse.types import Array

REDUCTIONS = ("mean", "sum", "none")
REAL: dict[torch.dtype, Any] = {torch.float32: np.float32, torch.float64: np.float64}
# The factor of the loss above which a gradient scaler has most likely scaled the loss, and the factor below which
# gradients are most likely to be accumulated. Rounding a gradient to bfloat16 changes a factor of 1 by less than 1%.
MAX_LOSS_WEIGHT, MIN_LOSS_WEIGHT = 100.0, 0.99
NO_EXPORT = (
    "the layer cannot be exported, traced or scripted: its weights are not in the graph; put head.to_linear() in "
    "its place, a torch.nn.Linear with the same outputs"
)
NO_SMOOTHING = "no loss supports label smoothing: leave the argument out"
# Maps PyTorch's argument names, in lower case and without underscores, to our names or to a hint; see ``options.hint``.
ELSEWHERE = {
    **dict.fromkeys(("outfeatures", "nclasses", "numembeddings"), "num_classes"),
    **dict.fromkeys(("embeddingdim", "dmodel"), "in_features"),
    **dict.fromkeys(("weight", "posweight"), "each target has its own weight: head(h, (rows, ids, weights))"),
    "paddingidx": "ignore_index",
    "labelsmoothing": NO_SMOOTHING,
    "device": "the layer's state is in the CPU's memory even if h is on a GPU: leave out device",
}
# Maps attributes of other libraries to a hint.
_ATTRIBUTES = {
    **dict.fromkeys(
        ("predict_proba", "predict_log_proba", "probabilities", "log_probs", "softmax"),
        "SampledOutput has probabilities: head.log_prob(h, ids).exp()",
    ),
    "log_prob": "SampledOutput has log probabilities; FactoredOutput with the loss taylor or spherical and "
    "reduction='none' returns minus the log probability of a target as its loss",
    "set_learning_rate": "set head.fused_optimizer.param_groups[0]['lr']",
    "weight": "W is no parameter; head.weights() returns W, and head.to_linear() a torch.nn.Linear",
    "label_smoothing": NO_SMOOTHING,
    **dict.fromkeys(("predict", "topk"), "head.top(h, k) gives the k largest outputs"),
}


class Head(nn.Module):
    """An output layer together with its loss, whose weights are moved at the end of a backward pass.

    W is no parameter: its ``_engine`` computes losses, gradients and steps, and its state is in buffers.
    """

    fused_optimizer: FusedOptimizer
    _engine: Any
    _elsewhere: ClassVar[dict[str, str]] = ELSEWHERE

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Refuse an unknown option before Python does, and suggest the right name."""
        if cls.__module__.startswith("wordsparse."):  # a user's class may have options of its own
            refuse_unknown(options, [*inspect.signature(cls.__init__).parameters][1:], others=cls._elsewhere)
        return super().__new__(cls)

    def __getattr__(self, name: str) -> Any:
        """Find parameters and buffers, and answer names of other libraries with a hint."""
        try:
            return super().__getattr__(name)
        except AttributeError as error:
            if name in _ATTRIBUTES:
                raise AttributeError(f"{error}: {_ATTRIBUTES[name]}") from None
            raise

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        reduction: str,
        ignore_index: int,
        lr: float | None,
        dtype: torch.dtype,
        weight_decay: float = 0.0,
        *,
        fused: bool,
        bias: bool,
    ) -> None:
        super().__init__()
        self.in_features = validation.positive_int("in_features", in_features)
        self.num_classes = validation.positive_int("num_classes", num_classes)
        if reduction not in REDUCTIONS:
            raise InputError(f"reduction must be one of {', '.join(REDUCTIONS)}, not {reduction!r}")
        if dtype not in REAL:
            raise InputError(
                f"dtype must be torch.float32 or torch.float64, not {dtype}: only h may have half precision"
            )
        self.reduction, self.fused, self.bias, self.dtype = reduction, bool(fused), bool(bias), dtype
        self.ignore_index = int(ignore_index)
        self.grad_scaler: Any = None
        self._anchor = torch.zeros(0, requires_grad=True)
        self.fused_optimizer = FusedOptimizer(self._anchor, lr, weight_decay)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``, with the number of weights, which PyTorch does not count because they are
        not parameters."""
        weights = self.num_classes * (self.in_features + self.bias)
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, {self._about()}"
            f"reduction={self.reduction!r}, fused={self.fused}, bias={self.bias}, dtype={self.dtype}; "
            f"{weights:,} weights, trained by backward, and no parameters for an optimizer"
        )

    @classmethod
    def from_linear(cls, linear: nn.Linear, **options: Any) -> Self:
        """Return a layer with the weights and the bias of a ``torch.nn.Linear``. ``options`` are the other options of
        the layer. ``load_state_dict`` accepts the state of a linear layer, too.

        In ``SampledOutput``, the bias becomes log Q, so the probabilities are those of the linear layer. Raise
        InputError if ``linear`` is another object.
        """
        if not isinstance(linear, nn.Linear):
            raise InputError(f"from_linear takes a torch.nn.Linear, not a {type(linear).__name__}")
        weights, bias = linear.weight.detach(), None if linear.bias is None else linear.bias.detach()
        return cls(linear.in_features, linear.out_features, **{**cls._of_linear(weights, bias), **options})

    @classmethod
    def _of_linear(cls, weights: Tensor, bias: Tensor | None) -> dict[str, Any]:
        """Return the options of a layer with these weights (D, d) and biases (D,)."""
        whole = weights if bias is None else torch.cat([weights, bias[:, None]], 1)
        return {"weights": whole, "bias": bias is not None}

    def _settings(self) -> dict[str, Any]:
        """Return the options that decide the parts of this kind of layer's state."""
        return {}

    def _about(self) -> str:
        """Return the settings of this kind of layer, for ``repr``."""
        return ""

    # ── training ──────────────────────────────────────────────────────────────────────────────────────────────────

    def forward(self, input: Tensor, target: Any = None) -> Tensor:
        """Return the losses for the current weights.

        Parameters
        ----------
        input : (m, in_features) tensor
            h.
        target
            One id per row, (m,), or several, (m, K), padded with ``ignore_index``; or (rows, ids, weights), where
            weights may be None for ones; or weights (m, D) of all targets (for squared error, the regression targets)
            as a sparse tensor, a SciPy matrix, or a dense tensor of floats or Booleans.

        Returns
        -------
        torch.Tensor
            A scalar, or (m,) for reduction ``none``, in the working precision.

        Raises
        ------
        InputError
            If shapes do not agree, a value is not finite, an id is out of range, or the target is missing; if the
            module is traced or exported; or in training mode, if several processes train.
        """
        if target is None:
            raise InputError("head(h, target) gives losses; for outputs take head.top(h, k) or head.to_linear()(h)")
        return self._losses(self._checked(input), target, self._trains())

    @outside_graphs
    def _losses(self, input: Tensor, target: Any, trains: bool) -> Tensor:
        parts, mask = targets.triple(target, (len(input), self.num_classes), self.ignore_index)
        losses = Losses.apply(input, self._anchor, self, parts, trains).to(self.dtype)
        if mask is not None:
            counts = torch.from_numpy(mask).to(losses.device)
            losses = torch.where(counts, losses, 0)
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        return losses.mean() if mask is None else losses.sum() / max(1, int(mask.sum()))

    def embed(self, ids: Tensor) -> Tensor:
        """Return the rows W[ids] as inputs of the network, so that inputs and outputs share a table (tied weights).

        The backward pass also updates these rows, using their exact gradients, by Adagrad with one rate per row; if
        ``FactoredOutput`` has an lr, the update is plain SGD. weight_decay does not apply to this update. The norms of
        rows differ by orders of magnitude, so apply a ``torch.nn.LayerNorm`` to the result.

        Parameters
        ----------
        ids : tensor of integers, any shape
            From 0 to num_classes − 1, or ``ignore_index`` for a row of zeros.

        Returns
        -------
        torch.Tensor
            ids.shape + (in_features,), in the working precision, without the biases.

        Raises
        ------
        InputError
            If ids are not integers or are out of range; if the module is traced or exported; or in training mode, if
            several processes train.
        """
        _refuse_export()
        if not targets.is_whole(ids):
            raise InputError("ids must be a tensor of integers")
        return self._embed(ids, self._trains())

    @outside_graphs
    def _embed(self, ids: Tensor, trains: bool) -> Tensor:
        is_id = ids != self.ignore_index
        rows = Rows.apply(self._anchor, self, array(torch.where(is_id, ids, 0).ravel()), trains)
        rows = rows.to(ids.device).reshape(*ids.shape, self.in_features)
        return torch.where(is_id[..., None], rows, 0)

    def _trains(self) -> bool:
        """Return whether a forward pass is one of training. Raise InputError if several processes train."""
        distributed = torch.distributed
        trains = self.training and torch.is_grad_enabled()
        if trains and distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
            raise InputError(
                "the layer trains in one process: in a distributed run (DDP, FSDP) each process would have its own "
                "weights; start one process"
            )
        return trains

    def apply_(self) -> None:
        """Take one step with all gradients since the last step, if there are any. Use this method with ``fused=False``.

        Raises
        ------
        InputError
            If W has changed since the forward passes of these gradients.
        TrainingError
            If the step would explode; the layer is then unchanged.
        """
        self._step(self._engine.pending)
        self.discard_()

    def discard_(self) -> None:
        """Discard the gradients that :meth:`apply_` would apply."""
        self._engine.pending = Gradients()

    def _step(self, gradients: Gradients) -> None:
        """Take one step, and make the buffers refer to its results."""
        self._engine.apply(gradients, self.fused_optimizer.settings())
        self._link()

    def _end_pass(self, gradients: Gradients) -> None:
        """Take the step at the end of a backward pass."""
        self._refuse_accumulation(gradients)
        self._step(gradients)
        self.fused_optimizer.passed = gradients.is_finite

    def _refuse_accumulation(self, gradients: Gradients) -> None:
        """Raise InputError if the losses of a pass were multiplied by less than 1, as if gradients of several passes
        were added up."""
        factor = sum(self._factor(g) for _, g in gradients.minibatches)
        if 0 < factor < MIN_LOSS_WEIGHT and self.reduction != "none" and self.grad_scaler is not False:
            raise InputError(
                f"the loss is multiplied by {factor:g}, but every backward pass takes its own step of W: to add up the "
                "gradients of several passes, use fused=False, with layer.apply_() after the last pass; if the factor "
                "is the weight of this loss among others, type layer.grad_scaler = False once"
            )

    def _scale(self, g: Array) -> float:
        """Return the factor by which a gradient scaler has multiplied the loss, given the derivatives of the losses."""
        if self.grad_scaler:
            return float(self.grad_scaler.get_scale())
        factor = self._factor(g)
        if self.grad_scaler is None and factor > MAX_LOSS_WEIGHT:
            raise InputError(
                f"the loss is multiplied by {factor:g}: if a GradScaler does so, name it with layer.grad_scaler = "
                "scaler, so that W's step removes the factor; if you want the factor, set layer.grad_scaler = False"
            )
        return 1.0

    def _factor(self, g: Array) -> float:
        """Return the factor by which the loss was multiplied, given the derivatives of the losses."""
        largest = float(np.abs(g).max(initial=0))
        return largest * int(np.count_nonzero(g)) if self.reduction == "mean" else largest

    # ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────

    @torch.no_grad()
    def outputs(self, input: Tensor, rows: Any) -> Tensor:
        """Return only the outputs ``rows``, (m, len(rows)); no gradient flows through them."""
        return self._results("outputs", self._checked(input), rows)[0]

    @torch.no_grad()
    def top(self, input: Tensor, k: int) -> torch.return_types.topk:
        """Return the k largest of all D outputs per example, as ``torch.topk`` does. Among equal outputs, the smaller
        index comes first."""
        indices, values = self._results("top", self._checked(input), k)
        return torch.return_types.topk((values, indices))

    @outside_graphs
    def _results(self, method: str, input: Tensor, argument: Any) -> list[Tensor]:
        """Return the results of a method of the engine on the device of its input."""
        results = getattr(self._engine, method)(array(input), host(argument))
        parts = results if isinstance(results, tuple) else (results,)
        return [torch.from_numpy(part).to(input.device) for part in parts]

    def weights(self, rows: Any = None) -> Tensor:
        """Return W[rows] (all rows if None), so that o = W h. The last column is the bias, if there is one."""
        return torch.from_numpy(self._engine.weights(host(rows)))

    def to_linear(self) -> nn.Linear:
        """Return a ``torch.nn.Linear(in_features, num_classes)`` with a copy of W and the same outputs, for export to
        programs without wordsparse."""
        weights = self.weights()
        linear = nn.Linear(self.in_features, self.num_classes, bias=self.bias, device="meta").to_empty(device="cpu")
        linear.weight = nn.Parameter(weights[:, : self.in_features].contiguous())
        if self.bias:
            linear.bias = nn.Parameter(weights[:, -1].contiguous())
        return linear

    # ── state ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, engine: Engine) -> None:
        self._engine = engine
        self._link()

    def _link(self) -> None:
        """Make the buffers share the memory of the current arrays of the engine. No step of another thread runs
        meanwhile, after which some buffers would be those before the step."""
        with self._engine.guard.held("a step"):
            for name, value in self._engine.state().items():
                is_array = isinstance(value, np.ndarray)
                kind = torch.float64 if isinstance(value, float) else None
                self._buffers[name] = torch.from_numpy(value) if is_array else torch.tensor(value, dtype=kind)

    def _load_from_state_dict(self, state_dict: MutableMapping[str, Any], prefix: str, *args: Any) -> None:
        if (weights := state_dict.pop(f"{prefix}weight", None)) is not None:  # the state of a torch.nn.Linear
            parts = self._of_linear(weights.detach(), state_dict.pop(f"{prefix}bias", None))
            fresh = type(self)(self.in_features, self.num_classes, dtype=self.dtype, **{**self._settings(), **parts})
            state_dict.update({f"{prefix}{name}": buffer for name, buffer in fresh.named_buffers()})
        loaded = {name: state_dict.get(prefix + name) for name in self._buffers}
        # PyTorch itself reports wrong names and shapes.
        if all(part is not None and part.shape == self.get_buffer(name).shape for name, part in loaded.items()):
            arrays = {name: array(part) for name, part in loaded.items()}
            for name, part in arrays.items():
                if not np.isfinite(part).all():
                    raise InputError(f"{prefix}{name} holds a number that is not finite: load another state")
            self._engine.check_state(arrays, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)  # type: ignore[arg-type, unused-ignore]
        self.discard_()
        self._engine.restore({name: array(self.get_buffer(name)) for name in self._buffers})
        self._link()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Head":
        """Handle ``to``, ``double``, ``half`` and ``share_memory``, but keep the state's device and precision."""
        moved = fn(torch.zeros(1, dtype=self.dtype))
        if moved.is_meta or (moved.device.type == "cpu" and moved.is_shared()):
            raise InputError(
                "the layer keeps its state in this process's memory: make it on cpu or cuda, and do not share it"
            )
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_buffers": {}, "grad_scaler": None}

    def __setstate__(self, content: dict[str, Any]) -> None:
        super().__setstate__(content)
        self._start(self._engine)

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse torch.jit.script, which calls this method first."""
        raise InputError(NO_EXPORT)

    def _checked(self, input: Any) -> Tensor:
        _refuse_export()
        if not isinstance(input, Tensor) or input.ndim != 2 or input.shape[1] != self.in_features:
            actual = tuple(input.shape) if isinstance(input, Tensor) else type(input).__name__
            longer = isinstance(input, Tensor) and input.ndim > 2 and input.shape[-1] == self.in_features
            advice = f": give input.flatten(0, {input.ndim - 2}), and targets with as many rows" if longer else ""
            raise InputError(f"input must be a tensor of shape (any, {self.in_features}), not {actual}{advice}")
        return input


def _refuse_export() -> None:
    exporting = getattr(torch.compiler, "is_exporting", bool)()  # PyTorch 2.5 lacks it
    if exporting or torch.jit.is_tracing():
        raise InputError(NO_EXPORT)

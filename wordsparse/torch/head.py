"""The base class of the layers for PyTorch: a module whose weights take a step at the end of a backward pass."""

import inspect
from collections.abc import Callable, MutableMapping
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wordsparse import validation
from wordsparse.errors import InputError
from wordsparse.options import refuse_unknown
from wordsparse.torch import operators, passes, state, targets
from wordsparse.torch.engine import Engine, Gradients
from wordsparse.torch.optimizer import FusedOptimizer
from wordsparse.torch.state import array

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
# The same for arguments of a call.
_IN_CALLS = ELSEWHERE | {
    "reduction": "give it when you make the layer: reduction='none'",
    "ignoreindex": "give it when you make the layer: ignore_index=…",
}
# Maps attributes of other libraries to a hint.
_ATTRIBUTES = {
    **dict.fromkeys(
        ("predict_proba", "predict_log_proba", "probabilities", "log_probs", "softmax"),
        "head.log_prob(h, ids).exp() gives the probabilities of classes, if the loss defines probabilities",
    ),
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
        dtype: torch.dtype,
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

    def extra_repr(self) -> str:
        """Return the settings for ``repr``, with the number of weights, which PyTorch does not count because they are
        not parameters."""
        weights = self.num_classes * (self.in_features + self.bias)
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, {self._about()}, "
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
        raise NotImplementedError

    # ── training ──────────────────────────────────────────────────────────────────────────────────────────────────

    def forward(self, input: Tensor, target: Any = None, **options: Any) -> Tensor:
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
            If shapes do not agree, a value is not finite, an id is out of range, the target is missing, or an option is
            given; if the module is traced or exported; or in training mode, if several processes train.
        """
        refuse_unknown(options, ["target"], others=_IN_CALLS)
        if target is None:
            raise InputError("head(h, target) gives losses; for outputs take head.top(h, k) or head.to_linear()(h)")
        m = self._checked(input).shape[0]
        trains = self.training and torch.is_grad_enabled()
        if trains:
            _refuse_processes()
        parts, counts = targets.triple(target, (m, self.num_classes), self.ignore_index)
        losses, _ = operators.losses(input, self._anchor, *parts, self._number, trains)
        losses = losses.to(self.dtype)
        if counts is not None:
            losses = torch.where(counts, losses, 0)
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        return losses.mean() if counts is None else losses.sum() / counts.sum().clamp(min=1)

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
        if not _is_ids(ids):
            raise InputError("ids must be a tensor of integers")
        trains = self.training and torch.is_grad_enabled()
        if trains:
            _refuse_processes()
        is_id = ids != self.ignore_index
        chosen = torch.where(is_id, ids, 0).reshape(-1).to(torch.int64)
        rows, _ = operators.rows(self._anchor, chosen, self._number, trains)
        rows = rows.to(ids.device).reshape(*ids.shape, self.in_features)
        return torch.where(is_id[..., None], rows, 0)

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
        with self._engine.guard.held("a step"):
            self._engine.apply(gradients, self.fused_optimizer.settings())
            self._engine.kept = {}
            if self._engine.replaces_arrays:
                state.link(self, self._engine)

    def set_learning_rate(self, lr: float) -> None:
        """Set the learning rate of W, or the factor of second-order steps if the layer was made without a rate."""
        self.fused_optimizer.param_groups[0]["lr"] = validation.non_negative("lr", lr)

    def _end_pass(self, gradients: Gradients) -> None:
        """Take the step at the end of a backward pass."""
        self._refuse_accumulation(gradients)
        self._step(gradients)
        self.fused_optimizer.passed = True

    def _refuse_accumulation(self, gradients: Gradients) -> None:
        """Raise InputError if the losses of a pass were multiplied by less than 1, as if gradients of several passes
        were added up."""
        factor = sum(self._factor(g) for _, g in gradients.minibatches)
        if 0 < factor < MIN_LOSS_WEIGHT and self.reduction != "none" and self.grad_scaler is not False:
            raise InputError(
                f"the loss is multiplied by {factor:g}, but every backward pass takes its own step of W: to add up the "
                "gradients of several passes, use fused=False, with layer.apply_() after the last pass; if you want "
                "the factor, set layer.grad_scaler = False"
            )

    def _collected(self, forward_in: int) -> Gradients:
        """Return the gradients that this backward pass adds to; :func:`passes.collected` explains ``forward_in``."""
        if not self.fused:
            return self._engine.pending
        return passes.collected(self._number, forward_in, self.fused_optimizer.check_pass, self._end_pass)

    def _scale(self, g: NDArray[Any]) -> float:
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

    def _factor(self, g: NDArray[Any]) -> float:
        """Return the factor by which the loss was multiplied, given the derivatives of the losses."""
        largest = float(np.abs(g).max(initial=0))
        return largest * int(np.count_nonzero(g)) if self.reduction == "mean" else largest

    # ── outputs ───────────────────────────────────────────────────────────────────────────────────────────────────

    @torch.no_grad()
    def outputs(self, input: Tensor, rows: Any) -> Tensor:
        """Return only the outputs ``rows``, (m, len(rows)); no gradient flows through them."""
        return self._outputs(self._checked(input), rows)

    @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
    def _outputs(self, input: Tensor, rows: Any) -> Tensor:
        chosen = rows.detach().cpu().numpy() if isinstance(rows, Tensor) else rows
        return torch.from_numpy(self._engine.outputs(array(input), chosen)).to(input.device)

    @torch.no_grad()
    def top(self, input: Tensor, k: int) -> torch.return_types.topk:
        """Return the k largest of all D outputs per example, as ``torch.topk`` does. Among equal outputs, the smaller
        index comes first."""
        return self._top(self._checked(input), k)

    @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
    def _top(self, input: Tensor, k: int) -> torch.return_types.topk:
        indices, values = self._engine.top(array(input), k)
        largest = torch.from_numpy(values).to(input.device), torch.from_numpy(indices).to(input.device)
        return torch.return_types.topk(largest)

    @torch.no_grad()
    def log_prob(self, input: Tensor, ids: Tensor) -> Tensor:
        """Return log probabilities of classes; no gradient flows through them.

        ``FactoredOutput`` has probabilities with the losses ``taylor`` and ``spherical``, at O(d²) per class.
        ``SampledOutput`` has the probabilities of a softmax over all D outputs, at O(D d) per example.

        Parameters
        ----------
        input : (m, in_features) tensor
            h.
        ids : (m,) or (m, K) tensor of integers
            Classes, for example ``head.top(h, K).indices``.

        Returns
        -------
        torch.Tensor
            log p of each class, of the shape of ids, in the working precision.

        Raises
        ------
        InputError
            If the loss defines no probabilities, shapes do not agree, or an id is out of range.
        """
        m = self._checked(input).shape[0]
        if not _is_ids(ids) or ids.shape[:1] != (m,) or ids.ndim > 2:
            raise InputError(f"ids must be a tensor of integers of shape ({m},) or ({m}, any)")
        return self._log_prob(input, ids)

    @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
    def _log_prob(self, input: Tensor, ids: Tensor) -> Tensor:
        classes = validation.output_rows(array(ids.ravel()), self.num_classes).reshape(len(ids), -1)
        found = torch.from_numpy(self._engine.log_prob(array(input), classes))
        return found.to(ids.device, self.dtype).view_as(ids)

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
        self._engine, self._number = engine, operators.register(self)
        state.link(self, engine)

    def _load_from_state_dict(self, state_dict: MutableMapping[str, Any], prefix: str, *args: Any) -> None:
        if (weights := state_dict.pop(f"{prefix}weight", None)) is not None:  # the state of a torch.nn.Linear
            parts = self._of_linear(weights.detach(), state_dict.pop(f"{prefix}bias", None))
            fresh = type(self)(self.in_features, self.num_classes, dtype=self.dtype, **{**self._settings(), **parts})
            state_dict.update({f"{prefix}{name}": buffer for name, buffer in fresh.named_buffers()})
        state.check(self, self._engine, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)  # type: ignore[arg-type, unused-ignore]
        self.discard_()
        state.restore(self, self._engine)

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


def _is_ids(ids: Any) -> bool:
    return isinstance(ids, Tensor) and targets.is_whole(ids)


def host(value: Any) -> Any:
    """Return a tensor as a host array, and any other value unchanged."""
    return array(value) if isinstance(value, Tensor) else value


def _refuse_export() -> None:
    exporting = getattr(torch.compiler, "is_exporting", bool)()  # PyTorch 2.5 lacks it
    if exporting or torch.jit.is_tracing():
        raise InputError(NO_EXPORT)


def _refuse_processes() -> None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        raise InputError(
            "the layer trains in one process: in a distributed run (DDP, FSDP) each process would have its own "
            "weights; start one process"
        )

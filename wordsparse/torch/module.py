"""The exact output layer and its loss as a PyTorch module: exact over all outputs, in O(d²) per example."""

from collections.abc import MutableMapping
from typing import Any

import torch

from wordsparse.errors import InputError
from wordsparse.layer.losses import BoundedNS, Loss
from wordsparse.layer.output import FactoredOutput as Layer
from wordsparse.torch.exact import ExactEngine
from wordsparse.torch.head import REAL, Head
from wordsparse.torch.targets import array, host

# The negatives of the loss ``bounded-ns``, given by its name. With 5, as in the training of word vectors, the outputs
# of a network learn several times more slowly (docs/torch.md).
NEGATIVES = 100.0


class FactoredOutput(Head):
    """An output layer o = W h over D classes together with its loss, like ``torch.nn.LinearCrossEntropyLoss``.

    The forward pass returns exact losses over all D outputs. The backward pass gives h its exact gradient and, in
    training mode, ends with an exact gradient step on all of W. The cost is O(d²) per example for any D. W is a buffer,
    not a parameter: PyTorch's optimizers do not see W, and ``torch.autograd.grad`` does not change W.

    Parameters
    ----------
    in_features : int
        d, the size of h.
    num_classes : int
        D.
    loss : str or wordsparse.losses.Loss
        Required. The choice depends on the target: ``bounded-ns`` for several labels, ``squared`` for real values. For
        one class, :class:`SampledOutput` ranks better than every loss of this layer. The name ``bounded-ns`` means
        ``ws.losses.BoundedNS(negatives=100)``. ``taylor`` and ``spherical`` define probabilities, but rank worse. Plain
        softmax is not available. The Z-loss is near 0 if the target's output is 12 standard deviations above the mean
        of all D outputs, but another output may still be larger.
    reduction : str
        ``mean`` over the examples, ``sum``, or ``none`` for one loss per example.
    ignore_index : int
        The id that marks padding. A row with only padding has the loss 0, and does not count in the mean.
    lr : float, optional
        The learning rate of W, as in SGD. By default, steps are of second order: the gradient times the inverse of a
        running mean of the curvature (d × d). The step size adapts to h, the minibatch and the reduction, and needs no
        tuning. Schedulers on :attr:`fused_optimizer` change the rate; for second-order steps, the rate is a factor,
        initially 1, that multiplies the step size. A step that would overshoot, given the
        curvature of the minibatch, is shortened so that it just reaches the minimum in the steepest direction.
    weight_decay : float
        λ: W shrinks by lr·λ in every step.
    fused : bool
        Whether the backward pass ends with a step, one step for all losses and rows in the pass. Otherwise gradients
        accumulate until :meth:`apply_`.
    bias : bool
        Whether each output has a bias.
    base_measure : (D,) array of positive numbers, optional
        π, which weights every sum over outputs; the step is then on diag(√π) W.
    dtype : torch.float32 or torch.float64
        The working precision. ``to`` and ``double`` do not change this precision; h may have any precision.
    seed, weights
        As for :class:`wordsparse.FactoredOutput`; ``weights`` are (D, d), or (D, d + 1) with the biases last.

    Attributes
    ----------
    fused_optimizer : FusedOptimizer
        The lr and weight_decay as an optimizer, so that schedulers can change them; its ``step`` changes no weights.
    grad_scaler : torch.amp.GradScaler, False or None
        The scaler that multiplies the loss; the step of W removes this factor. With None, a loss that is multiplied by
        more than 100, or with ``fused`` by less than .99, is refused, because such a factor looks like a scaler's, or
        like a part of an accumulated gradient. With False, any factor is accepted as the weight of the loss.

    Raises
    ------
    InputError
        If an argument is invalid.

    Notes
    -----
    The state is in the CPU's memory; h is copied there from other devices, and its gradient is copied back. The layer
    uses as many threads as PyTorch did when the layer was made (``torch.set_num_threads``). Calls that would silently
    give wrong results are refused; docs/torch.md lists them.

    Examples
    --------
    >>> import torch
    >>> from wordsparse.torch import FactoredOutput
    >>> body = torch.nn.Sequential(torch.nn.Linear(20, 8), torch.nn.ReLU())
    >>> head = FactoredOutput(8, 100_000, loss="bounded-ns", lr=0.5)
    >>> optimizer = torch.optim.SGD(body.parameters(), lr=0.1)
    >>> x, labels = torch.randn(4, 20), torch.tensor([3, 14159, 26, 99_999])
    >>> loss = head(body(x), labels)
    >>> loss.backward()
    >>> optimizer.step()
    >>> head.top(body(x), 3).indices.shape
    torch.Size([4, 3])
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        loss: str | Loss | None = None,
        reduction: str = "mean",
        ignore_index: int = -100,
        lr: float | None = None,
        weight_decay: float = 0.0,
        fused: bool = True,
        bias: bool = False,
        base_measure: Any = None,
        dtype: torch.dtype = torch.float32,
        seed: int = 0,
        weights: Any = None,
    ) -> None:
        if loss is None:
            raise InputError(
                "loss is required, and depends on the target: bounded-ns for several labels, squared for real values; "
                "for one class, use SampledOutput"
            )
        loss = BoundedNS(negatives=NEGATIVES) if loss == "bounded-ns" else loss
        super().__init__(
            in_features,
            num_classes,
            reduction,
            ignore_index,
            lr,
            dtype,
            fused=fused,
            bias=bias,
            weight_decay=weight_decay,
        )
        d = self.in_features + self.bias
        arrays = {"base_measure": host(base_measure), "weights": host(weights)}
        layer = Layer(
            self.num_classes, d, loss, dtype=REAL[dtype], seed=seed, threads=torch.get_num_threads(), **arrays
        )
        if self.bias and weights is None and (start := layer.loss.recipe.get("start")):
            layer.set_common_output(start)  # do not start at W = 0, where the gradient is 0
        self._start(ExactEngine(layer, bias=self.bias))

    @property
    def loss(self) -> Loss:
        """The loss."""
        engine: ExactEngine = self._engine
        return engine.output.loss

    def _settings(self) -> dict[str, Any]:
        p = self._engine.output.core.p
        return {"loss": self.loss, "base_measure": None if p is None else p**2}

    def _about(self) -> str:
        return f"loss={self.loss!r}, "

    def _load_from_state_dict(self, state_dict: MutableMapping[str, Any], prefix: str, *args: Any) -> None:
        engine: ExactEngine = self._engine
        # A version that did not store the loss wrote states without it.
        text = state_dict.setdefault(prefix + "loss_text", self.get_buffer("loss_text"))
        engine.check_loss(array(text), prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)

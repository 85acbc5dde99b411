"""The spherical family: losses that depend on the outputs o ∈ R^D only through q = Σ πᵢoᵢ², s = Σ πᵢoᵢ and the outputs
of the targets.

From a target output ``o`` and the sums ``q`` and ``s``, a loss computes ℓ and its derivatives with respect to q, s and
o (:class:`Terms`). The dense reference and all kernels take the same loss object. To add a loss, write a subclass with
:meth:`Loss.terms`. ``total`` is Σ πᵢ: 1 with a normalised base measure, D without one (πᵢ = 1). Each class also records
its name, the kinds of targets that the loss suits, step sizes and its CUDA kernel. :mod:`wordsparse.layer.loss_pass`
sums a loss over a minibatch.

The squared and spherical losses come from Vincent et al. (NIPS 2015, arXiv 1412.7091), spherical and Taylor softmax
from de Brébisson & Vincent (ICLR 2016, arXiv 1511.05042), and the Z-loss from the same authors (arXiv 1604.08859).
Plain softmax is not in the spherical family.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from wordsparse.errors import InputError
from wordsparse.options import meant

# The step sizes with which word vectors are trained if the loss is a logarithm of a sum.
LOG_STEPS = {"lr": 1.0, "eta": 0.25, "t0": 80.0}


class Terms(NamedTuple):
    """The loss ℓ and its three derivatives, each an array of the shape of ``o``, or a number if it is constant."""

    value: Any
    dq: Any
    ds: Any
    do: Any


class Loss(ABC):
    """A member of the spherical family.

    Attributes
    ----------
    name : str
        The name on the command line and in reports.
    starts_at_zero : bool
        Whether training can start at W = 0, which requires that the gradient there is not 0.
    scale_free : bool
        Whether the loss stays the same if all outputs are multiplied by the same number.
    sees_sum : bool
        Whether the loss depends on s; if False, the layer passes zeros for s.
    fits : tuple of str
        The kinds of targets that the loss fits: ``one-hot``, ``several`` (per example), ``weighted``, ``real-valued``.
    gives : str
        The meaning of the outputs: ``rankings``, ``values`` or ``probabilities``. With probabilities, π_c exp(−ℓ(o_c))
        sums to 1 over all outputs c.
    move : float
        The largest change of a target's output in one second-order step (:mod:`wordsparse.torch.exact`), as a multiple
        of ∂ℓ/∂o or, if the loss is ``scale_free``, of ∂ℓ/∂o times the variance of the outputs.
    recipe : dict
        Settings for word vectors: arguments of the loss (``loss``), fields of ``StepSizes`` (``steps``), and other
        fields of ``Recipe``.
    cuda : str or None
        The struct in kernels/cu/losses.cu that computes :meth:`terms` on a GPU; subclasses do not inherit it.
    """

    name: ClassVar[str]
    starts_at_zero: ClassVar[bool] = True
    scale_free: ClassVar[bool] = False
    sees_sum: ClassVar[bool] = True
    fits: ClassVar[tuple[str, ...]] = ("one-hot", "several", "weighted")
    gives: ClassVar[str] = "rankings"
    move: ClassVar[float] = 0.5
    recipe: ClassVar[dict[str, Any]] = {}
    cuda: ClassVar[str | None] = None

    @abstractmethod
    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        """Return ℓ(o, q, s) and its derivatives for targets of weight 1, elementwise over arrays."""


class LinearLoss(Loss):
    """A loss that is linear in q and s: ℓ = t(o) + c + a·q + b·s.

    α and β do not depend on the outputs, so the sum of the losses of a minibatch does not need q of each example.

    Attributes
    ----------
    compiled : str or None
        The function in pyx/loss_terms.pyx that computes :meth:`target`; subclasses do not inherit it.
    """

    compiled: ClassVar[str | None] = None

    @abstractmethod
    def target(self, o: Any) -> tuple[Any, Any]:
        """Return t(o) and t'(o)."""

    @abstractmethod
    def slopes(self, total: float) -> tuple[float, float, float]:
        """Return the numbers (c, a, b) of ℓ = t(o) + c + a·q + b·s."""

    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        value, slope = self.target(o)
        c, a, b = self.slopes(total)
        return Terms(value + c + a * q + b * s, a, b, slope)


@dataclass(frozen=True)
class Squared(LinearLoss):
    """Squared error ‖o − y‖².

    If ``target_value`` is None, the stored values of Y are the regression targets: ℓ = q − 2 Σ_k y_k o_k + Σ_k y_k²,
    with one q per example, however many targets the example has. If an example stores several values for the same
    output, they are added up first, as in SciPy. If ``target_value`` is a number t, the stored values are the weights
    of the targets, as in every other loss: ℓ = Σ_k y_k (q − 2 t o_k + t²). With t = 1 and a base measure, the loss is
    least-squares density-ratio estimation, whose optimum is o_c(h) = P(c|h) / π_c.
    """

    target_value: float | None = None
    name: ClassVar[str] = "squared"
    sees_sum: ClassVar[bool] = False
    fits: ClassVar[tuple[str, ...]] = ("one-hot", "several", "weighted", "real-valued")
    gives: ClassVar[str] = "values"
    recipe: ClassVar[dict[str, Any]] = {"loss": {"target_value": 1.0}, "steps": {"lr": 1.0, "eta": 0.5, "t0": 40.0}}
    cuda: ClassVar[str] = "Squared"

    def __post_init__(self) -> None:
        if self.target_value is not None:
            _check_number(self, "target_value")

    def target(self, o: Any) -> tuple[Any, Any]:
        t = 1.0 if self.target_value is None else self.target_value
        return t * t - 2 * t * o, -2 * t

    def slopes(self, total: float) -> tuple[float, float, float]:
        return 0.0, 1.0, 0.0


@dataclass(frozen=True)
class BoundedNS(LinearLoss):
    """An upper bound on the expected loss of negative sampling with k = ``negatives`` draws from π.

    ℓ = softplus(−o) + k (c + s/2 + λ q), where s and q are means under π. The bound on the loss of negatives is
    softplus(x) ≤ c + x/2 + λ x² with λ = tanh(ξ/2)/(4ξ) and c = softplus(ξ) − ξ/2 − λ ξ², with equality at x = ±ξ
    (Jaakkola & Jordan, 2000). ξ is ``touching``; in the limit ξ = 0, λ = 1/8 and c = log 2 (Böhning, 1992). All outputs
    count as negatives, so there is no sampling noise. The optimum of an output that is never a target is −1/(4λ), which
    is −2 for ξ = 0 and −6 for ξ = 6.
    """

    negatives: float = 5.0
    touching: float = 0.0
    name: ClassVar[str] = "bounded-ns"
    move: ClassVar[float] = 2.0
    recipe: ClassVar[dict[str, Any]] = {
        "loss": {"touching": 6.0},
        "steps": {"lr": 4.0, "eta": 1.0, "t0": 15.0, "trust": 0.3},
        "growth": 0.04,
        "acceleration": 0.25,
    }
    cuda: ClassVar[str] = "BoundedNS"
    compiled: ClassVar[str] = "softplus"

    def __post_init__(self) -> None:
        _check_number(self, "negatives", positive=True)
        _check_number(self, "touching")

    def target(self, o: Any) -> tuple[Any, Any]:
        # softplus(−o) = max(−o, 0) + log1p(e^−|o|). σ(−o) is computed from the same exponential, so neither can
        # overflow.
        small = np.exp(-np.abs(o))
        return np.maximum(-o, 0) + np.log1p(small), -np.where(o >= 0, small, 1) / (1 + small)

    def slopes(self, total: float) -> tuple[float, float, float]:
        k, xi = self.negatives, abs(self.touching)
        # Near ξ = 0, λ is computed from its series, because the quotient would become 0/0.
        by_square = math.tanh(xi / 2) / (4 * xi) if xi > 1e-3 else (1 - xi**2 / 12) / 8
        constant = xi / 2 + math.log1p(math.exp(-xi)) - by_square * xi**2
        return k * constant, k * by_square / total, k / (2 * total)


@dataclass(frozen=True)
class Spherical(Loss):
    """Spherical softmax: ℓ = log Σᵢ πᵢ(oᵢ² + ε) − log(o² + ε)."""

    epsilon: float = 0.3
    name: ClassVar[str] = "spherical"
    sees_sum: ClassVar[bool] = False
    starts_at_zero: ClassVar[bool] = False  # the loss is even in o, so its gradient at 0 is 0
    gives: ClassVar[str] = "probabilities"
    recipe: ClassVar[dict[str, Any]] = {"steps": LOG_STEPS, "start": 0.7}
    cuda: ClassVar[str] = "Spherical"

    def __post_init__(self) -> None:
        _check_number(self, "epsilon", positive=True)

    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        normaliser = q + total * self.epsilon
        score = o * o + self.epsilon
        return Terms(np.log(normaliser) - np.log(score), 1 / normaliser, 0.0, -2 * o / score)


@dataclass(frozen=True)
class Taylor(Loss):
    """Taylor softmax of second order: ℓ = log Σᵢ πᵢ(1 + oᵢ + oᵢ²/2) − log(1 + o + o²/2)."""

    name: ClassVar[str] = "taylor"
    gives: ClassVar[str] = "probabilities"
    recipe: ClassVar[dict[str, Any]] = {"steps": LOG_STEPS}
    cuda: ClassVar[str] = "Taylor"

    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        normaliser = total + s + q / 2  # at least total/2, because 1 + o + o²/2 ≥ 1/2
        score = 1 + o + o * o / 2
        return Terms(np.log(normaliser) - np.log(score), 0.5 / normaliser, 1 / normaliser, -(1 + o) / score)


@dataclass(frozen=True)
class ZLoss(Loss):
    """Z-loss: ℓ = softplus(a (b − z)) / a of the standardised output z = (o − μ)/σ, μ = s/Σπ, σ² = q/Σπ − μ².

    If all outputs are equal (σ = 0, as at W = 0), z is undefined, counts as 0 and has no gradient. a and b are
    hyper-parameters. The defaults of a and b gave the best rankings of the next item (docs/torch.md).
    """

    a: float = 1.0
    b: float = 7.0
    name: ClassVar[str] = "zloss"
    starts_at_zero: ClassVar[bool] = False
    scale_free: ClassVar[bool] = True
    move: ClassVar[float] = 1.5
    fits: ClassVar[tuple[str, ...]] = ("one-hot",)
    recipe: ClassVar[dict[str, Any]] = {"steps": {"lr": 2.0, "eta": 0.5, "t0": 40.0}}
    cuda: ClassVar[str] = "ZLoss"

    def __post_init__(self) -> None:
        _check_number(self, "a", positive=True)
        _check_number(self, "b")

    def terms(self, o: Any, q: Any, s: Any, total: float) -> Terms:
        mean = s / total
        square = q / total
        variance = square - mean * mean
        # A variance below this limit is only rounding error, so it counts as 0.
        spread = variance > 64 * np.finfo(np.float64).eps * square
        precision = np.where(spread, 1 / np.sqrt(np.where(spread, variance, 1)), 0)
        z = (o - mean) * precision
        x = self.a * (self.b - z)
        small = np.exp(-np.abs(x))
        value = (np.maximum(x, 0) + np.log1p(small)) / self.a
        dz = -np.where(x >= 0, 1, small) / (1 + small)
        # ∂z/∂σ² = −z/(2σ²); ∂σ²/∂q = 1/Σπ; ∂σ²/∂μ = −2μ; ∂μ/∂s = 1/Σπ.
        by_variance = -0.5 * z * precision * precision
        return Terms(
            value,
            dz * by_variance / total,
            dz * (-precision - 2 * mean * by_variance) / total,
            dz * precision,
        )


LossName = Literal["bounded-ns", "squared", "spherical", "taylor", "zloss"]
LOSSES: dict[str, type[Loss]] = {loss.name: loss for loss in (BoundedNS, Squared, Spherical, Taylor, ZLoss)}


def resolve(loss: str | Loss) -> Loss:
    """Return the loss of this name with default constants. If ``loss`` is an object, return it unchanged.

    Raises
    ------
    InputError
        If the name is unknown, or the object has no name.
    """
    if isinstance(loss, Loss):
        if not isinstance(getattr(loss, "name", None), str):
            raise InputError(f"{type(loss).__name__} has no name: set name = '…' in its class")
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]()
    hint = (
        "; plain softmax does not belong to the spherical family: taylor and spherical are its nearest members"
        if "softmax" in str(loss).lower()
        else ""
    )
    raise InputError(f"unknown loss {loss!r}: {meant(loss, LOSSES)}{hint}")


def is_regression(loss: Loss) -> bool:
    """Return whether the stored values of Y are regression targets (for squared error) rather than weights of the
    losses."""
    return isinstance(loss, Squared) and loss.target_value is None


def _check_number(loss: Any, field: str, *, positive: bool = False) -> None:
    value = getattr(loss, field)
    is_finite = isinstance(value, (int, float, np.number)) and bool(np.isfinite(value))
    if not is_finite or (positive and value <= 0):
        raise InputError(f"{loss.name}: {field} must be a {'positive' if positive else 'finite'} number, not {value!r}")

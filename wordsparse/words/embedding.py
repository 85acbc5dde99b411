"""Word vectors on top of the exact layer: CBOW and skip-gram inputs, and the two second-order steps that train them.

Input words have rows of E (V, dim); an example's h is the mean of its context words' rows (CBOW) or its centre word's
row (skip-gram), with a constant 1 appended; the constant's column of W takes up the part that all words share.

Per minibatch of N pairs (docs/notes/recipe.md explains why this holds for every loss of the family; 2α is the curvature
of ℓ along a row of W, per pair; the Z-loss's α can be negative, and 2α is then no upper bound on the curvature):

    output    C̄, κ ← running means of Hᵀ diag(2|α|) H / N, Σ 2|α| / N        Π = (C̄ + ridge · mean-eig(C̄) I)⁻¹
              W ← W − η_t/N · (∂L/∂W) Π,   η_t = eta · max(1/(t + t0), r/n_w): recursive least squares with forgetting
    input     M_w ← M_w + Σ 2|α|_j/κ C_jw²         (pairs of w, each by its curvature relative to the running mean)
              E_w ← E_w − lr g_w (Q_E + ρ · mean-eig(Q_E) I)⁻¹ / (κ (M_w + m0)),   g_w = ∂L/∂E_w

n_w is ``forget_tokens`` in minibatches of this size, r the share of the run that is left: towards the end of the run,
when E hardly moves any more, W is fitted to more and more of the text. The input step is lr times a Newton step on all
pairs of a word so far. If most of them are in this minibatch (a rare word), lr above 1 would overshoot, so the step is
at most ``trust`` times the Newton step of the minibatch alone. C_jw² ignores that the words of a bag move together, as
they do in baskets that share hundreds of items: the mass that a bag of n > 20 words adds is multiplied by n − 19
(:meth:`wordsparse.layer.inputs.RowInputs.pull`).

Both curvatures omit the targets' own part, σ(1 − σ) on one row each, because many examples share every direction. With
more dimensions than examples, each example has its own direction, and a step fitted to it would move its target's
output by 1/π_c. So η_t is lowered if the mean leverage of an example, η_t/N tr(Π C), C the minibatch's curvature, is
above ``max_leverage``; and m0 grows with the dimensions beyond ``wide_dim``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordsparse.kernels import mapped
from wordsparse.layer.core import ExactLayer
from wordsparse.layer.curvature import running_mean, size_of_curvature
from wordsparse.layer.inputs import RowInputs, WindowInputs
from wordsparse.layer.interface import Sums, Value
from wordsparse.layer.sums import pull_back
from wordsparse.types import Array
from wordsparse.words.examples import Examples


@dataclass(frozen=True)
class StepSizes:
    """The constants of the two steps; see the head of the module."""

    lr: float = 2.5
    eta: float = 1.0
    t0: float = 20.0
    forget_tokens: float = 1_300_000.0
    ridge: float = 0.05
    rho: float = 0.01
    m0: float = 100.0
    trust: float = 0.5
    max_leverage: float = 0.005
    wide_dim: float = 300.0


@dataclass(frozen=True, eq=False)
class Pull:
    """The sums over a minibatch that determine its step. A part of a minibatch has them too, for its own words.

    For the u ``words``, ``tokens`` passed over and ``pairs``: the ``loss`` before the step; ``weight`` Σ |α|,
    ``curvature`` Hᵀ diag(|α|) H (d, d) and ``mass`` Σ |α|_j C_jw² (u,), which determine the size of the steps; the
    layer's ``sums``; and the ``directions`` ∇F P of the words (u, dim), once the sum G is computed.
    """

    words: Array
    tokens: int
    pairs: float
    loss: float
    weight: float
    curvature: Array
    mass: Array
    sums: Sums
    directions: Value[Array]


class WordEmbedding:
    """Input vectors E, the output layer, and the running means of the two steps. The layer ``output`` has V outputs and
    dim + 1 features; its kernels also serve the inputs. E starts uniform on (−½, ½)/dim."""

    def __init__(self, output: ExactLayer, sizes: StepSizes, seed: int) -> None:
        self.output, self.sizes = output, sizes
        dim = output.n_features - 1
        xp = output.kernels.xp
        self.E = output.kernels.to_device(start_rows(output.n_outputs, dim, seed))
        self.mass = xp.zeros(output.n_outputs)  # M_w, in pairs
        self.curvature = xp.zeros((dim + 1, dim + 1))  # C̄
        self.pair_curvature = 0.0  # κ
        self.steps = 0
        self._m0 = sizes.m0 * max(1.0, dim / sizes.wide_dim)

    # ── the phases of a step ──────────────────────────────────────────────────────────────────────────────────────

    def step(self, examples: Examples, lr: float, remaining: float = 1.0) -> float:
        """Train on one minibatch; lr 0 does not move E; ``remaining`` is r. Return the sum of the losses before it."""
        pull = self.pull(examples)
        self.follow(pull, lr, remaining)
        return pull.loss

    def pull(self, examples: Examples) -> Pull:
        """Compute the sums of a minibatch; nothing changes yet."""
        output = self.output
        examples, inputs = self._minibatch(examples)
        forward = output.forward(inputs, examples.targets, per_example=False)
        sums = pull_back(forward)
        return Pull(
            words=examples.words,
            tokens=examples.tokens,
            pairs=examples.pairs,
            loss=output.loss_sum(sums),
            weight=float(forward.bends.sum()),
            curvature=size_of_curvature(sums),
            mass=sums.mass(),
            sums=sums,
            directions=Value("∇F P", lambda: self._directions(sums)),
        )

    def follow(self, pull: Pull, lr: float, remaining: float = 1.0) -> None:
        """Take the step of a minibatch's sums, from the state that they saw; see :meth:`step`."""
        if pull.pairs == 0:
            return
        output, sizes, sums = self.output, self.sizes, pull.sums
        # 1/n_w: the share of this minibatch in the running means.
        share = min(1.0, pull.tokens / sizes.forget_tokens)
        mass, new_mass, curvature = self._remember(pull, share)
        preconditioner = output.kernels.inverse(_ridged(self.curvature, sizes.ridge))
        eta = sizes.eta * max(1 / (self.steps + sizes.t0), remaining * share) / pull.pairs
        leverage = eta * float(output.kernels.xp.vdot(preconditioner, curvature))
        if leverage > sizes.max_leverage:
            eta *= sizes.max_leverage / leverage
        update = output.update(sums, eta, preconditioner)
        # Q_E = 0: W contains no information about E yet.
        moves = lr > 0 and self.pair_curvature > 0 and np.trace(sums.forward.factors.Q[:-1, :-1]) > 0
        if moves:
            sums.G()  # computed from W before the update
        output.apply(update)
        del update
        if moves:
            rates = self._input_rates(mass, new_mass, lr)
            output.kernels.add_rows(self.E, pull.words, pull.directions.take(), rates)
        self._rescale()
        self.steps += 1

    def loss(self, examples: Examples) -> float:
        """Return the sum of the losses over the full vocabulary, without learning from the examples."""
        if examples.pairs == 0:
            return 0.0
        examples, inputs = self._minibatch(examples)
        return float(self.output.forward(inputs, examples.targets).losses.sum())

    def state(self) -> dict[str, Any]:
        """Return all arrays and numbers that steps change, by name; the output layer's are named ``output.NAME``.

        On the CPU the arrays are this object's own; from a GPU they are copies.
        """
        own = {"E": self.E, "mass": self.mass, "curvature": self.curvature}
        arrays = {name: self.output.kernels.to_host(array) for name, array in own.items()}
        numbers = {"pair_curvature": self.pair_curvature, "steps": self.steps}
        return {**arrays, **numbers, **{f"output.{name}": part for name, part in self.output.state().items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a :meth:`state` of the same sizes. E and V are copied; the smaller arrays are adopted."""
        to_device = self.output.kernels.to_device
        if state["E"] is not self.E:
            self.E[...] = to_device(state["E"])
        self.mass, self.curvature = to_device(state["mass"]), to_device(state["curvature"])
        self.pair_curvature, self.steps = state["pair_curvature"], state["steps"]
        prefix = "output."
        self.output.restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})

    def start(self, rows: Array, E: Array, mass: Array) -> None:
        """Set rows of E (n, dim) at the start, as if ``mass`` (n,) pairs of these words had been seen."""
        to_device = self.output.kernels.to_device
        there = to_device(rows)
        self.E[there], self.mass[there] = to_device(E), to_device(mass)

    def take_over(self, state: Mapping[str, Any], W: Array) -> None:
        """Continue from the state of another embedding, with weights W (o = W h), whose words are the first words here.

        The rows of the other words do not change.
        """
        self.start(np.arange(len(W)), state["E"], state["mass"])
        self.curvature = self.output.kernels.to_device(state["curvature"])
        self.pair_curvature, self.steps = state["pair_curvature"], state["steps"]
        weights = self.output.weights()
        weights[: len(W)] = W
        self.output.set_weights(weights)

    def _minibatch(self, examples: Examples) -> tuple[Examples, RowInputs]:
        """Return the examples on the device, and their inputs for the layer."""
        kernels = self.output.kernels
        examples = mapped(examples, kernels.to_device)
        constant = kernels.xp.ones(examples.words.shape[0], np.float32)
        features = kernels.take(self.E, examples.words, constant)
        if examples.bags is None:
            return examples, RowInputs(features, kernels)
        return examples, WindowInputs(features, examples.bags, kernels)

    def _remember(self, pull: Pull, share: float) -> tuple[Array, Array, Array]:
        """Add a minibatch to C̄, κ and M. Return M of its words and the minibatch's part of it, (u,), and its own
        curvature C, (d, d)."""
        curvature = 2 * pull.curvature / pull.pairs
        self.curvature = running_mean(self.curvature, curvature, self.steps, share)
        self.pair_curvature = running_mean(self.pair_curvature, 2 * pull.weight / pull.pairs, self.steps, share)
        kappa = self.pair_curvature
        new_mass = pull.mass * (2 / kappa if kappa > 0 else 1.0)
        mass = self.mass[pull.words] + new_mass
        self.mass[pull.words] = mass
        return mass, new_mass, curvature

    def _rescale(self) -> None:
        """Rescale the layer. If it divides W by c, multiply C̄ and κ by c², because α grows by this factor."""
        c = self.output.rescale()
        if c != 1:
            self.curvature *= c**2
            self.pair_curvature *= c**2

    def _directions(self, sums: Sums) -> Array:
        """Return the directions ∇F P (u, dim), P = (Q_E + r I)⁻¹, in the memory of Z; G is overwritten, too.

        ∇F P = 2 Cᵀ diag(α) H Q P + CᵀΓ W_T P + Cᵀβ (w̄ᵀP) needs one u×d×d product: Q_E P = I − r P, so the first term is
        Z − r Z P (+ the constant feature's row of Q).
        """
        kernels, f, dim = self.output.kernels, sums.forward.factors, self.E.shape[1]
        P = kernels.inverse(_ridged(f.Q[:dim, :dim], self.sizes.rho))
        Z, G, pulled_beta = sums.Z.take(), sums.G.take(), sums.pulled_beta()
        r, u = self.sizes.rho * float(np.trace(f.Q[:dim, :dim])) / dim, Z.shape[0]
        # The rank-one terms, one from the constant feature and one from β.
        all_rows = kernels.xp.arange(u)
        terms = kernels.take(Z[:, dim:], all_rows, pulled_beta.astype(np.float32))
        kernels.add_rows(G, all_rows, Z, kernels.xp.full(u, -r, np.float32))
        change = Z[:, :dim]
        kernels.matmul(G[:, :dim], P, out=change)
        kernels.matmul(terms, np.stack([f.Q[dim, :dim], f.w_bar[:dim]]) @ P, out=change)
        return change

    def _input_rates(self, mass: Array, new_mass: Array, lr: float) -> Array:
        """Return the factor of its direction by which each word's row changes, (u,)."""
        rates = -np.minimum(lr / (mass + self._m0), self.sizes.trust / np.maximum(new_mass, np.finfo(np.float32).tiny))
        rates /= self.pair_curvature
        rounded: Array = rates.astype(np.float32)
        return rounded


def start_rows(n: int, dim: int, seed: int) -> Array:
    """Return E at the start, (n, dim) float32, uniform on (−½, ½)/dim."""
    start = np.random.Generator(np.random.PCG64(seed)).random((n, dim), np.float32)
    start -= np.float32(0.5)
    start /= np.float32(dim)
    return start


def _ridged(matrix: Array, ridge: float) -> Array:
    """Return a square matrix plus ``ridge`` times the mean of its eigenvalues on the diagonal."""
    ridged = matrix.copy()
    diagonal: Array = ridged.reshape(-1)[:: matrix.shape[0] + 1]
    diagonal += ridge * matrix.trace() / matrix.shape[0]
    return ridged

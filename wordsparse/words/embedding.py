"""Word vectors on top of the exact layer: CBOW and skip-gram inputs, and the two second-order steps that train them.

Each input word has a row of E (V, dim). An example's h is the mean of its context words' rows (CBOW) or its centre
word's row (skip-gram), with a constant 1 appended. The constant's column of W models what all words have in common.

For a minibatch of N pairs, the two steps are as follows. The loss of an example has the curvature 2α hhᵀ along a row
of W. With the Z-loss α can be negative, so the steps use |α|. docs/notes/recipe.md explains why the steps suit every
loss.

    output    C̄, κ ← running means of Hᵀ diag(2|α|) H / N, Σ 2|α| / N        Π = (C̄ + ridge · mean-eig(C̄) I)⁻¹
              W ← W − η_t/N · (∂L/∂W) Π,   η_t = eta · max(1/(t + t0), r/n_w): recursive least squares with forgetting
    input     M_w ← M_w + Σ 2|α|_j/κ C_jw²         (the number of pairs of w, each weighted by its curvature / κ)
              E_w ← E_w − lr g_w (Q_E + ρ · mean-eig(Q_E) I)⁻¹ / (κ (M_w + m0)),   g_w = ∂L/∂E_w

n_w is ``forget_tokens`` divided by the number of tokens in the minibatch, and r is the fraction of the run that
remains. Towards the end of the run E hardly moves, so W is fitted to more and more of the text. The input step is lr
times a Newton step on all pairs of a word so far. If most of a word's pairs so far are in this minibatch, as with a
rare word, an lr above 1 would overshoot. The step is therefore at most ``trust`` times the Newton step of this
minibatch alone. C_jw² ignores that the words of a bag move together. This error matters for baskets that share hundreds
of items, so the amount that a bag of n > 20 words adds to M is multiplied by n − 19
(:meth:`wordsparse.layer.inputs.RowInputs.pull`).

The curvatures in the output step and in the input step leave out the contribution of the targets, σ(1 − σ) on one row
per target. The omission is harmless as long as each direction of h occurs in many examples. But if there are more
dimensions than examples, each example has a direction of its own, and a step that fits the example would move the
output of its target c by 1/π_c, where π is the base measure. Hence η_t is reduced if the mean leverage of an example,
η_t/N tr(Π C) with the minibatch's curvature C, exceeds ``max_leverage``, and m0 grows with the number of dimensions
beyond ``wide_dim``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordsparse.layer.core import ExactLayer
from wordsparse.layer.curvature import running_mean, size_of_curvature
from wordsparse.layer.inputs import RowInputs, WindowInputs
from wordsparse.layer.interface import Forward, Sums
from wordsparse.layer.sums import pull_back
from wordsparse.types import Array
from wordsparse.words.examples import Examples


@dataclass(frozen=True)
class StepSizes:
    """The constants of the output step and the input step. The docstring of this module explains the constants."""

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
    """The sums over a minibatch, or over a part of a minibatch, that determine the step.

    ``words`` (u,) are the ids of the minibatch's words. ``tokens`` and ``pairs`` are the numbers of tokens and pairs in
    the minibatch, and ``loss`` is the minibatch's loss before the step. ``weight`` Σ |α|, ``curvature`` Hᵀ diag(|α|) H
    (d, d) and ``mass`` Σ |α|_j C_jw² (u,) determine the sizes of the steps. ``sums`` are the sums computed by the
    layer. ``directions()`` computes ∇F P, (u, dim), from Z and G of ``sums``, and overwrites both arrays.
    """

    words: Array
    tokens: int
    pairs: float
    loss: float
    weight: float
    curvature: Array
    mass: Array
    sums: Sums
    directions: Callable[[], Array]


class WordEmbedding:
    """Input vectors E, the output layer, and the running means that the output step and the input step use. The layer
    ``output`` has V outputs and dim + 1 features. Its kernels (CPU or GPU) also compute the input step. The initial E
    is uniform on (−½, ½)/dim."""

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

    def pull(self, examples: Examples) -> Pull:
        """Return the sums over a minibatch, without changing the model."""
        output = self.output
        examples, forward = self._forward(examples, per_example=False)
        sums = pull_back(forward)
        return Pull(
            words=examples.words,
            tokens=examples.tokens,
            pairs=examples.pairs,
            loss=output.loss_sum(sums),
            weight=output.kernels.total(forward.bends),
            curvature=size_of_curvature(sums),
            mass=sums.mass(),
            sums=sums,
            directions=lambda: self._directions(sums),
        )

    def follow(self, pull: Pull, lr: float, remaining: float = 1.0) -> None:
        """Take the step that the sums over a minibatch determine. ``remaining`` is r, the fraction of the run that
        remains. With ``lr`` 0, E does not change. The model must not have changed since :meth:`pull`."""
        if pull.pairs == 0:
            return
        output, sizes, sums = self.output, self.sizes, pull.sums
        # The weight of this minibatch in the running means is 1/n_w.
        share = min(1.0, pull.tokens / sizes.forget_tokens)
        mass, new_mass, curvature = self._remember(pull, share)
        (preconditioner,) = output.division.by_one(
            lambda: [output.kernels.inverse(_ridged(self.curvature, sizes.ridge))]
        )
        eta = sizes.eta * max(1 / (self.steps + sizes.t0), remaining * share) / pull.pairs
        leverage = eta * float(output.kernels.xp.vdot(preconditioner, curvature))
        if leverage > sizes.max_leverage:
            eta *= sizes.max_leverage / leverage
        update = output.update(sums, eta, preconditioner)
        # If Q_E = 0, W contains no information about E yet.
        moves = lr > 0 and self.pair_curvature > 0 and sums.forward.factors.Q[:-1, :-1].trace() > 0
        if moves:
            sums.G()  # computed from W before the update
        output.apply(update)
        del update
        if moves:
            rates = self._input_rates(mass, new_mass, lr)
            output.kernels.add_rows(self.E, pull.words, pull.directions(), rates)
        self._rescale()
        self.steps += 1

    def loss(self, examples: Examples) -> float:
        """Return the sum of the examples' losses over the full vocabulary, without training on them."""
        return float(self._forward(examples)[1].losses.sum())

    def state(self) -> dict[str, Any]:
        """Return a dict of all arrays and numbers that steps change. Names that belong to the output layer begin with
        ``output.``.

        On the CPU, the arrays are this object's own arrays; from a GPU, the arrays are copies.
        """
        own = {"E": self.E, "mass": self.mass, "curvature": self.curvature}
        arrays = {name: self.output.kernels.to_host(array) for name, array in own.items()}
        numbers = {"pair_curvature": self.pair_curvature, "steps": self.steps}
        return {**arrays, **numbers, **{f"output.{name}": part for name, part in self.output.state().items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a :meth:`state` saved from an embedding with the same vocabulary size and dimension. E and V are
        copied; smaller arrays are used without a copy."""
        to_device = self.output.kernels.to_device
        if state["E"] is not self.E:
            self.E[...] = to_device(state["E"])
        self.mass, self.curvature = to_device(state["mass"]), to_device(state["curvature"])
        self.pair_curvature, self.steps = state["pair_curvature"], state["steps"]
        prefix = "output."
        self.output.restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})

    def start(self, rows: Array, E: Array, mass: Array) -> None:
        """Set ``rows`` of E to the vectors ``E`` (n, dim) before training, as if training had already seen ``mass``
        (n,) pairs of the words of these rows."""
        to_device = self.output.kernels.to_device
        there = to_device(rows)
        self.E[there], self.mass[there] = to_device(E), to_device(mass)

    def take_over(self, state: Mapping[str, Any], W: Array) -> None:
        """Continue from the ``state`` and the weights ``W`` (o = W h) of another embedding.

        The words of the other embedding must be the first words of this embedding. The other words' rows do not change.
        """
        self.start(np.arange(len(W)), state["E"], state["mass"])
        self.curvature = self.output.kernels.to_device(state["curvature"])
        self.pair_curvature, self.steps = state["pair_curvature"], state["steps"]
        weights = self.output.weights()
        weights[: len(W)] = W
        self.output.set_weights(weights)

    def _forward(self, examples: Examples, *, per_example: bool = True) -> tuple[Examples, Forward]:
        """Move the examples to the device. Return the examples and the layer's forward pass."""
        examples = self.output.kernels.place(examples)
        inputs = self._inputs(examples, self._features(examples.words))
        return examples, self.output.forward(inputs, examples.targets, per_example=per_example)

    def _features(self, words: Array) -> Array:
        """Return the rows of E for these words, with the constant 1 appended, (u, dim + 1)."""
        kernels = self.output.kernels
        return kernels.take(self.E, words, kernels.xp.ones(words.shape[0], np.float32))

    def _inputs(self, examples: Examples, features: Array) -> RowInputs:
        kernels = self.output.kernels
        return RowInputs(features, kernels) if examples.bags is None else WindowInputs(features, examples.bags, kernels)

    def _remember(self, pull: Pull, share: float) -> tuple[Array, Array, Array]:
        """Add a minibatch to C̄, κ and M. Return three arrays: M for the minibatch's words, (u,); the part of M that
        the minibatch added, (u,); and the minibatch's curvature C, (d, d)."""
        curvature = 2 * pull.curvature / pull.pairs
        self.curvature = running_mean(self.curvature, curvature, self.steps, share)
        self.pair_curvature = running_mean(self.pair_curvature, 2 * pull.weight / pull.pairs, self.steps, share)
        kappa = self.pair_curvature
        new_mass = pull.mass * (2 / kappa if kappa > 0 else 1.0)
        mass = self.mass[pull.words] + new_mass
        self.mass[pull.words] = mass
        return mass, new_mass, curvature

    def _rescale(self) -> None:
        """Rescale the layer. If rescaling divides W by c, multiply C̄ and κ by c², because α grows by this factor."""
        c = self.output.rescale()
        if c != 1:
            self.curvature *= c**2
            self.pair_curvature *= c**2

    def _directions(self, sums: Sums) -> Array:
        """Return the directions ∇F P (u, dim), where P = (Q_E + r I)⁻¹. The result overwrites Z, and G is overwritten,
        too.

        ∇F P = 2 Cᵀ diag(α) H Q P + CᵀΓ W_T P + Cᵀβ (w̄ᵀP) needs one u×d×d product: Q_E P = I − r P, so the first term
        is Z − r Z P, plus a term for the constant feature's row of Q.
        """
        kernels, f, dim = self.output.kernels, sums.forward.factors, self.E.shape[1]
        (P,) = self.output.division.by_one(lambda: [kernels.inverse(_ridged(f.Q[:dim, :dim], self.sizes.rho))])
        Z, G, pulled_beta = sums.Z.take(), sums.G.take(), sums.pulled_beta()
        r, u = self.sizes.rho * float(f.Q[:dim, :dim].trace()) / dim, Z.shape[0]
        # There are two rank-one terms, one from the constant feature and one from β.
        all_rows = kernels.xp.arange(u)
        terms = kernels.take(Z[:, dim:], all_rows, pulled_beta.astype(np.float32))
        kernels.add_rows(G, all_rows, Z, kernels.xp.full(u, -r, np.float32))
        change = Z[:, :dim]
        kernels.matmul(G[:, :dim], P, out=change)
        kernels.matmul(terms, np.stack([f.Q[dim, :dim], f.w_bar[:dim]]) @ P, out=change)
        return change

    def _input_rates(self, mass: Array, new_mass: Array, lr: float) -> Array:
        """Return the step size of each word, (u,). A word's row changes by its step size times its direction."""
        rates = -np.minimum(lr / (mass + self._m0), self.sizes.trust / np.maximum(new_mass, np.finfo(np.float32).tiny))
        rates /= self.pair_curvature
        rounded: Array = rates.astype(np.float32)
        return rounded


def start_rows(n: int, dim: int, seed: int) -> Array:
    """Return the initial E, (n, dim) float32, uniform on (−½, ½)/dim."""
    start = np.random.Generator(np.random.PCG64(seed)).random((n, dim), np.float32)
    start -= np.float32(0.5)
    start /= np.float32(dim)
    return start


def _ridged(matrix: Array, ridge: float) -> Array:
    """Return a square matrix with ``ridge`` times its mean eigenvalue added to the diagonal."""
    ridged = matrix.copy()
    diagonal: Array = ridged.reshape(-1)[:: matrix.shape[0] + 1]
    diagonal += ridge * matrix.trace() / matrix.shape[0]
    return ridged

"""Word vectors on top of the exact layer: CBOW and skip-gram inputs, and the two second-order steps that train them.

Input words have rows of E (V, dim); an example's h is the mean of its context words' rows (CBOW) or its centre word's
row (skip-gram), with a constant 1 appended, whose column of W takes up what all words have in common.

Per minibatch of N pairs (design: "a recipe that works"; docs/recipe.md says why it holds for every loss of the family,
where 2α is the curvature of ℓ along a row of W, per pair; the Z-loss's α can be negative, and bounds nothing there):

    output    C̄, κ ← running means of Hᵀ diag(2|α|) H / N, Σ 2|α| / N        Π = (C̄ + ridge · mean-eig(C̄) I)⁻¹
              W ← W − η_t/N · (∂L/∂W) Π,   η_t = eta · max(1/(t + t0), r/n_w): recursive least squares that forgets
    input     M_w ← M_w + Σ 2|α|_j/κ C_jw²         (pairs of w, each by its curvature beside the mean of its time)
              E_w ← E_w − lr g_w (Q_E + ρ · mean-eig(Q_E) I)⁻¹ / (κ (M_w + m0)),   g_w = ∂L/∂E_w

n_w is ``forget_tokens`` in minibatches like this one, r the share of the run that is left: towards its end, when E
hardly moves any more, W is fitted to more and more of the text. The input step is a Newton step on all that was seen
of a word so far, lr times; where the minibatch itself is most of it (a rare word), lr above 1 would overshoot, so no
more is taken than ``trust`` times the Newton step of the minibatch alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse.kernels import Kernels
from wordsparse.layer.inputs import Inputs, RowInputs, WindowInputs
from wordsparse.layer.output import FactoredOutput
from wordsparse.layer.targets import Forward, Targets
from wordsparse.words.examples import Examples

Array = NDArray[Any]


@dataclass(frozen=True)
class StepSizes:
    """The constants of the two steps; see the module's head."""

    lr: float = 2.5
    eta: float = 1.0
    t0: float = 20.0
    forget_tokens: float = 1_300_000.0
    ridge: float = 0.05
    rho: float = 0.01
    m0: float = 100.0
    trust: float = 0.5


class WordEmbedding:
    """Input vectors E, the output layer, and what the two steps remember.

    Parameters
    ----------
    output : FactoredOutput
        V outputs, dim + 1 features.
    kernels : Kernels
    sizes : StepSizes
    seed : int
        E starts uniform on (−½, ½)/dim.
    """

    def __init__(self, output: FactoredOutput, kernels: Kernels, sizes: StepSizes, seed: int) -> None:
        self.output, self.kernels, self.sizes = output, kernels, sizes
        dim = output.n_features - 1
        random = np.random.default_rng(seed)
        start = random.random((output.n_outputs, dim), np.float32)
        start -= np.float32(0.5)
        start /= np.float32(dim)
        xp = kernels.xp
        self.E = kernels.to_device(start)
        self.mass = xp.zeros(output.n_outputs)  # M_w, in pairs
        self.curvature = xp.zeros((dim + 1, dim + 1))  # C̄
        self.pair_curvature = 0.0  # κ
        self.steps = 0

    def step(self, examples: Examples, lr: float, remaining: float = 1.0) -> float:
        """One minibatch; lr 0 leaves E where it is, ``remaining`` is r. Returns the sum of its losses beforehand."""
        if examples.pairs == 0:
            return 0.0
        examples = examples.moved(self.kernels.to_device)
        inputs = self._inputs(examples)
        targets = Targets(examples.words, examples.targets, examples.weights, examples.transposed)
        forward = self.output.evaluate(inputs, targets, per_example=False)
        bends_up = bool((forward.alpha >= 0).all())
        weights = forward.alpha if bends_up else np.abs(forward.alpha)
        # 1/n_w: how much of what is remembered afterwards is this minibatch.
        share = min(1.0, examples.tokens / self.sizes.forget_tokens)
        curvature = forward.curvature if bends_up else inputs.gram(weights)
        self._remember(curvature, float(weights.sum()), examples.pairs, share)
        kappa = self.pair_curvature
        new_mass = inputs.mass(weights) * (2 / kappa if kappa > 0 else 1.0)
        self.mass[examples.words] += new_mass
        sizes = self.sizes
        eta = sizes.eta * max(1 / (self.steps + sizes.t0), remaining * share)
        Q_E = forward.factors.Q[:-1, :-1]
        # Q_E = 0: W said nothing about E yet.
        moves = lr > 0 and kappa > 0 and np.trace(Q_E) > 0
        ridged = [_ridged(self.curvature, sizes.ridge), *([_ridged(Q_E, sizes.rho)] if moves else [])]
        inverses = self.kernels.symmetric_inverses(*ridged)
        loss = forward.loss_sum
        self.output.update(forward, eta / examples.pairs, inverses[0])
        if moves:
            change = self._input_change(forward, inverses[1], examples.words, new_mass, lr)
            self.kernels.add_rows(self.E, examples.words, *change)
        self.steps += 1
        return loss

    def loss(self, examples: Examples) -> float:
        """The sum of the losses over the full vocabulary; nothing is learnt from the examples."""
        if examples.pairs == 0:
            return 0.0
        examples = examples.moved(self.kernels.to_device)
        targets = Targets(examples.words, examples.targets, examples.weights, examples.transposed)
        return self.output.evaluate(self._inputs(examples), targets, per_example=False).loss_sum

    def state(self) -> dict[str, Any]:
        """All that steps change, by name: arrays and numbers; the output layer's as ``output.NAME``.

        On the CPU the arrays are this object's own, from a GPU they are copies.
        """
        own = {"E": self.E, "mass": self.mass, "curvature": self.curvature}
        arrays = {name: self.kernels.to_host(array) for name, array in own.items()}
        numbers = {"pair_curvature": self.pair_curvature, "steps": self.steps}
        return {**arrays, **numbers, **{f"output.{name}": part for name, part in self.output.state().items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave, with the same sizes. The smaller arrays are taken over, not copied."""
        to_device = self.kernels.to_device
        if state["E"] is not self.E:
            self.E[...] = to_device(state["E"])
        self.mass, self.curvature = to_device(state["mass"]), to_device(state["curvature"])
        self.pair_curvature, self.steps = state["pair_curvature"], state["steps"]
        prefix = "output."
        self.output.restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})

    def take_over(self, state: Mapping[str, Any], W: Array, rows: Array) -> None:
        """Go on from the state of an embedding of fewer words, whose weights were W (o = W h), word i of it in rows[i].

        Words that it did not have stay as they are.
        """
        to_device = self.kernels.to_device
        there = to_device(rows)
        self.E[there], self.mass[there] = to_device(state["E"]), to_device(state["mass"])
        self.curvature, self.pair_curvature = to_device(state["curvature"]), state["pair_curvature"]
        self.steps = state["steps"]
        weights = self.output.weights()
        weights[rows] = W
        self.output.set_weights(weights)

    def _inputs(self, examples: Examples) -> Inputs:
        constant = self.kernels.xp.ones(examples.words.shape[0], np.float32)
        features = self.kernels.take(self.E, examples.words, constant)
        if examples.bags is None:
            return RowInputs(features, self.kernels)
        return WindowInputs(features, examples.bags, self.kernels)

    def _remember(self, curvature: Array, weight: float, pairs: float, share: float) -> None:
        """Hᵀ diag(|α|) H and Σ |α| of a minibatch."""
        rate = max(1 / (self.steps + 1), share)
        self.curvature += rate * (2 * curvature / pairs - self.curvature)
        self.pair_curvature += rate * (2 * weight / pairs - self.pair_curvature)

    def _input_change(
        self, forward: Forward, P: Array, words: Array, new_mass: Array, lr: float
    ) -> tuple[Array, Array]:
        """Directions (u, dim) and their factors (u,): E_w changes by factor × direction.

        With P = (Q_E + r I)⁻¹ and F the features, ∇F P = 2 Cᵀ diag(α) H Q P + Cᵀ Γ W_T P + Cᵀβ (w̄ᵀP) needs one u×d×d
        product: Q_E P = I − r P, so the first term is Z − r Z P (+ the constant feature's row of Q). The Z and G of
        ``forward``, from before the update, are used up.
        """
        f, dim, xp = forward.factors, self.E.shape[1], self.kernels.xp
        r = self.sizes.rho * float(np.trace(f.Q[:dim, :dim])) / dim
        back = forward.backward
        u = words.shape[0]
        # The rank-one terms: the constant feature's, and β's.
        terms = np.column_stack([back.Z[:, dim], forward.inputs.pull(forward.beta).astype(np.float32)])
        self.kernels.add_rows(back.G, xp.arange(u), back.Z, xp.full(u, -r, np.float32))
        change = back.Z[:, :dim]
        self.kernels.matmul(back.G[:, :dim], P, out=change)
        self.kernels.matmul(terms, np.stack([f.Q[dim, :dim], f.w_bar[:dim]]) @ P, out=change)
        seen = self.mass[words] + self.sizes.m0
        factor = -np.minimum(lr / seen, self.sizes.trust / np.maximum(new_mass, np.finfo(np.float32).tiny))
        factor /= self.pair_curvature
        return change, factor.astype(np.float32)


def _ridged(matrix: Array, ridge: float) -> Array:
    """A square matrix and ``ridge`` times the mean of its eigenvalues on its diagonal."""
    ridged = matrix.copy()
    diagonal: Array = ridged.reshape(-1)[:: matrix.shape[0] + 1]
    diagonal += ridge * matrix.trace() / matrix.shape[0]
    return ridged

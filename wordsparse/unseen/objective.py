"""The loss as a function of one new input vector while the rest of the model is fixed. Inference minimises this loss.

In canonical coordinates (:mod:`wordsparse.words.coordinates`), let K be the number of negatives, λ the factor of the
loss's quadratic bound, Λ the spectrum, w̄ = Σ √π_i W̃_i and Q = W̃ᵀW̃, whose last column c belongs to the constant
feature. The targets t of an input h = (a, 1) have the weights y_t. The loss of this input is

    Σ_t y_t [softplus(−o_t) + K (½ w̄·h + λ hᵀQh)] + ½ ρ |a|²,    o_t = W_t·h

The terms with K are exact sums over the whole vocabulary, but only the vectors K (½ w̄ + 2 λ c) and 2 K λ Λ are needed
to compute these sums.
"""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wordsparse.errors import InputError
from wordsparse.layer.losses import BoundedNS
from wordsparse.machine.threads import single_threaded_blas
from wordsparse.types import Array
from wordsparse.vectors.encoder import lengths
from wordsparse.words import coordinates
from wordsparse.words.examples import keep_probabilities
from wordsparse.words.model import Model
from wordsparse.words.options import Options

# The number of pairs that one occurrence of a word is assumed to contribute. This number converts DOUBT from
# occurrences to pairs.
PAIRS = 2.5
# The ridge added to C̄, as a fraction of the mean eigenvalue of C̄.
RIDGE = 0.05


class Objective:
    """The arrays and numbers of a model that define the loss, in canonical coordinates. Initialisation raises
    InputError if the model was trained with a loss other than bounded-ns, or has no training state.

    ``inputs`` (V, dim) are the rows of E, and ``outputs`` (V, dim + 1) the rows of W in o = W h, both float32; the last
    column of W belongs to the constant feature. ``keep`` (V,) is the probability with which subsampling keeps a word.
    A new word whose targets have the total weight y contributes y · ``linear`` to l and y · ``curvature`` to D in
    :func:`wordsparse.unseen.solver.minimise`, both (dim,); ``alpha`` is K λ, ``beta`` is K / 2, and ``doubt`` is ρ.
    ``mean`` (dim + 1,) is the mean h̄ of the inputs h in training. ``moments`` and ``basis`` are the eigenvalues and
    eigenvectors of C̄ after its ridge has been added.
    """

    def __init__(self, model: Model) -> None:
        options = Options.from_dict(model.options)
        self.recipe = options.used_recipe()
        loss = self.recipe.loss
        if not isinstance(loss, BoundedNS):
            raise InputError(f"vectors of new words need the loss bounded-ns, not {loss.name}: train a model with it")
        counts = np.asarray(model.vocabulary.counts, np.float64)
        measure = self.recipe.base_measure(counts)
        roots = np.sqrt(measure / measure.sum())
        dim, W = model.dim, model.output_rows
        self.maps = model.combined()[1]
        c = self.maps.canonical
        self.inputs = model.input_rows @ c.inputs.astype(np.float32)
        self.outputs = np.empty_like(W)
        np.matmul(W[:, :dim], c.outputs.astype(np.float32), out=self.outputs[:, :dim])
        self.outputs[:, dim] = W[:, dim]
        with np.errstate(over="ignore", invalid="ignore"):  # the solver refuses numbers that are not finite
            constant = self.outputs[:, :dim].T @ W[:, dim]
            w_bar = roots @ self.outputs
            self.outputs /= roots[:, None].astype(np.float32)
            _, self.alpha, self.beta = loss.slopes(1.0)
            self.linear = (self.beta * w_bar[:dim] + 2 * self.alpha * constant).astype(np.float32)
            self.curvature = (2 * self.alpha * c.spectrum).astype(np.float32)
        self.doubt = float(coordinates.DOUBT * PAIRS * self.curvature.sum())
        self.window, self.is_both = options.window, options.direction == "both"
        self.keep = keep_probabilities(counts, options.sample)
        self._take_moments(model.trained().state)

    def _take_moments(self, state: dict[str, Any]) -> None:
        dim = len(self.linear)
        to_canonical = np.eye(dim + 1)
        to_canonical[:dim, :dim] = self.maps.canonical.inputs
        with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
            second = to_canonical.T @ (state["curvature"] / state["pair_curvature"]) @ to_canonical
            ridge = RIDGE * np.trace(second) / (dim + 1)
            self.mean = second[:, dim]
            self.moments, self.basis = np.linalg.eigh(second + ridge * np.eye(dim + 1))


def objective_of(model: Model) -> Objective:
    """Return the :class:`Objective` of a model, computed once per model. Raise InputError as the class does."""
    if (objective := _PREPARED.get(model)) is None:
        objective = _PREPARED[model] = Objective(model)
    return objective


_PREPARED: "WeakKeyDictionary[Model, Objective]" = WeakKeyDictionary()


def unit(rows: Array) -> Array:
    """Return the rows scaled to unit length; rows of zeros stay zeros."""
    return np.asarray(rows / lengths(rows))

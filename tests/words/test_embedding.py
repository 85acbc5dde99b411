"""Training steps of the input vectors E and the output vectors W, compared with dense float64 implementations."""

from dataclasses import dataclass

import numpy as np
import pytest
from support import problems
from support.operations import dense

from wordsparse.kernels import CpuKernels, Csr, Kernels, Windows
from wordsparse.layer import core, losses
from wordsparse.layer.interface import Targets
from wordsparse.layer.losses import BoundedNS, Squared
from wordsparse.layer.output import FactoredOutput
from wordsparse.types import Array
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.examples import Examples

V, DIM, NEGATIVES = 12, 5, 5.0
LOSSES = {
    **{name: loss() for name, loss in losses.LOSSES.items()},
    "bounded-ns": BoundedNS(NEGATIVES),
    "squared": Squared(target_value=1.0),
}
COUNTS = np.arange(V, 0, -1.0) ** 2
MEASURE = np.sqrt(COUNTS) / np.sqrt(COUNTS).sum()
# The minibatches have few tokens. With SIZES[0], leverage and dimension limit the steps; with SIZES[1], the trust bound
# limits the step of every word.
SIZES = [
    StepSizes(forget_tokens=120.0, wide_dim=DIM / 2),
    StepSizes(m0=0.1, t0=2.0, rho=0.1, ridge=0.2, max_leverage=1.0),
]


def embedding(loss, kernels, sizes, dim=DIM):
    output = FactoredOutput(V, dim + 1, LOSSES[loss], base_measure=MEASURE, kernels=kernels).core
    if loss == "spherical":
        output.set_common_output(0.7)
    return WordEmbedding(output, sizes, seed=3)


def stepped(embedding, examples, lr, remaining=1.0):
    """Train on a minibatch, and return the sum of the minibatch's losses before the step."""
    pull = embedding.pull(examples)
    embedding.follow(pull, lr, remaining)
    return pull.loss


def minibatch(model, seed):
    """Make random examples that use some of the words. One of these words is neither a context word nor a target."""
    random = np.random.default_rng(seed)
    words = np.sort(random.choice(V, 7, replace=False)).astype(np.int64)
    u = words.size
    if model == "skipgram":
        counts = random.poisson(1.0, (u, u)) * (np.arange(u) != 3)
        counts[3] = 0
        columns = [np.flatnonzero(row) for row in counts]
        indptr = np.cumsum([0, *(row.size for row in columns)])
        indices = np.concatenate(columns).astype(np.int32)
        weights = counts[counts > 0].astype(np.float32)
        return Examples(Targets(words, Csr(indptr, indices, u), weights), None, 40, int(counts.sum()))
    # Word 3 does not occur in the text. Windows reach up to 3 words to either side.
    tokens = np.delete(np.arange(u), 3)[random.integers(0, u - 1, 40)].astype(np.int32)
    tokens[[11, 12, 30]] = -2
    bags = problems.windows_over(random, tokens, u, reach=3)
    m = bags.rows
    one_each = Csr(np.arange(m + 1), tokens[bags.centre], u)
    return Examples(Targets(words, one_each, np.ones(m, np.float32)), bags, 40, m)


@dataclass
class DenseEmbedding:
    """The formulas in the docstring of embedding.py, with dense gradients and a dense W̃ = diag(√π) W."""

    loss: str
    sizes: StepSizes
    E: Array
    W: Array
    mass: Array
    curvature: Array
    pair_curvature: float = 0.0
    steps: int = 0

    @classmethod
    def like(cls, model, loss):
        features = model.output.n_features
        W = model.output.weights() * np.sqrt(MEASURE)[:, None].astype(float)
        return cls(loss, model.sizes, model.E.astype(float), W, np.zeros(V), np.zeros((features, features)))

    def step(self, examples, lr, remaining):
        T, N, sizes = examples.words, examples.pairs, self.sizes
        p = np.sqrt(MEASURE)
        F = np.hstack([self.E[T], np.ones((T.size, 1))])
        C = np.eye(T.size) if examples.bags is None else problems.dense_bags(examples.bags)
        H, Y = C @ F, dense(examples.targets.csr, examples.targets.y)
        Q, w_bar = self.W.T @ self.W, self.W.T @ p
        loss, alpha, beta, slope = self._loss(Y, H @ self.W[T].T / p[T], np.sum(H @ Q * H, 1), H @ w_bar)
        gamma = slope / p[T]
        grad_H = 2 * alpha[:, None] * (H @ Q) + gamma @ self.W[T] + np.outer(beta, w_bar)
        weights = np.abs(alpha)
        moment = 2 * H.T @ (weights[:, None] * H)
        grad_W = 2 * self.W @ H.T @ (alpha[:, None] * H) + np.outer(p, beta @ H)
        grad_W[T] += gamma.T @ H

        n_w = max(1, sizes.forget_tokens / examples.tokens)
        rate = max(1 / (self.steps + 1), 1 / n_w)
        self.curvature += rate * (moment / N - self.curvature)
        self.pair_curvature += rate * (2 * weights.sum() / N - self.pair_curvature)
        kappa = self.pair_curvature
        share = 1 if examples.bags is None else examples.bags.share
        new_mass = 2 * weights / kappa * share @ C  # a word that occurs n times in a bag counts n times
        self.mass[T] += new_mass
        if lr > 0:
            Q_E = Q[:-1, :-1]
            newton = (C.T @ grad_H)[:, :-1] @ np.linalg.inv(Q_E + ridge(Q_E, sizes.rho))
            factor = lr / (self.mass[T] + sizes.m0 * max(1, DIM / sizes.wide_dim))
            capped = np.minimum(factor, sizes.trust / np.maximum(new_mass, 1e-30)) / kappa
            self.E[T] -= capped[:, None] * newton
        eta = sizes.eta * max(1 / (self.steps + sizes.t0), remaining / n_w)
        Pi = np.linalg.inv(self.curvature + ridge(self.curvature, sizes.ridge))
        leverage = eta / N * np.trace(Pi @ moment / N)
        self.W -= min(1, sizes.max_leverage / leverage) * eta / N * grad_W @ Pi
        self.steps += 1
        return float(loss)

    def _loss(self, Y, o, q, s):
        """Return four values: the summed loss, α, β, and the derivative of the loss with respect to each target's o."""
        value, dq, ds, do = LOSSES[self.loss].terms(o, q[:, None], s[:, None], 1.0)
        return (Y * value).sum(), (Y * dq).sum(1), (Y * ds).sum(1), Y * do


def ridge(matrix, share):
    d = matrix.shape[0]
    return np.asarray(share * np.trace(matrix) / d * np.eye(d))


@pytest.mark.parametrize("sizes", SIZES, ids=["long steps", "trust"])
@pytest.mark.parametrize("kernels", [Kernels(), CpuKernels(2)], ids=["numpy", "cpu"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_steps_are_the_formulas(model, loss, kernels, sizes):
    trained = embedding(loss, kernels, sizes)
    oracle = DenseEmbedding.like(trained, loss)
    for step, lr in enumerate([0.0, 0.0, 1.0, 0.7, 0.4]):
        examples, remaining = minibatch(model, step), 1 - step / 5
        expected = oracle.step(examples, lr, remaining)
        assert stepped(trained, examples, lr, remaining) == pytest.approx(expected, rel=1e-5, abs=1e-6 * examples.pairs)
        np.testing.assert_allclose(trained.E, oracle.E, atol=1e-4 * abs(oracle.E).max())
        W = trained.output.weights() * np.sqrt(MEASURE)[:, None]
        np.testing.assert_allclose(W, oracle.W, atol=1e-4 * abs(oracle.W).max())
    np.testing.assert_allclose(trained.mass, oracle.mass, rtol=1e-5)
    assert trained.pair_curvature == pytest.approx(oracle.pair_curvature)


@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_weights_that_leave_the_band_train_on_as_they_would(model, monkeypatch):
    """The Z-loss does not depend on the scale of W, so runs with and without rescaling differ only in this scale."""
    trained = []
    for band in (core.BAND, 1.5):
        monkeypatch.setattr(core, "BAND", band)
        trained.append(embedding("zloss", Kernels(), SIZES[1]))
        for step in range(30):
            stepped(trained[-1], minibatch(model, step), 0.5, 1.0)
    there, here = trained
    np.testing.assert_allclose(here.E, there.E, rtol=1e-4, atol=1e-5)
    c = np.sqrt(np.trace(there.output.factors.Q) / np.trace(here.output.factors.Q))
    assert abs(np.log2(c) - round(np.log2(c))) < 1e-3
    assert c > 1.5 or c < 0.7
    np.testing.assert_allclose(here.output.weights() * c, there.output.weights(), rtol=1e-3, atol=1e-4 * c)
    np.testing.assert_allclose(here.curvature, there.curvature * c**2, rtol=1e-3)
    assert here.pair_curvature == pytest.approx(there.pair_curvature * c**2, rel=1e-3)


@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_a_minibatch_without_pairs_changes_nothing(model):
    trained = embedding("bounded-ns", Kernels(), SIZES[0])
    stepped(trained, minibatch(model, 0), 0.0)
    before = [trained.E.copy(), trained.output.weights(), trained.mass.copy(), trained.curvature.copy()]
    none = np.empty(0, np.int32)
    nothing = Csr(np.zeros(1 if model == "cbow" else 4, np.int64), none, 3)
    bags = Windows(np.array([0, -2, 1, -2, 2], np.int32), none, none, none, 5, 3) if model == "cbow" else None
    empty = Examples(Targets(np.array([0, 4, 7]), nothing, np.empty(0, np.float32)), bags, 9, 0)
    assert stepped(trained, empty, 1.0) == 0.0
    after = [trained.E, trained.output.weights(), trained.mass, trained.curvature]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))
    assert trained.steps == 1


@pytest.mark.parametrize("loss", ["bounded-ns", "squared"])
@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_the_first_step_leaves_the_input_vectors_whatever_lr_is(model, loss):
    # At W = 0, both the gradient and the curvature with respect to E are 0.
    trained = embedding(loss, Kernels(), SIZES[0])
    before = trained.E.copy()
    stepped(trained, minibatch(model, 0), 2.5)
    assert trained.E.tobytes() == before.tobytes()


@pytest.mark.parametrize("loss", ["bounded-ns", "taylor"])
@pytest.mark.parametrize("model", ["cbow", "skipgram"])
def test_a_heldout_loss_computes_no_gradients(model, loss, monkeypatch):
    """A held-out loss computes no sums that only a step needs, and still equals the loss of a step."""
    trained = embedding(loss, Kernels(), SIZES[0])
    stepped(trained, minibatch(model, 0), 0.0)
    examples = minibatch(model, 1)

    def refuse(*arguments, **options):
        raise AssertionError("only a step needs this sum")

    with monkeypatch.context() as patch:
        for name in ("window_pull", "combine", "transpose", "gram", "weighted_gram"):
            patch.setattr(trained.output.kernels, name, refuse)
        heldout = trained.loss(examples)
    assert heldout == pytest.approx(stepped(trained, examples, 0.0), rel=1e-5)

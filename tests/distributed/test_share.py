"""Ranks divide the rows and the examples of a step, and take the step of one process."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from support.emulation import cuda_kernels
from support.thread_ranks import on_ranks

from wordsparse.corpus import Vocabulary
from wordsparse.distributed.share import RanksDivision, RanksShare
from wordsparse.errors import TrainingError, WordsparseError
from wordsparse.kernels import kernels_on
from wordsparse.layer.losses import LOSSES
from wordsparse.layer.output import FactoredOutput
from wordsparse.training.interruption import StopRequest
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.examples import ExampleBuilder
from wordsparse.words.recipe import recommended

V, DIM, TOKENS, STEPS = 40, 6, 150, 6
IDS = np.minimum(np.random.default_rng(0).zipf(1.4, STEPS * TOKENS) - 1, V - 1).astype(np.int32)
host, emulated = partial(kernels_on, "cpu", 1), partial(cuda_kernels, emulated=True)


def embedding(loss, kernels):
    of_words = recommended("cbow", loss).loss
    output = FactoredOutput(V, DIM + 1, of_words, base_measure=np.linspace(3, 1, V), kernels=kernels).core
    return WordEmbedding(output, StepSizes(t0=2.0), seed=1)


def minibatches(kind, part):
    vocabulary = Vocabulary([str(i) for i in range(V)], np.arange(V, 0, -1))
    build = getattr(ExampleBuilder(vocabulary, window=3, sample=0, seed=0), kind)
    starts, (number, of) = range(0, STEPS * TOKENS, TOKENS), part
    ends = [[start + TOKENS * i // of for i in (number, number + 1)] for start in starts]
    return [build(IDS, *each, offset=0, epoch=0) for each in ends]


def train(kind, words, part):
    """Take some training steps, fold U into V after one step, and return the losses of the minibatches."""
    losses = []
    for step, examples in enumerate(minibatches(kind, part)):
        pull = words.pull(examples)
        words.follow(pull, 0.5)
        losses.append(pull.loss)
        if step == 2:
            words.output.fold()
    return losses


def divided(ranks, words, typical=IDS[:TOKENS]):
    share, ranks.waiting, ranks.sent, ranks.received = RanksShare(ranks, StopRequest()), 0.0, 0, 0
    first = SimpleNamespace(words=np.unique(typical).astype(np.int64), bags=None)
    return share, share.divided(words, SimpleNamespace(first=lambda: first, cpu_seconds=0.0))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
@pytest.mark.parametrize(("loss", "kernels"), [*((loss, host) for loss in LOSSES), ("zloss", emulated)])
def test_ranks_take_the_steps_of_one_process(loss, kernels, kind, size):
    def work(ranks):
        share, words = divided(ranks, embedding(loss, kernels()))
        losses = train(kind, words, (ranks.rank, ranks.size))
        share.gather()
        return words.state(), losses

    alone = embedding(loss, host())
    expected = train(kind, alone, (0, 1))
    results = on_ranks(size, work)
    state, losses = results[0]
    for others, _ in results:
        same = state.keys() - {"E", "mass", "output.V"}
        assert all(np.asarray(others[name]).tobytes() == np.asarray(state[name]).tobytes() for name in same)
    # With the Z-loss, a word's curvature α may have opposite signs on two ranks, which changes its step a little.
    by_part = (loss, kind) == ("zloss", "skipgram") and size > 1
    np.testing.assert_allclose(losses, expected, rtol=1e-3 if by_part else 1e-5)
    assert alone.output.folds > 0
    for name, part in alone.state().items():
        atol = (0.05 if by_part else 1e-4) * np.abs(part).max()
        np.testing.assert_allclose(state[name], part, rtol=1e-3, atol=atol, err_msg=name)


@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
def test_ranks_without_rows_or_examples_take_part(kind):
    """Three of five ranks own no row, because a typical minibatch has two words. Only one rank has examples."""

    def work(ranks):
        share, words = divided(ranks, embedding("bounded-ns", host()), np.array([0, 7]))
        assert sum(part.shape[0] > 0 for part in ranks._all(words.E)) == 2
        losses = train(kind, words, (0, 1) if ranks.rank == 1 else (0, 10**6))
        share.gather()
        return losses, words.state()["E"]

    alone = embedding("bounded-ns", host())
    expected = train(kind, alone, (0, 1))
    losses, E = on_ranks(5, work)[0]
    assert losses == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(E, alone.E, rtol=1e-3, atol=1e-5)


def test_ranks_compute_the_loss_of_their_examples():
    def work(ranks):
        _, words = divided(ranks, embedding("zloss", host()))
        train("cbow", words, (ranks.rank, ranks.size))
        return sum(words.loss(each) for each in minibatches("cbow", (ranks.rank, ranks.size)))

    alone = embedding("zloss", host())
    train("cbow", alone, (0, 1))
    expected = sum(alone.loss(each) for each in minibatches("cbow", (0, 1)))
    assert sum(on_ranks(3, work)) == pytest.approx(expected, rel=1e-5)


def test_a_step_that_one_rank_refuses_is_refused_by_all():
    def work(ranks):
        _, words = divided(ranks, embedding("squared", host()))
        pull = words.pull(minibatches("cbow", (ranks.rank, ranks.size))[0])
        if ranks.rank == 1:
            rows = pull.sums.forward.target_rows
            change = rows.push
            rows.push = lambda *given: change(*given) * np.inf
            rows.gram_change = lambda D: np.zeros((DIM + 1, DIM + 1))
        with pytest.raises(TrainingError, match="not finite"):
            words.follow(pull, 0.5)

    on_ranks(2, work)


def test_each_rank_computes_each_matrix_of_a_step_in_turn():
    """On as many ranks as a step has matrices, no rank computes the same matrix in every step. Products of these
    matrices are not divided, unlike products of rows."""

    def work(ranks):
        kernels = host()
        division, steps = RanksDivision(ranks, kernels), []
        for _ in range(4):
            division.begin_step()
            computed = [division.by_one(lambda: [np.array([ranks.rank, kernels.processes])]) for _ in range(4)]
            steps.append([part.tolist() for (part,) in computed])
        assert kernels.processes == 4
        return steps

    steps = on_ranks(4, work)[0]
    assert all(sorted(turns) == [[rank, 1] for rank in range(4)] for turns in [*steps, *zip(*steps, strict=True)])


def test_ranks_whose_numbers_differ_are_stopped():
    def work(ranks):
        _, words = divided(ranks, embedding("squared", host()))
        words.curvature[3, 2] += 1e-6 * (ranks.rank == 1)
        with pytest.raises(WordsparseError, match="rank 1 has computed different numbers from rank 0") as error:
            train("cbow", words, (ranks.rank, ranks.size))
        assert ranks.agreed is error.value

    on_ranks(3, work)

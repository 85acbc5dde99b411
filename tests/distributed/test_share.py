"""Ranks add up their parts of a minibatch and take the step of the whole minibatch; all ranks end with equal bytes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from support.emulation import cuda_kernels
from support.thread_ranks import ThreadRanks, on_ranks

from wordsparse.corpus import Vocabulary
from wordsparse.distributed.share import RanksShare
from wordsparse.errors import WordsparseError
from wordsparse.kernels import Kernels, kernels_on
from wordsparse.layer.losses import LOSSES
from wordsparse.layer.output import FactoredOutput
from wordsparse.training.interruption import StopRequest
from wordsparse.words.embedding import StepSizes, WordEmbedding
from wordsparse.words.examples import ExampleBuilder
from wordsparse.words.recipe import recommended

V, DIM, TOKENS, STEPS = 40, 6, 150, 6
IDS = np.minimum(np.random.default_rng(0).zipf(1.4, STEPS * TOKENS) - 1, V - 1).astype(np.int32)
Make = Callable[[], Kernels]
host, emulated = partial(kernels_on, "cpu", 1), partial(cuda_kernels, emulated=True)


def embedding(loss: str, kernels: Kernels) -> WordEmbedding:
    of_words = recommended("cbow", loss).loss
    output = FactoredOutput(V, DIM + 1, of_words, base_measure=np.linspace(3, 1, V), kernels=kernels).core
    return WordEmbedding(output, StepSizes(t0=2.0), seed=1)


def train(kind: str, words: WordEmbedding, part: tuple[int, int], share: RanksShare | None = None) -> list[float]:
    """Take some training steps, fold U into V after one step, and return the losses of the minibatches."""
    vocabulary = Vocabulary([str(i) for i in range(V)], np.arange(V, 0, -1))
    build = getattr(ExampleBuilder(vocabulary, window=3, sample=0, seed=0), kind)
    number, of, losses = *part, []
    for start in range(0, STEPS * TOKENS, TOKENS):
        ends = (start + TOKENS * i // of for i in (number, number + 1))
        pull = words.pull(build(IDS, *ends, offset=0, epoch=0))
        pull = pull if share is None else share.joined(pull, words)
        words.follow(pull, 0.5)
        losses.append(pull.loss)
        if start == 2 * TOKENS:
            words.output.fold()
    return losses


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
@pytest.mark.parametrize(("loss", "kernels"), [*((loss, host) for loss in LOSSES), ("zloss", emulated)])
def test_ranks_take_the_steps_of_one_process(loss: str, kernels: Make, kind: str, size: int) -> None:
    def work(ranks: ThreadRanks) -> tuple[dict[str, Any], list[float]]:
        words = embedding(loss, kernels())
        share = RanksShare(ranks, StopRequest())
        losses = train(kind, words, share.part, share)
        return words.state(), losses

    alone = embedding(loss, host())
    expected = train(kind, alone, (0, 1))
    results = on_ranks(size, work)
    state, losses = results[0]
    for others, _ in results:
        assert all(np.asarray(others[name]).tobytes() == np.asarray(part).tobytes() for name, part in state.items())
    # With the Z-loss, a word's curvature α may have opposite signs on two ranks, which changes its step a little.
    by_part = (loss, kind) == ("zloss", "skipgram") and size > 1
    np.testing.assert_allclose(losses, expected, rtol=1e-3 if by_part else 1e-5)
    assert alone.output.folds > 0
    for name, part in alone.state().items():
        atol = (0.05 if by_part else 1e-4) * np.abs(part).max()
        np.testing.assert_allclose(state[name], part, rtol=1e-3, atol=atol, err_msg=name)


def test_a_rank_without_examples_takes_part() -> None:
    def work(ranks: ThreadRanks) -> float:
        words, share = embedding("squared", host()), RanksShare(ranks, StopRequest())
        part = (0, 1) if ranks.rank == 0 else (0, 10**6)
        return sum(train("skipgram", words, part, share))

    assert on_ranks(2, work) == pytest.approx([sum(train("skipgram", embedding("squared", host()), (0, 1)))] * 2)


def test_ranks_whose_numbers_differ_are_stopped() -> None:
    def work(ranks: ThreadRanks) -> None:
        words = embedding("squared", host())
        words.E[3, 2] += 1e-6 * (ranks.rank == 1)
        share = RanksShare(ranks, StopRequest())
        with pytest.raises(WordsparseError, match="rank 1 has computed different numbers from rank 0") as error:
            train("cbow", words, share.part, share)
        assert ranks.agreed is error.value

    on_ranks(3, work)

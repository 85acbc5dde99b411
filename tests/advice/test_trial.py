"""The trial of an advice: its rivals, its budget, and the timed step."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.advised import OFTEN, OURS, TREES, result, rows

import wordsparse as ws
from wordsparse.advice import label_trial, timing, trial, verdict
from wordsparse.advice.timing import Timing, time_layer
from wordsparse.advice.trial import Result
from wordsparse.errors import WordsparseError
from wordsparse.machine.description import blas_pools, blas_threads


def test_a_dense_layer_is_tried_where_pytorch_is_installed() -> None:
    torch = pytest.importorskip("torch", reason="a dense layer is PyTorch's")
    data, state = rows(400, 60, 12, 1.0), torch.get_rng_state()
    found = {result.method: result for result in label_trial.LabelTrial(data, 1, 0).stage(300)}
    assert found[label_trial.DENSE].quality > found[label_trial.OURS].quality - 0.1
    assert (torch.get_rng_state() == state).all(), "the caller's random numbers stay as they are"


def test_what_the_first_training_imports_is_no_part_of_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dense layer on 1,000 rows took four times its time, twice that on 3,600."""
    trained: list[int] = []
    dense = label_trial.dense_trial
    monkeypatch.setattr(dense, "is_possible", lambda data: True)
    monkeypatch.setattr(dense, "first_labels", lambda train, *others: trained.append(train.X.shape[0]))
    label_trial.LabelTrial(rows(60, 20, 5, 1.0), 1, 0).prepare()
    assert trained == [1]


def test_one_vs_rest_learns_rare_labels() -> None:
    """Its solver stopped before labels of less than a hundredth of the rows: it had .41 here."""
    data = rows(800, 400, 400, 1.0)
    found = {result.method: result for result in label_trial.LabelTrial(data, 1, 0).stage(640)}
    assert found[label_trial.ONE_VS_REST].quality > 0.55


def stage(amount: int) -> Iterator[Result]:
    yield result(OURS, 0.5, amount, amount / 100)


def test_a_trial_grows_to_all_of_the_data_within_its_budget() -> None:
    seen: list[trial.AdviceProgress] = []
    measured = trial.run(OURS, stage, 10, 100, budget=60, progress=seen.append)
    assert [row.amount for row in measured.results] == [10, 40, 100]
    assert measured.complete
    assert [(told.amount, told.finished is not None) for told in seen] == [
        (amount, finished) for amount in (10, 40, 100) for finished in (False, True)
    ]
    assert {(told.phase, told.total) for told in seen} == {("trial", 60)}
    assert measured.full_run(1000) == pytest.approx((7.5, 12.5))


def test_the_time_of_the_full_run_grows_as_it_did_between_the_stages() -> None:
    def grown(seconds: float) -> trial.Trial:
        return trial.Trial(OURS, [result(OURS, 0.5, 100, 1.0), result(OURS, 0.5, 400, seconds)])

    assert grown(4.0).full_run(1600) == pytest.approx((12.0, 20.0))
    assert grown(8.0).full_run(1600) == pytest.approx((0.75 * 32, 1.25 * 64)), "4 times the rows took 8 times the time"
    assert grown(2.0).full_run(1600) == pytest.approx((0.75 * 4, 1.25 * 8))
    assert trial.Trial(OURS, [result(OURS, 0.5, 100, 1.0)]).full_run(400) == pytest.approx((0.5, 8.0))
    assert trial.Trial(OURS).full_run(400) is None


def test_a_trial_without_time_has_one_stage() -> None:
    measured = trial.run(OURS, stage, 10, 10**9, budget=0)
    assert [row.amount for row in measured.results] == [10]
    assert not measured.complete


def test_an_interrupted_trial_keeps_what_was_measured() -> None:
    def interrupted(amount: int) -> Iterator[Result]:
        yield result(OURS, 0.5, amount)
        if amount > 10:
            raise KeyboardInterrupt
        yield result(TREES, 0.9, amount)

    measured = trial.run(OURS, interrupted, 10, 1000, budget=60)
    assert measured.interrupted
    assert len(measured.results) == 3
    assert verdict.decide(OFTEN, Timing(1e-6, 1e-4), measured).advice == "trees"


def test_a_stage_that_fails_ends_the_trial() -> None:
    def failing(amount: int) -> Iterator[Result]:
        if amount:
            yield result(OURS, 0.5, amount)
        raise WordsparseError("no memory")

    assert len(trial.run(OURS, failing, 10, 1000, budget=60).results) == 1
    with pytest.raises(WordsparseError, match="no memory"):
        trial.run(OURS, failing, 0, 1000, budget=60)


def test_a_step_of_either_layer_is_timed() -> None:
    timed = time_layer(OFTEN, 0)
    assert timed.exact > 0
    assert timed.speedup == timed.dense / timed.exact


def test_both_layers_are_timed_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two, threads of BLAS that waited for each other made a dense step of 371 outputs up to 90 times as long."""
    threads: list[int] = []

    class Layer(ws.FactoredOutput):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            threads.append(options["threads"])
            super().__init__(*arguments, **options)

    def dense_step(*arguments: Any) -> None:
        threads.extend(pool["threads"] for pool in blas_pools())

    monkeypatch.setattr(timing, "FactoredOutput", Layer)
    monkeypatch.setattr(timing, "_dense_step", dense_step)
    with blas_threads(2):
        time_layer(OFTEN, 0)
    assert set(threads) == {1}

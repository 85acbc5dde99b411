"""The trial of an advice: its stages and budget, and the timed step."""

from typing import Any

import pytest
from support.advised import OFTEN, rows

import wordsparse as ws
from wordsparse.advice import timing, trial
from wordsparse.advice.sizes import of_labels
from wordsparse.advice.timing import time_layer
from wordsparse.advice.trial import Result, Stages
from wordsparse.errors import WordsparseError
from wordsparse.machine.description import blas_pools, blas_threads


def result(amount: int, seconds: float = 1.0) -> Result:
    return Result("ours", amount, seconds, "P@1", 0.5, 0.4, 0.6)


def stages(first: int, most: int) -> Stages:
    return Stages(lambda amount: (result(amount, amount / 100),), first, most, ())


def test_a_trial_grows_to_all_of_the_data_within_its_budget() -> None:
    seen: list[trial.AdviceProgress] = []
    measured = trial.run(stages(10, 100), budget=60, progress=seen.append)
    assert [stage[0].amount for stage in measured.stages] == [10, 40, 100]
    assert measured.complete
    assert [(step.amount, step.finished is not None) for step in seen] == [
        (amount, finished) for amount in (10, 40, 100) for finished in (False, True)
    ]
    assert {(step.phase, step.total) for step in seen} == {("trial", 60)}
    assert measured.full_run(1000) == pytest.approx((7.5, 12.5))


def test_the_time_of_the_full_run_grows_as_it_did_between_the_stages() -> None:
    def grown(seconds: float) -> trial.Trial:
        return trial.Trial([(result(100),), (result(400, seconds),)])

    assert grown(4.0).full_run(1600) == pytest.approx((12.0, 20.0))
    assert grown(8.0).full_run(1600) == pytest.approx((0.75 * 32, 1.25 * 64)), "4 times the rows took 8 times the time"
    assert grown(2.0).full_run(1600) == pytest.approx((0.75 * 4, 1.25 * 8))
    assert trial.Trial([(result(100),)]).full_run(400) == pytest.approx((0.5, 8.0))
    assert trial.Trial().full_run(400) is None


def test_a_trial_without_time_has_one_stage() -> None:
    measured = trial.run(stages(10, 10**9), budget=0)
    assert [stage[0].amount for stage in measured.stages] == [10]
    assert not measured.complete


def test_an_interrupted_trial_keeps_what_was_measured() -> None:
    def interrupted(amount: int) -> tuple[Result, ...]:
        if amount > 10:
            raise KeyboardInterrupt
        return (result(amount),)

    measured = trial.run(Stages(interrupted, 10, 1000, ()), budget=60)
    assert measured.interrupted
    assert [stage[0].amount for stage in measured.stages] == [10]
    assert any("interrupted" in limit for limit in measured.limits())


def test_a_stage_that_fails_ends_the_trial() -> None:
    def failing(amount: int) -> tuple[Result, ...]:
        if amount != 10:
            raise WordsparseError("no memory")
        return (result(amount),)

    assert len(trial.run(Stages(failing, 10, 1000, ()), budget=60).stages) == 1
    with pytest.raises(WordsparseError, match="no memory"):
        trial.run(Stages(failing, 20, 1000, ()), budget=60)


def test_labels_are_judged_on_rows_held_out() -> None:
    pytest.importorskip("sklearn", reason="the classifier needs scikit-learn")
    data = rows(400, 60, 12, 1.0)
    tried = trial.of_rows(data, of_labels(data.X, data.Y, 60), 1, 0)
    assert tried.most == 320
    assert tried.stage is not None
    (found,) = tried.stage(300)
    assert found.quality is not None
    assert found.quality > 0.7


def test_a_step_of_either_layer_is_timed() -> None:
    timed = time_layer(OFTEN, 0)
    assert timed.exact > 0
    assert timed.speedup == timed.dense / timed.exact


def test_the_memory_of_a_timed_layer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: list[int] = []

    class Layer(ws.FactoredOutput):
        def __init__(self, n_outputs: int, *arguments: Any, **options: Any) -> None:
            outputs.append(n_outputs)
            super().__init__(n_outputs, *arguments, **options)

    monkeypatch.setattr(timing, "FactoredOutput", Layer)
    monkeypatch.setattr(timing, "EXACT_OUTPUTS", 100)
    assert time_layer(OFTEN, 0).dense > 0
    assert outputs == [100]


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

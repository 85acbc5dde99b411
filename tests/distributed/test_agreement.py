"""Ranks begin and end together."""

import threading
from collections.abc import Callable

import pytest
from support.fake_cupy import CUDARuntimeError
from support.thread_ranks import ThreadRanks, on_ranks

from wordsparse.distributed.agreement import check_same, ending_all, together
from wordsparse.errors import InputError, TrainingError, WordsparseError


def raised(ranks: ThreadRanks, work: Callable[[], object]) -> str:
    with pytest.raises(InputError) as error:
        work()
    assert ranks.agreed is error.value
    return str(error.value)


def test_ranks_that_know_different_things_are_refused_on_all() -> None:
    facts = [{"dim": 5, "seed": 1}, {"dim": 5, "seed": 1}, {"dim": 6, "seed": 1}]
    found = on_ranks(3, lambda ranks: raised(ranks, lambda: check_same(ranks, facts[ranks.rank])))
    assert len(set(found)) == 1
    assert found[0].startswith("rank 2 on ")
    assert "dim was 5, not 6" in found[0]
    on_ranks(3, lambda ranks: check_same(ranks, facts[0]))


def test_an_error_of_one_rank_is_raised_on_all() -> None:
    def fail_on(*which: int) -> list[str]:
        def work(ranks: ThreadRanks) -> str:
            def part() -> None:
                if ranks.rank in which:
                    raise InputError("no memory")

            return raised(ranks, lambda: together(ranks, part))

        return on_ranks(3, work)

    assert fail_on(1) == ["rank 1 of 3: no memory"] * 3
    assert fail_on(0, 1, 2) == ["no memory"] * 3
    assert fail_on(0) == ["no memory"] * 3


@pytest.mark.parametrize(
    ("error", "status"), [(WordsparseError("disk full"), 1), (KeyboardInterrupt(), 130), (ValueError("a bug"), 1)]
)
def test_an_error_of_one_rank_alone_ends_all(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(ranks: ThreadRanks) -> None:
        if ranks.rank == 1:
            with pytest.raises(SystemExit) as stop, ending_all(ranks):
                raise error
            assert stop.value.code == status
        else:
            with pytest.raises(threading.BrokenBarrierError):
                ranks.gather(b"")  # broken by the end of the other

    on_ranks(2, work)
    line, _, more = capsys.readouterr().err.partition("\n")
    assert line.startswith("wordsparse: rank 1 of 2 (")
    assert line.endswith("; the other ranks are ended")
    assert ("Traceback" in more) == isinstance(error, ValueError)


def test_a_gpu_that_fails_is_an_error_of_one_rank_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def work(ranks: ThreadRanks) -> None:
        error = TrainingError("the GPU failed")
        error.__cause__ = CUDARuntimeError("cudaErrorUnknown")
        with pytest.raises(SystemExit), ending_all(ranks):
            raise TrainingError("the GPU failed; all is kept") from error

    on_ranks(2, work)
    assert capsys.readouterr().err.count("the other ranks are ended") == 2


def test_errors_that_all_ranks_meet_end_none() -> None:
    def work(ranks: ThreadRanks) -> None:
        with pytest.raises(TrainingError), ending_all(ranks):
            raise TrainingError("the step would explode")
        agreed = InputError("no such file")
        ranks.agreed = agreed
        with pytest.raises(InputError), ending_all(ranks):
            raise InputError("no such file; nothing is kept") from agreed

    on_ranks(2, work)

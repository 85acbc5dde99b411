"""Ranks start together, and an error on one rank ends all ranks."""

import threading

import pytest
from support.fake_cupy import CUDARuntimeError
from support.thread_ranks import on_ranks

from wordsparse.distributed.agreement import ending_all
from wordsparse.errors import InputError, TrainingError, WordsparseError


def of_a_gpu():
    error = TrainingError("the GPU failed; all is kept")
    error.__cause__ = CUDARuntimeError("cudaErrorUnknown")
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [(WordsparseError("disk full"), 1), (of_a_gpu(), 1), (KeyboardInterrupt(), 130), (ValueError("a bug"), 1)],
)
def test_an_error_of_one_rank_alone_ends_all(error, status, capfd):
    def work(ranks):
        if ranks.rank == 1:
            with pytest.raises(SystemExit) as stop, ending_all(ranks):
                raise error
            assert stop.value.code == status
        else:
            with pytest.raises(threading.BrokenBarrierError):
                ranks.gather(b"")  # raises the error when the other rank ends

    on_ranks(2, work)
    line, _, more = capfd.readouterr().err.partition("\n")
    assert line.startswith("wordsparse: rank 1 of 2 (")
    assert line.endswith("; this ends the other ranks")
    assert ("Traceback" in more) == isinstance(error, ValueError)


def test_errors_on_all_ranks_do_not_abort():
    def work(ranks):
        with pytest.raises(TrainingError), ending_all(ranks):
            raise TrainingError("the step would explode")
        agreed = InputError("no such file")
        ranks.agreed = agreed
        with pytest.raises(InputError), ending_all(ranks):
            raise InputError("no such file; nothing is kept") from agreed

    on_ranks(2, work)

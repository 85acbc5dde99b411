"""Order, bounds, errors and endings of items made ahead."""

import threading
from collections.abc import Callable, Iterator

import pytest

from wordsparse.training.prefetch import prefetched


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wordsparse-prefetch"]


def same(job: int) -> int:
    return job


@pytest.mark.parametrize("n", [0, 1, 2, 50])
@pytest.mark.parametrize("makers", [1, 2, 5])
def test_the_same_items_in_the_same_order(n: int, makers: int) -> None:
    assert list(prefetched(range(n), [same] * makers)) == list(range(n))
    assert not workers()


def test_the_order_is_that_of_the_jobs_whichever_is_made_first() -> None:
    """The first of every three items is made last."""
    done = [threading.Event() for _ in range(9)]

    def make(job: int) -> int:
        if job % 3 == 0:
            assert done[job + 1].wait(10)
            assert done[job + 2].wait(10)
        done[job].set()
        return job

    assert list(prefetched(range(9), [make] * 3)) == list(range(9))


def test_makers_work_side_by_side_each_in_one_thread() -> None:
    together = threading.Barrier(3, timeout=10)
    seen: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}

    def maker(number: int) -> Callable[[int], int]:
        def make(job: int) -> int:
            together.wait()  # until all three are at work
            seen[number].add(threading.get_ident())
            return job

        return make

    assert list(prefetched(range(30), [maker(number) for number in seen])) == list(range(30))
    assert all(len(threads) == 1 for threads in seen.values())
    assert len(set.union(*seen.values())) == 3


@pytest.mark.parametrize(("makers", "most"), [(1, 1), (2, 3), (3, 5)])
def test_no_more_are_made_than_asked_for(makers: int, most: int) -> None:
    made: list[int] = []
    enough, more = threading.Event(), threading.Event()

    def make(job: int) -> int:
        made.append(job)
        if len(made) > most:
            enough.set()
        if len(made) > 1 + most:
            more.set()
        return job

    taken = prefetched(range(20), [make] * makers)
    assert next(taken) == 0
    assert enough.wait(10)  # while the consumer has item 0, the next ones are made …
    assert not more.wait(0.05)  # … and no more than those
    taken.close()
    assert sorted(made) == list(range(1 + most))
    assert not workers()


@pytest.mark.parametrize("makers", [1, 3])
def test_what_an_item_raises_is_raised_in_its_place(makers: int) -> None:
    def make(job: int) -> int:
        if job == 2:
            raise ValueError("no third one")
        return job

    taken = prefetched(range(9), [make] * makers)
    assert [next(taken), next(taken)] == [0, 1]
    with pytest.raises(ValueError, match="no third one"):
        next(taken)
    assert not workers()


@pytest.mark.parametrize("makers", [1, 3])
def test_what_a_job_raises_is_raised_in_its_place(makers: int) -> None:
    def jobs() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    taken = prefetched(jobs(), [same] * makers)
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(taken)
    assert not workers()


@pytest.mark.parametrize("makers", [1, 3])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_consumer_that_fails_leaves_no_thread(error: type[BaseException], makers: int) -> None:
    def consume() -> None:
        taken = prefetched(iter(int, 1), [same] * makers)
        try:
            for _ in taken:
                raise error
        finally:
            taken.close()

    with pytest.raises(error):
        consume()
    assert not workers()

"""Order, bounds, errors and endings of items made ahead."""

import threading
from collections.abc import Iterator

import pytest

from wordsparse.training.prefetch import prefetched


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wordsparse-prefetch"]


@pytest.mark.parametrize("n", [0, 1, 2, 50])
@pytest.mark.parametrize("ahead", [1, 3])
def test_the_same_items_in_the_same_order(n: int, ahead: int) -> None:
    assert list(prefetched(range(n), ahead)) == list(range(n))
    assert not workers()


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_are_made_than_asked_for(ahead: int) -> None:
    made: list[int] = []
    enough = threading.Event()

    def items() -> Iterator[int]:
        for i in range(20):
            made.append(i)
            if len(made) > ahead:
                enough.set()
            yield i

    taken = prefetched(items(), ahead)
    assert next(taken) == 0
    assert enough.wait(10)  # while the consumer has item 0, the next ones are made …
    taken.close()
    assert len(made) == 1 + ahead  # … and no more than those
    assert not workers()


def test_nothing_starts_before_the_first_item_is_asked_for() -> None:
    taken = prefetched(iter([1]))
    assert not workers()
    taken.close()


def test_what_an_item_raises_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    taken = prefetched(items(), 3)
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(taken)
    assert not workers()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_consumer_that_fails_leaves_no_thread(error: type[BaseException]) -> None:
    def consume() -> None:
        taken = prefetched(iter(int, 1))
        try:
            for _ in taken:
                raise error
        finally:
            taken.close()

    with pytest.raises(error):
        consume()
    assert not workers()

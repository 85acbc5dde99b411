"""Items made ahead of their use, by threads of their own."""

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

Job = TypeVar("Job")
T = TypeVar("T")


def prefetched(
    jobs: Iterable[Job], makers: Sequence[Callable[[Job], T]], ahead: int | None = None
) -> Generator[T, None, None]:
    """``make(job)`` for every job, in the order of the jobs, whichever maker makes which.

    Each maker has a thread to itself, so it may keep what it works with. Up to ``ahead`` items are made while the
    consumer is busy with another (None: one a maker, and one less that is ready, so that none waits for a slower
    one). What making an item raises, or asking for its job, is raised where that item is asked for. When the
    consumer stops, by whatever way, items being made are finished and thrown away, and the threads are gone before
    the generator is.
    """
    iterator, turn = iter(jobs), threading.Lock()
    promised: SimpleQueue[Future[T] | None] = SimpleQueue()  # in the order of the jobs; None after the last one
    room = threading.Semaphore(2 * len(makers) - 1 if ahead is None else ahead)
    stopped = threading.Event()

    def work(make: Callable[[Job], T]) -> None:
        while True:
            room.acquire()
            item: Future[T] = Future()
            with turn:  # one at a time, so that promises stand in the order of the jobs
                if stopped.is_set():
                    return
                try:
                    job = next(iterator)
                except StopIteration:
                    stopped.set()
                    promised.put(None)
                    return
                except BaseException as error:
                    stopped.set()
                    item.set_exception(error)
                    promised.put(item)
                    return
                promised.put(item)
            try:
                item.set_result(make(job))
            except BaseException as error:
                item.set_exception(error)
            del item, job  # not held while there is no room

    workers = [threading.Thread(target=work, args=(make,), name="wordsparse-prefetch", daemon=True) for make in makers]
    for worker in workers:
        worker.start()
    try:
        while (item := promised.get()) is not None:
            made = item.result()
            del item
            room.release()
            yield made
            del made  # not held while the next one is waited for
    finally:
        stopped.set()
        room.release(len(workers))
        for worker in workers:
            worker.join()

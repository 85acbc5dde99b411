"""Prefetching: threads make items before they are used."""

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

Job = TypeVar("Job")
T = TypeVar("T")


def prefetched(jobs: Iterable[Job], makers: Sequence[Callable[[Job], T]]) -> Generator[T, None, None]:
    """Yield ``make(job)`` for every job, in the order of the jobs; any of the ``makers`` may make an item.

    Each maker has its own thread, so it may reuse a workspace. While the consumer uses an item, one for each maker is
    prefetched, plus one less that is finished, so that no maker waits for a slower one. An error of making an item, or
    of the iteration over jobs, is raised at the position of that item. When the consumer stops, for any reason, items
    in progress are finished and discarded, and the threads end before the generator does.
    """
    iterator, turn = iter(jobs), threading.Lock()
    promised: SimpleQueue[Future[T] | None] = SimpleQueue()  # in the order of the jobs; None after the last one
    room = threading.Semaphore(2 * len(makers) - 1)
    stopped = threading.Event()

    def work(make: Callable[[Job], T]) -> None:
        while True:
            room.acquire()
            item: Future[T] = Future()
            with turn:  # one thread at a time, so that the futures have the order of the jobs
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
            del item, job  # frees their memory while the queue is full

    workers = [threading.Thread(target=work, args=(make,), name="wordsparse-prefetch", daemon=True) for make in makers]
    for worker in workers:
        worker.start()
    try:
        while (item := promised.get()) is not None:
            made = item.result()
            del item
            room.release()
            yield made
            del made  # frees its memory while waiting for the next one
    finally:
        stopped.set()
        room.release(len(workers))
        for worker in workers:
            worker.join()

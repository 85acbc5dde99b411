"""Items made ahead of their use, by a thread of their own."""

import threading
from collections.abc import Generator, Iterable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterable[T], ahead: int = 1) -> Generator[T, None, None]:
    """The same items in the same order; up to ``ahead`` of them are made while the consumer is busy with another.

    What making an item raises is raised where that item is asked for. When the consumer stops, by whatever way, the
    item being made is finished and thrown away, and the thread is gone before the generator is.
    """
    iterator, end = iter(items), object()
    ready: SimpleQueue[tuple[object, BaseException | None]] = SimpleQueue()
    room, stopped = threading.Semaphore(ahead), threading.Event()

    def work() -> None:
        item: object = None
        while item is not end:
            room.acquire()
            if stopped.is_set():
                return
            try:
                item = next(iterator, end)
            except BaseException as error:
                ready.put((None, error))
                return
            ready.put((item, None))

    worker = threading.Thread(target=work, name="wordsparse-prefetch", daemon=True)
    worker.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is end:
                return
            room.release()
            yield item  # type: ignore[misc]
            del item  # not held while the next one is waited for
    finally:
        stopped.set()
        room.release()
        worker.join()

"""The bytes of every step are counted, told and printed."""

from types import SimpleNamespace

from wordsparse.distributed.traffic import Traffic
from wordsparse.training.progress import Progress, RunDisplay


def test_steps_are_counted_apart_from_what_else_is_sent() -> None:
    ranks = SimpleNamespace(sent=1000)
    traffic = Traffic(ranks)  # type: ignore[arg-type]
    assert (traffic.mean, traffic.largest, traffic.last) == (0, 0, 0)
    for sent in (10, 40, 16):
        with traffic.step():
            ranks.sent += sent
        ranks.sent += 500  # a checkpoint
    assert (traffic.mean, traffic.largest, traffic.last) == (22, 40, 16)


def test_the_bar_tells_the_bytes_of_a_step() -> None:
    notes: list[str] = []
    display = SimpleNamespace(update=lambda *given: notes.append(given[-1]), say=notes.append)
    shown = RunDisplay(display)  # type: ignore[arg-type]
    shown.training(Progress(10, 100, 0, 1.5, sent_bytes=93_400_000))
    shown.training(Progress(20, 100, 0, 1.5))
    assert notes == ["epoch 1, loss 1.5000, 93.4 MB sent", "epoch 1, loss 1.5000"]

"""Memory: what a run needs and what there is are compared before it starts."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.processes import finish, start
from support.texts import SHORT, write_text

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.machine import memory
from wordsparse.training.memory import Need

NEED = Need(200_000, 300, 10_000, 400_000)


def left(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(memory, "limits", lambda: iter([(10**18, "a large limit"), (size, "a small limit")]))


def test_what_would_fit_does_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (NEED.total - 1, 2 * 10**8):
        left(monkeypatch, size)
        with pytest.raises(
            InputError, match=r"needs about .* but .* left \(a small limit\); options that fit"
        ) as caught:
            NEED.check()
        message = str(caught.value)
        for option, field in (("dim", "dim"), ("max_vocab", "vocab_size")):
            found = re.search(rf"(?:fit: |or ){option} (\d+)", message)
            assert found is not None
            fitting = int(found[1])
            replace(NEED, **{field: fitting}).check()
            with pytest.raises(InputError):
                replace(NEED, **{field: fitting + 1}).check()
    left(monkeypatch, NEED.total)
    NEED.check()


def test_an_absurd_dimension_is_refused_before_the_text_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(tmp_path / "no-such.txt"), "-o", str(tmp_path / "model"), "--dim", str(10**9)]
    assert main(arguments) == 2
    assert re.search(
        r"not enough memory: dim 1000000000 .* GB are left .*options that fit: dim \d+", capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="not enough memory"):
        ws.train([["a", "b"]], dim=10**9)


def test_a_run_that_cannot_fit_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write_text(tmp_path / "text.txt")
    left(monkeypatch, Need(1, 6, 0, 0).total)  # enough for one word
    with pytest.raises(InputError, match="dim 6 with 12 words needs about"):
        ws.train(text, output=tmp_path / "model", **SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_an_address_space_limit_is_seen(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text.txt")
    arguments = [
        "train",
        str(text),
        "-o",
        str(tmp_path / "model"),
        "--dim",
        "9000",
        "--min-count",
        "1",
        "--threads",
        "1",
    ]
    process = start(arguments, tmp_path / "errors", address_space=2**30)
    assert finish(process) == 2
    assert "(RLIMIT_AS); options that fit: " in (tmp_path / "errors").read_text()

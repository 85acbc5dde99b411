"""Before a run starts, the memory that it needs is compared with the free memory."""

import re

import pytest
from support.texts import SHORT, write_text

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.machine import memory
from wordsparse.training import memory as memory_of_a_run


def test_an_absurd_dimension_is_refused_before_the_text_is_read(tmp_path, capsys):
    arguments = ["train", str(tmp_path / "no-such.txt"), "-o", str(tmp_path / "model"), "--dim", str(10**9)]
    assert main(arguments) == 2
    assert re.search(r"not enough memory: dim 1000000000 .* GB are left .*give a smaller dim", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="not enough memory"):
        ws.train([["a", "b"]], dim=10**9)


def test_a_run_that_cannot_fit_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    text = write_text(tmp_path / "text.txt")
    limits = (10**18, "a large limit"), (memory_of_a_run.BYTES + 11_000, "enough for one word")
    monkeypatch.setattr(memory, "limits", lambda: iter(limits))
    with pytest.raises(InputError, match="dim 6 with 12 words needs about"):
        ws.train(text, output=tmp_path / "model", **SHORT)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]

"""Texts that change, disappear or arrive in another form while a run trains, or before it is resumed."""

from pathlib import Path

import pytest
from support.runs import once_after, run_directory
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, ReadError


@pytest.mark.parametrize("damage", ["altered", "cut", "emptied"])
def test_a_text_that_changes_during_the_run_stops_it_with_a_checkpoint(
    text: Path, output: Path, tmp_path: Path, damage: str
) -> None:
    ws.encode(text, tmp_path / "encoded", min_count=1)
    path = tmp_path / "encoded" / "shard-00000.i32"
    data = path.read_bytes()
    changed = {"altered": data[:-8] + b"\xff\xff\xff\x7f" + data[-4:], "cut": data[:5000], "emptied": b""}

    def change() -> None:
        path.write_bytes(changed[damage])

    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    with pytest.raises(ReadError, match=r"shard-00000\.i32: was cut or altered.*checkpoint-000000001 is kept"):
        ws.train(path.parent, output=output, progress=once_after(500, change), **given)
    with pytest.raises(InputError, match=r"shard-00000\.i32"):
        ws.train(path.parent, output=output, resume=True, **given)
    path.write_bytes(data)
    assert same_vectors(ws.train(path.parent, output=output, resume=True, **given), ws.train(text, **SHORT))


def test_options_of_reading_are_refused_for_an_encoded_text(text: Path, output: Path, tmp_path: Path) -> None:
    ws.encode(text, tmp_path / "encoded", tokens="simple", min_count=1)
    for asked, said in (
        ({"format": "lines"}, "is already encoded: format applies to text only"),
        ({"column": "text"}, "column applies to text only"),
        ({"tokens": "split"}, "was encoded with tokens simple, not split"),
    ):
        with pytest.raises(InputError, match=said):
            ws.train(tmp_path / "encoded", output=output, **asked)
    assert not run_directory(output).exists()


def test_the_hint_of_a_wrong_tokeniser_names_overwrite_if_there_is_an_output(
    output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Previously, the wrong model took the name of the output, and the hint said nothing about how to replace it."""
    lines = [["the", "king,", "the", "queen."]] * 50

    def said(**keywords: object) -> str:
        caplog.clear()
        ws.train(lines, **{**SHORT, "epochs": 1, **keywords})
        return caplog.text

    assert "--tokens simple" in (hint := said(output=output))
    assert f"{output} will hold these words: to replace it afterwards, add --overwrite (overwrite=True)" in hint
    assert "--overwrite" not in said()
    assert "--overwrite" not in said(output=output, resume=True)
    lines = [["the", "king", "the", "queen"]] * 50
    assert "--overwrite" not in said(output=output, overwrite=True)


@pytest.mark.parametrize("kind", ["sessions", "items"])
def test_names_of_items_may_end_in_punctuation(
    output: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """Previously, a log of films was advised to split the names ("Star Wars (1977)") by a tokeniser."""
    films = ["Star Wars (1977)", "Fargo (1996)", "Return of the Jedi (1983)"]
    log = tmp_path / "log.csv"
    rows = (f"{user},{film}\n" for user in range(60) for film in films)
    log.write_text("user,item\n" + "".join(rows), "utf-8")
    options = {**SHORT, "epochs": 1, "kind": kind}
    ws.train(log, column="item", group_by="user", output=output, **options)
    ws.train(log, column="item", group_by="user", output=output, resume=True, epochs=2)
    ws.train([films] * 60, **options)
    ws.encode(log, tmp_path / "encoded", column="item", group_by="user", min_count=1)
    assert "punctuation" not in caplog.text

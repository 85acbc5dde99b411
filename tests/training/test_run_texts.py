"""Texts that change, disappear or arrive in another form while a run trains, or before it is resumed."""

import pytest
from support.runs import once_after
from support.texts import SHORT, same_vectors

import wordsparse as ws
from wordsparse.errors import InputError, ReadError


@pytest.mark.parametrize("damage", ["altered", "cut", "emptied"])
def test_a_text_that_changes_during_the_run_stops_it_with_a_checkpoint(text, output, tmp_path, damage):
    ws.encode(text, tmp_path / "encoded", min_count=1)
    path = tmp_path / "encoded" / "shard-00000.i32"
    data = path.read_bytes()
    changed = {"altered": data[:-8] + b"\xff\xff\xff\x7f" + data[-4:], "cut": data[:5000], "emptied": b""}

    def change():
        path.write_bytes(changed[damage])

    given = {name: value for name, value in SHORT.items() if name != "min_count"}
    with pytest.raises(ReadError, match=r"shard-00000\.i32: was cut or altered.*checkpoint-000000001 is kept"):
        ws.train(path.parent, output=output, progress=once_after(500, change), **given)
    with pytest.raises(InputError, match=r"shard-00000\.i32"):
        ws.train(path.parent, output=output, resume=True, **given)
    path.write_bytes(data)
    assert same_vectors(ws.train(path.parent, output=output, resume=True, **given), ws.train(text, **SHORT))


def test_the_hint_of_a_wrong_tokeniser_names_overwrite_if_there_is_an_output(output, caplog):
    """Previously, the wrong model took the name of the output, and the hint said nothing about how to replace it."""
    lines = [["the", "king,", "the", "queen."]] * 50

    def said(**keywords):
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
def test_names_of_items_may_end_in_punctuation(output, tmp_path, caplog, kind):
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

"""``wordsparse index``, and ``wordsparse search`` of an index."""

import json
from pathlib import Path

import pytest

import wordsparse as ws
from wordsparse.cli import main

TEXTS = ["bread and butter", "the stocks of a bank", "a cat on a mat", "bread\nof the bank"]
ROWS = [{"id": i, "text": text, "year": 2000 + i} for i, text in enumerate(TEXTS)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a model and documents into the current directory."""
    monkeypatch.chdir(tmp_path)
    ws.train(iter(TEXTS * 9), tokens="unicode", dim=4, epochs=1, min_count=1, form=0, progress=False).save("model")
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["search", "index", *options, "bread", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["documents"]


def test_an_index_is_written_asked_and_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    making = ["index", "model", "rows.jsonl", "--column", "text", "--id", "id", "--keep", "year", "-o", "index"]
    assert main(making) == 0
    assert "4 documents x 4 -> index (stems: none)" in capsys.readouterr().out
    expected = ws.Search("model", ROWS, column="text", id="id", keep=["year"])
    assert asked(capsys) == [hit.to_dict() for hit in expected.search("bread")]
    assert [hit["document"]["id"] for hit in asked(capsys, "--filter", "year > 2000 AND id <> 1", "-n", "1")] == [3]
    assert main(["search", "index", "bread", "--filter", "year > 3000"]) == 0
    assert "no document of the filter answers 'bread'" in capsys.readouterr().err

    (folder / "new.jsonl").write_text('{"id": 0, "text": "salt", "year": 1}\n{"id": "x", "text": "bread", "year": 2}\n')
    (folder / "gone.txt").write_text("3\n")
    assert main(["index", "index", "new.jsonl", "--delete", "gone.txt"]) == 0
    expected.delete(3)
    expected.update(folder / "new.jsonl")
    assert asked(capsys) == [hit.to_dict() for hit in expected.search("bread")]
    assert main(["index", "index", "--delete", "gone.txt", "-o", "other"]) == 2
    assert "no document has the id '3'" in capsys.readouterr().err

    (folder / "both.jsonl").write_text('{"id": "7", "text": "salt", "year": 1}\n{"id": 7, "text": "salt", "year": 2}\n')
    (folder / "gone.txt").write_text("7\n")
    assert main(["index", "index", "both.jsonl"]) == 0
    assert main(["index", "index", "--delete", "gone.txt"]) == 0
    assert [each for each in ws.load(folder / "index").ids if str(each) == "7"] == [7]

    assert main(making) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*making, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 4


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("index model", "is no index: name an index to change, or MODEL DOCUMENTS -o INDEX to make one"),
        ("index model rows.jsonl", "is no index"),
        ("index made rows.jsonl --stem english", "--stem cannot change in an index"),
        ("index made rows.jsonl --passages 9", "--passages cannot change in an index"),
        ("index made rows.jsonl --fit-weights", "--fit-weights: in Python, ws.Search(model.fit_weights(texts), texts)"),
        ("search made bread --weight 3", "--weight: did you mean --word-weight?"),
        ("search made bread --keep year", "--keep is an option of `wordsparse index`"),
        ("search model rows.jsonl", "name an index, or a model and documents, and then ask a question"),
        ("search made bread --filter yeer=1", "no such column: yeer; the index keeps no columns"),
        ("search made bread --where x", "--where: did you mean --filter?"),
    ],
)
def test_refusals(command: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ws.Search("model", TEXTS).save("made")
    assert main(command.split()) == 2
    assert message in capsys.readouterr().err

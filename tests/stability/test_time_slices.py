"""Texts cut into slices by the names of their files."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.errors import InputError
from wordsparse.stability import ResampledModel, resampled_model
from wordsparse.stability.time_slices import NAMES, time_slices, year
from wordsparse.training.texts import TrainingText


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("news/1999.txt", "1999"),
        ("news/1999-12-31.txt.gz", "1999"),
        ("news/19991231-x.txt", "1999"),
        ("1999/part-00001.txt", "1999"),
        ("1998/of-1999.txt", "1999"),
        ("2001/12345.txt", "2001"),
    ],
)
def test_years(path: str, expected: str) -> None:
    assert year(Path(path)) == expected


@pytest.mark.parametrize("path", ["a/b.txt", "a/12345.txt", "a/3999.txt", "123456789.txt"])
def test_no_year(path: str) -> None:
    with pytest.raises(InputError, match="there is no year in its name"):
        year(Path(path))


def test_directories_and_files() -> None:
    assert NAMES["directory"](Path("texts/left/a.txt")) == "left"
    assert NAMES["file"](Path("texts/left/a.txt.gz")) == "a"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Two years of sentences of a topic each; "late" is a word of the second alone, "rare" is frequent in neither."""
    random = np.random.default_rng(1)
    for name in ("1990", "2000"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        for part in "ab":
            lines = [" ".join(f"w{i}" for i in random.integers(0, 15, 8)) for _ in range(60)]
            extra = "late w1 w2\n" * 3 if name == "2000" else ""
            (tmp_path / "texts" / name / f"{part}.txt").write_text("\n".join(lines) + f"\nrare w1\n{extra}")
    return tmp_path / "texts"


def test_slices_share_the_vocabulary_of_the_whole_text(texts: Path) -> None:
    with time_slices(TrainingText([texts], TextOptions(min_count=4), threads=1), "year") as slices:
        assert list(slices) == ["1990", "2000"]
        words = {name: set(part.corpus.vocabulary.words) for name, part in slices.items()}
    assert words["2000"] - words["1990"] == {"late"}  # six times in all
    assert "rare" in words["1990"]  # twice in each slice, four times in all
    with time_slices(TrainingText([texts], TextOptions(min_count=5), threads=1), "file") as slices:
        assert list(slices) == ["a", "b"]
        assert "rare" not in slices["a"].corpus.vocabulary


def test_what_cannot_be_sliced_is_refused(texts: Path, tmp_path: Path) -> None:
    def refused(match: str, text: TrainingText, slice_by: str = "year") -> None:
        with pytest.raises(InputError, match=match), time_slices(text, slice_by):
            pass

    refused("all of the text belongs to one, 1990", TrainingText([texts / "1990"]))
    refused("needs files of text", TrainingText([["a", "b"]]))
    refused("needs files of text", TrainingText([STANDARD_INPUT]))
    refused("phrases would differ", TrainingText([texts], TextOptions(phrases=1)))
    ws.encode(texts, tmp_path / "encoded", min_count=1)
    refused("needs files of text", TrainingText([tmp_path / "encoded"]))
    refused("slice-by must be one of year, directory, file, not 'month'", TrainingText([texts]), "month")


def test_a_model_of_each_slice(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dim", "4", "--epochs", "1", "--min-count", "4", "--threads", "1", "--sample", "0", "--json"]
    train = ["train", str(texts), "-o", str(tmp_path / "m"), "--slice-by", "year", *options]
    assert main(train) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["slices"]) == ["1990", "2000"]
    assert sorted(os.listdir(tmp_path / "m")) == ["1990", "2000", "options.toml"]
    before = ws.load(tmp_path / "m" / "1990")
    assert main(["train", "--config", str(tmp_path / "m/options.toml"), "-o", str(tmp_path / "again"), "--json"]) == 0
    capsys.readouterr()
    assert ws.load(tmp_path / "again" / "1990").vectors.tobytes() == before.vectors.tobytes()
    assert result["slices"]["1990"]["vocab_size"] == len(before) == 16
    assert main(train) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*train, "--resume", "--bootstrap", "4"]) == 0
    again = resampled_model(tmp_path / "m" / "1990")
    assert again.vectors.tobytes() == before.vectors.tobytes()
    assert isinstance(again, ResampledModel)
    capsys.readouterr()
    assert main(["moved", str(tmp_path / "m/1990"), str(tmp_path / "m/2000"), "--json"]) == 0
    assert 10 < json.loads(capsys.readouterr().out)["words"] <= 15  # of 50 occurrences in both


ROWS = [
    {"text": f"w{i % 7} w{i % 5} w{i % 3} {'late' if i % 2 else 'early'}", "year": 2000 + i % 2, "day": f"{day}-03-01"}
    for i in range(200)
    for day in [2000 + i % 2]
]
OPTIONS: dict[str, Any] = {"dim": 4, "epochs": 1, "threads": 1, "progress": False}


def rows_as(format: str, path: Path) -> Path:
    """ROWS in a file of this format; one row more has no year."""
    rows = [*ROWS, {"text": "w1 w2", "year": None, "day": None}]
    if format == "parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(rows), path)
    elif format == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with open(path, "w", newline="") as file:
            csv.DictWriter(file, list(ROWS[0])).writerows([{name: name for name in ROWS[0]}, *rows])
    return path


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_rows_are_cut_by_a_column(format: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = rows_as(format, tmp_path / f"rows.{format}")
    models = ws.train_slices(path, column="text", slice_column="year", **OPTIONS)
    assert list(models) == ["2000", "2001"]
    assert "1 sentences are in no slice: their rows have no 'year'" in caplog.text
    assert ("early" in models["2000"], "late" in models["2000"], "late" in models["2001"]) == (True, False, True)
    by_day = ws.train_slices(iter(ROWS), column="text", slice_column="day", slice_by="year", **OPTIONS)
    named = ws.train_slices(
        {name: [row["text"].split() for row in ROWS if str(row["year"]) == name] for name in ("2001", "2000")},
        **OPTIONS,
    )
    for others in (by_day, named):
        assert list(others) == list(models)
        assert all(others[name].vectors.tobytes() == model.vectors.tobytes() for name, model in models.items())


def test_the_command_cuts_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows_as("csv", tmp_path / "rows.csv")
    asked = ["train", str(path), "--column", "text", "--slice-column", "year", "--dim", "4", "--epochs", "1", "--json"]
    assert main([*asked, "-o", str(tmp_path / "m")]) == 0
    assert list(json.loads(capsys.readouterr().out)["slices"]) == ["2000", "2001"]
    assert main(["train", "--config", str(tmp_path / "m/options.toml"), "-o", str(tmp_path / "again")]) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"slice_column": "year"}, "the column 'year' needs rows"),
        ({"slice_column": "yeer", "column": "text"}, "row 1 has no 'yeer'"),
        ({"slice_column": "text", "slice_by": "year", "column": "text"}, "row 1: there is no year in its 'text'"),
        ({"slice_column": "year", "slice_by": "file", "column": "text"}, "leave slice_by out, or make it year"),
        ({"column": "text"}, "slices: name them"),
        ({"slice_column": "slash", "column": "text"}, "'a/b' cannot be the name of a directory"),
        ({"slice_column": "number", "column": "text"}, "there are more than 500: cut them by year"),
        ({"slice_column": "year", "column": "text", "dimm": 3}, r"unknown option dimm: did you mean dim\?"),
        ({"slice_column": "year", "column": "text", "dim": 0}, "dim must be"),
        ({"slice_column": "year", "column": "text", "init": "x.txt"}, "init: slices start from nothing"),
    ],
)
def test_rows_that_cannot_be_cut_are_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    rows = [{**row, "slash": "a/b" if i else "c", "number": i} for i, row in enumerate(ROWS * 3)]
    with pytest.raises(InputError, match=message):
        ws.train_slices(rows, output=tmp_path / "m", **{"progress": False, **given})
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["a.training", "options.toml", ".a.lock", "..", ""])
def test_the_name_of_a_slice_is_none_of_the_files_beside_it(name: str, tmp_path: Path) -> None:
    """The run of the slice "a" would have removed the model of the slice "a.training"."""
    with pytest.raises(InputError, match="cannot be the name of a directory"):
        ws.train_slices({"a": [["x", "y"]] * 9, name: [["x", "y"]] * 9}, output=tmp_path / "m", min_count=1)
    assert not (tmp_path / "m").exists()


def test_a_dict_of_texts_names_its_slices(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names its slices"):
        ws.train_slices({"a": [["x"]], "b": [["y"]]}, slice_by="year")
    with pytest.raises(InputError, match="must be str, not 1990"):
        ws.train_slices({1990: [["x"]]})  # type: ignore[dict-item]

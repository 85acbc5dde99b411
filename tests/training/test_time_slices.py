"""Texts cut into slices by the names of their files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.errors import InputError
from wordsparse.training.texts import TrainingText
from wordsparse.training.time_slices import NAMES, time_slices, year


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
    with time_slices(TrainingText([texts], min_count=4, threads=1), "year") as slices:
        assert list(slices) == ["1990", "2000"]
        words = {name: set(part.corpus.vocabulary.words) for name, part in slices.items()}
    assert words["2000"] - words["1990"] == {"late"}  # six times in all
    assert "rare" in words["1990"]  # twice in each slice, four times in all
    with time_slices(TrainingText([texts], min_count=5, threads=1), "file") as slices:
        assert list(slices) == ["a", "b"]
        assert "rare" not in slices["a"].corpus.vocabulary


def test_what_cannot_be_sliced_is_refused(texts: Path, tmp_path: Path) -> None:
    def refused(match: str, text: TrainingText, slice_by: str = "year") -> None:
        with pytest.raises(InputError, match=match), time_slices(text, slice_by):
            pass

    refused("all files belong to one slice, 1990", TrainingText([texts / "1990"]))
    refused("needs files of text", TrainingText([["a", "b"]]))
    refused("needs files of text", TrainingText([STANDARD_INPUT]))
    refused("phrases would differ", TrainingText([texts], phrases=1))
    ws.encode(texts, tmp_path / "encoded", min_count=1)
    refused("needs files of text", TrainingText([tmp_path / "encoded"]))


def test_a_model_of_each_slice(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dim", "4", "--epochs", "1", "--min-count", "4", "--threads", "1", "--sample", "0", "--json"]
    train = ["train", str(texts), "-o", str(tmp_path / "m"), "--slice-by", "year", *options]
    assert main(train) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["slices"]) == ["1990", "2000"] == sorted(os.listdir(tmp_path / "m"))
    before = ws.load(tmp_path / "m" / "1990")
    assert result["slices"]["1990"]["vocab_size"] == len(before) == 16
    assert main(train) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*train, "--resume", "--bootstrap", "4"]) == 0
    again = ws.load(tmp_path / "m" / "1990")
    assert again.vectors.tobytes() == before.vectors.tobytes()
    assert again.resamples is not None
    capsys.readouterr()
    assert main(["moved", str(tmp_path / "m/1990"), str(tmp_path / "m/2000"), "--json"]) == 0
    assert 10 < json.loads(capsys.readouterr().out)["words"] <= 15  # of 50 occurrences in both

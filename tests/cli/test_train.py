"""``train``: the options it takes, the summary it prints and the files it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.texts import left_in

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.words.model_directory import read_vectors

pytestmark = pytest.mark.usefixtures("no_gpu")

Output = pytest.CaptureFixture[str]
SMALL = ["--dim", "6", "--epochs", "2", "--threads", "1", "--sample", "0", "--min-count", "1"]
FIELDS = {
    **dict.fromkeys(("tokens", "vocab_size", "dim", "threads", "peak_memory_bytes", "checkpoints"), int),
    **dict.fromkeys(("wall_seconds", "cpu_seconds", "tokens_per_second"), float),
    **dict.fromkeys(("device", "device_reason"), str),
    "loss": list,
}


def test_json(text: Path, tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "model"
    arguments = ["train", str(text), "-o", str(path), *SMALL, "--model", "skipgram", "--loss", "squared", "--json"]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert {name: type(result[name]) for name in FIELDS} == FIELDS
    assert (result["tokens"], result["vocab_size"], result["dim"], result["threads"]) == (3600, 12, 6, 1)
    assert (result["device"], result["checkpoints"], result["output"]) == ("cpu", 0, str(path))
    assert len(result["loss"]) == 2
    model = ws.load(path)
    assert model.report == {name: value for name, value in result.items() if name != "output"}
    assert (model.options["model"], model.options["loss"]) == ("skipgram", "squared")
    assert left_in(tmp_path) == ["model", "text.txt"]


@pytest.mark.parametrize("form", [0, 1])
def test_the_summary_and_the_report_say_which_ngrams_were_chosen(
    text: Path, tmp_path: Path, capsys: Output, form: int
) -> None:
    spelling = "n-grams of 1 to 3, as in languages of short words"
    assert main(["train", str(text), "-o", str(tmp_path / "model"), *SMALL, "--form", str(form)]) == 0
    assert (f"spelling: {spelling}\n" in capsys.readouterr().out) is bool(form)
    assert ws.load(tmp_path / "model").report.get("spelling") == (spelling if form else None)


def test_options_reach_the_run(text: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"window": 3, "batch_tokens": 50, "seed": 7, "max_tokens": 900, "sample": 0.01}
    settings["device"] = "cpu"
    options = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["train", str(text), "-o", str(tmp_path / "model"), *SMALL, *options]) == 0
    model = ws.load(tmp_path / "model")
    assert {name: model.options[name] for name in settings} == settings
    assert model.report["tokens"] == 1800
    same = ws.train(text, dim=6, epochs=2, min_count=1, threads=1, **settings)
    assert same.vectors.tobytes() == model.vectors.tobytes()


def test_a_preset_chooses_defaults(text: Path, tmp_path: Path, capsys: Output) -> None:
    text.write_text(text.read_text() + "once w1\n")
    encoded, items = str(tmp_path / "encoded"), ["--for", "items"]
    assert main(["encode", str(text), "-o", encoded, *items]) == 0
    assert main(["train", encoded, "-o", str(tmp_path / "model"), "--dim", "4", "--epochs", "1", *items]) == 0
    assert f"next: wordsparse next {tmp_path / 'model'} ITEM" in capsys.readouterr().out
    model = ws.load(tmp_path / "model")
    assert "once" in model.vocabulary
    assert [model.options[name] for name in ("kind", "window", "sample")] == ["items", 255, 0]


def test_training_exports_the_vectors_too(text: Path, tmp_path: Path, capsys: Output) -> None:
    for name, more in (("a.bin", []), ("b.npz", ["--resume"])):  # the second time, no epochs are left to train
        arguments = ["-o", str(tmp_path / "model"), "--export", str(tmp_path / name), *more]
        assert main(["train", str(text), *arguments, *SMALL, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["exported"] == [str(tmp_path / name)]
        exported = read_vectors(tmp_path / name)
        assert exported.words == ws.load(tmp_path / "model").vocabulary.words
        assert (exported.vectors == ws.load(tmp_path / "model").vectors).all()


@pytest.mark.parametrize("name", ["vectors.dat", "vectors.npz.gz", "folder/vectors.txt", "-"])
def test_an_export_that_cannot_be_written_is_refused_before_the_training(
    name: str, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(text), "-o", "model", "--export", name, *SMALL]) == 2
    assert not (tmp_path / "model").exists()


def test_the_help_for_text_has_no_options_of_groups(capsys: Output) -> None:
    """Previously, it showed --half-life and --min-groups, but not --group-by, --order-by and --weight-column."""
    of_groups = ["--group-by ", "--order-by ", "--min-groups ", "--half-life "]
    assert main(["train", "--help"]) == 0
    brief = capsys.readouterr().out
    assert "--dim " in brief
    assert "--weight-column " not in brief
    assert brief.count("\n") <= 45
    assert main(["train", "--for", "text", "--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in of_groups if name in shown] == []
    assert "--weight-column " in shown
    assert main(["train", "--for", "sessions", "--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in of_groups if name in shown] == of_groups

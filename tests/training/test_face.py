"""wordsparse.train in Python: options, progress, training a model further, and interrupted runs."""

import inspect
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from support.runs import interrupt, once_after

import wordsparse as ws
from wordsparse.cli.train import command

pytestmark = pytest.mark.usefixtures("no_gpu")

TEXT = [["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 300
MORE = [["a", "b", "new", "word"]] * 100
DEFAULTS = {name: parameter.default for name, parameter in inspect.signature(ws.train).parameters.items()}


def test_the_command_line_has_every_option_and_passes_on_what_is_given():
    with command.make_context("train", ["text", "-o", "model"]) as context:
        given = context.params
    assert given.keys() - DEFAULTS.keys() == {"quiet", "as_json", "export"}
    assert DEFAULTS.keys() - given.keys() == {"measure_power", "recipe", "progress"}
    assert all(given[name] is None for name in given.keys() & DEFAULTS.keys() - {"corpus", "output"})


def test_every_option_is_documented():
    said = inspect.getdoc(ws.train) or ""
    headings = {name for line in said.splitlines() if " : " in line for name in line.partition(" : ")[0].split(", ")}
    assert DEFAULTS.keys() <= headings


def test_the_log_has_a_line_of_json_for_each_epoch_and_goes_on(tmp_path):
    log = tmp_path / "log.jsonl"
    model = ws.train(TEXT, dim=4, epochs=2, progress=False, heldout=0.3, log=log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [line for line in lines if line["heldout_loss"] is not None]
    assert [line["epoch"] for line in ends] == [1, 2]
    assert [line["loss"] for line in ends] == model.report["loss"]
    assert lines[-1]["tokens"] == lines[-1]["total_tokens"] == model.report["tokens"]
    assert datetime.fromisoformat(lines[0]["time"]) <= datetime.now(UTC)
    ws.train(TEXT, dim=4, epochs=1, progress=False, log=log)
    assert len(log.read_text().splitlines()) > len(lines)
    with pytest.raises(ws.InputError, match="is an input too"):
        ws.train(tmp_path, log=log)
    for path, said in ((tmp_path / "folder" / "none.log", "^log: .*cannot be written"), ("/dev/full", "full: writing")):
        with pytest.raises(ws.WordsparseError, match=said):
            ws.train(TEXT, log=path)


@pytest.mark.parametrize("progress", ["auto", True, None, False])
def test_progress_is_shown_or_not(progress, capsys):
    ws.train(TEXT, dim=4, epochs=1, progress=progress, heldout=0.3)
    said = capsys.readouterr()
    assert said.out == ""
    assert bool(said.err) == (progress is not False), said.err  # progress shows the loss of the epoch


def test_a_model_trains_on_with_a_new_text():
    model = ws.train(TEXT, dim=4, seed=3)
    before = {name: np.array(part, copy=True) for name, part in model.state().items()}
    more = model.train(MORE, epochs=2, threads=1)
    assert (len(model), len(more), "new" in more) == (6, 8, True)
    assert (more.options["epochs"], more.options["seed"], model.options["epochs"]) == (2, 3, 20)
    assert more.vocabulary.counts.sum() == model.vocabulary.counts.sum() + 400
    assert all(np.array_equal(part, before[name]) for name, part in model.state().items())
    for given, message in (({"dim": 5}, "dim was 4, not 5"), ({"workers": 2}, r"did you mean threads\?")):
        with pytest.raises(ws.InputError, match=message):
            model.train(MORE, **given)


def test_an_interrupted_run_without_an_output_leaves_its_model():
    """A run without an output writes no checkpoint, so the process keeps its partial model."""
    with pytest.raises(ws.Interrupted, match=r"interrupted after [\d,]+ of 12,000 tokens"):
        ws.train(TEXT, dim=4, epochs=5, progress=once_after(6001, interrupt))
    model = ws.interrupted_model()
    assert model.options["epochs"] == len(model.report["loss"]) == 2
    assert np.isfinite(model.wv["a"]).all()
    whole = ws.train(TEXT, dim=4, epochs=5)
    with pytest.raises(ws.InputError, match="no run"):
        ws.interrupted_model()
    continued = model.train(TEXT, epochs=5)  # training keeps the coordinates of the partial model
    np.testing.assert_allclose(continued.input_rows, whole.input_rows, atol=1e-3)
    np.testing.assert_allclose(continued.output_rows, whole.output_rows, atol=1e-3)

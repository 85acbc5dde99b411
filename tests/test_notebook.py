"""Training in a notebook, run by nbclient: a bar that leaves nothing dead behind, and a command as in a log file."""

import os
import sys
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")
pytestmark = pytest.mark.nightly

# Phases of a real run, each long enough for a bar; the display is told in the same way by a run of any length.
SLOW = """
import time
import wordsparse as ws
from wordsparse import display

display.DELAY = 0.0
text = [["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 400
model = ws.train(text, dim=4, epochs=3, heldout=0.3)
model
"""
COMMAND = f"!{sys.executable} -m wordsparse train text.txt -o model --dim 4 --heldout 0.3"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The outputs of each cell, as they are saved."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "text.txt").write_text("a b c d\na b x y\n" * 400)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (SLOW, COMMAND)])
    # A kernel of this interpreter, whatever kernels are installed for the user.
    kernel = folder / "share/jupyter/kernels/this"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
        '"display_name": "this", "language": "python"}'
    )
    paths = {"JUPYTER_PATH": str(folder / "share/jupyter"), "IPYTHONDIR": str(folder / "ipython")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in paths.items():
            patch.setenv(name, value)
        client = nbclient.NotebookClient(
            notebook, kernel_name="this", timeout=600, resources={"metadata": {"path": str(folder)}}
        )
        client.execute(env={**os.environ})
    return dict(zip(("train", "command"), (cell["outputs"] for cell in notebook.cells), strict=True))


def streams(outputs: list[dict[str, Any]]) -> str:
    """All that was written to standard output and standard error."""
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def test_a_bar_leaves_nothing_dead_and_no_control_codes(outputs: dict[str, list[dict[str, Any]]]) -> None:
    assert {output["output_type"] for output in outputs["train"]} <= {"stream", "execute_result", "display_data"}
    (result,) = [output for output in outputs["train"] if output["output_type"] == "execute_result"]
    assert result["data"]["text/plain"] == "Model(cbow, 6 words × 4, 3 epochs)"
    text = streams(outputs["train"])
    assert all(character == "\n" or character.isprintable() for character in text), ascii(text)
    assert [line.partition(":")[0] for line in text.splitlines()] == ["epoch 1", "epoch 2", "epoch 3"], text
    bars = [output["data"] for output in outputs["train"] if output["output_type"] == "display_data"]
    assert bars
    assert all(bar == {"text/plain": ""} for bar in bars)


def test_a_command_in_a_cell_is_as_in_a_log_file(outputs: dict[str, list[dict[str, Any]]]) -> None:
    text = streams(outputs["command"]).replace("\r\n", "\n")  # of the terminal that a cell's command has
    assert all(character == "\n" or character.isprintable() for character in text), ascii(text)
    said = text.splitlines()
    assert "6 vectors of dimension 4 in model" in said
    assert not any("it/s" in line or "%|" in line for line in said), said

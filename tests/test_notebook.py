"""A notebook that trains, evaluates, compares, plots, errs and reruns shows little output, and short red blocks."""

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")

CELLS = """
%matplotlib inline
import wordsparse as ws
---
model = ws.train("text.txt", output="model", dim=20, epochs=200)
model
---
model = ws.train("text.txt", output="model", dim=20, epochs=3)
---
model = ws.train("text.txt", output="model", dim=20, epochs=3, overwrite=True)
---
model = ws.train("text.txt", output="model", resume=True)
---
ws.train("text.txt", dims=20)
---
model.losses
---
model.wv.similar("w1", 3)
---
model.wv.similar("w1w2", 3)
---
model.without_ngrams()["zzz"]
---
ws.evaluate(model, pairs=["pairs.tsv"])
---
comparison = ws.compare("text.txt", methods=["wordsparse-cbow"], pairs=["pairs.tsv"], dim=[5, 10], epochs=[2, 2])
comparison
---
ax = model.wv.plot("w1", n=5)
---
ws.explore(model)
"""


def executed(folder):
    """Return the outputs of the cells, run in a folder with a text and a test set."""
    random = np.random.default_rng(0)
    lines = (" ".join(f"w{number}" for number in random.integers(0, 300, 20)) for _ in range(2000))
    (folder / "text.txt").write_text("\n".join(lines))
    (folder / "pairs.tsv").write_text("".join(f"w{i}\tw{i + 1}\t{i * 7 % 11}\n" for i in range(20)))
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.strip().split("\n---\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=240, allow_errors=True, resources=resources).execute()
    return [output for cell in cells for output in cell.outputs]


def text_of(output):
    """Return the text of an output."""
    return output.get("text") or "\n".join(output.get("traceback", [])) or output.get("data", {}).get("text/plain", "")


def test_a_notebook_shows_little(tmp_path):
    outputs = executed(tmp_path)
    shown = [text_of(output) for output in outputs]
    assert sum(len(text.splitlines()) for text in shown) <= 200
    red = [
        text
        for text, output in zip(shown, outputs, strict=True)
        if "traceback" in output or output.get("name") == "stderr"
    ]
    assert max(len(text.strip().splitlines()) for text in red) <= 3, red
    # Previously, the notebook stored each update of the progress as a red block, cut at 79 characters.
    assert not any("tokens/s" in text for text in red)
    assert sum(output.get("data") == {"text/plain": ""} for output in outputs) >= 1  # the removed line of progress
    errors = [output.get("evalue") for output in outputs if output.output_type == "error"]
    assert len(errors) == 3
    assert "overwrite=True" in errors[0]
    assert "dims" in errors[1]
    assert "'zzz' is not in the vocabulary" in errors[2]
    assert any("image/png" in output.get("data", {}) for output in outputs)

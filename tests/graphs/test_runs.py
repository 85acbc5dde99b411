"""Training on a graph: it finds communities, is reproducible to the byte, and can be resumed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.runs import interrupt, once_after

import wordsparse as ws
from wordsparse.training.interruption import Interrupted

OPTIONS: dict[str, Any] = {"kind": "graph", "dim": 8, "walk_length": 20, "walks": 5, "progress": False}
random = np.random.default_rng(0)
# Four communities of 15 nodes; most edges are inside a community.
PAIRS = [(a, b) for a in range(60) for b in range(a) if random.random() < (0.4 if a // 15 == b // 15 else 0.02)]


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    path = tmp_path / "edges.csv"
    path.write_text("src,dst\n" + "\n".join(f"{a},{b}" for a, b in PAIRS))
    return path


def test_nodes_of_a_community_are_alike(edges: Path) -> None:
    model = ws.train(edges, **OPTIONS)
    assert (model.options["model"], model.options["epochs"], len(model)) == ("skipgram", 1, 60)
    near = [other for node in range(60) for other, _ in model.wv.similar(str(node), 5)]
    same = [int(other) // 15 == node // 5 // 15 for node, other in enumerate(near)]
    assert np.mean(same) > 0.8


def test_the_same_bytes_on_any_number_of_threads_and_after_an_interruption(edges: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "epochs": 3, "q": 0.5}
    whole = ws.train(edges, threads=1, **options)
    stop = once_after(whole.report["tokens"] // 2 + 1, interrupt)
    with pytest.raises(Interrupted):
        ws.train(edges, output=tmp_path / "model", threads=2, **{**options, "progress": stop})
    resumed = ws.train(edges, output=tmp_path / "model", resume=True, threads=2, **options)
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()
    further = ws.train(edges, output=tmp_path / "model", resume=True, **{**options, "epochs": 4})
    assert len(further.report["loss"]) == 4
    # The model is trained further on a larger graph.
    grown = further.train([(str(a), str(b)) for a, b in PAIRS] + [("new", "1"), ("new", "2")], walk_length=20, epochs=1)
    assert "new" in grown

"""tools/documents.py at a tiny size."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws

TOOLS = Path(__file__).resolve().parents[2] / "tools"

gensim = pytest.importorskip("gensim", reason="the news come with gensim")
pytest.importorskip("sklearn", reason="sections are predicted by scikit-learn")


def test_every_kind_of_vector_is_judged(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    words = {"sound": ["music", "player", "audio"], "net": ["network", "server", "protocol"]}
    texts = {section: [" ".join(random.choice(some, 4)) for _ in range(40)] for section, some in words.items()}
    news = Path(gensim.__file__).parent / "test" / "test_data" / "lee.cor"
    lines = [line.lower().split() for line in news.read_text("latin1").splitlines()]
    lines += [line.split() for some in texts.values() for line in some]
    ws.train(lines, output=tmp_path / "model", dim=4, epochs=1, threads=1, min_count=1, model="skipgram")
    entries = [f"Section: {section}\nDescription: {line}\n" for section, some in texts.items() for line in some]
    (tmp_path / "packages").write_text("\n\n".join(entries))
    options = ["--packages", tmp_path / "packages", "--epochs", "1", "-o", tmp_path / "out.json"]
    command = [sys.executable, TOOLS / "documents.py", tmp_path / "model", *options]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    found = json.loads((tmp_path / "out.json").read_text())
    kinds = {"exact", "weighted mean", "both", "trained, 1 epochs", "gensim PV-DBOW, 1 epochs", "both and trained"}
    assert set(found["lee"]) == kinds
    assert set(found["packages"]) == {*kinds, "documents", "words"}
    assert found["packages"]["documents"] > 40
    assert found["packages"]["weighted mean"]["accuracy"] == 1

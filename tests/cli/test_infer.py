"""The commands ``infer`` and ``documents`` read a text in the same way as the model's training text."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.vectors.formats import read_file

OPTIONS = {"dim": 4, "epochs": 2, "threads": 1, "min_count": 1}


def test_unknown_words_are_inferred(tmp_path, capsys):
    random, output = np.random.default_rng(0), tmp_path / "new.npz"
    model, text = str(tmp_path / "model"), str(tmp_path / "text")
    known = [random.choice(["sun", "moon", "star", "bread", "milk"], 6).tolist() for _ in range(80)]
    ws.train(known, output=model, **OPTIONS)
    Path(text).write_text("sun comet star\n\nnothing here\nmoon comet bread yeast\nmilk\n")
    assert main(["infer", model, text, "-o", str(output), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == {"output": str(output), "words": 1, "dim": 4, "without_context": 0}
    assert (read_file(output).words, read_file(output).counts.tolist()) == (["comet"], [2])
    assert main(["infer", model, text, "-o", str(output), "--word", "yeast", "--word", "comet"]) == 0
    assert read_file(output).words == ["yeast", "comet"]
    assert main(["infer", model, text, "-o", str(output), "--min-count", "1"]) == 0
    assert "2 words have no known word near them" in capsys.readouterr().err


def test_text_is_split_as_the_models_own_was(tmp_path, capsys):
    """Previously, the vector of "DATEI server!" was zero, and "Blorpix" became a new word of a lower-case model."""
    random, of_text = np.random.default_rng(0), str(tmp_path / "of-text")
    lines = [" ".join(random.choice(["Datei,", "der", "Server!", "UND", "die"], 6)) for _ in range(80)]
    ws.train(iter(lines), output=of_text, tokens="simple", **OPTIONS)
    rows = [{"id": 1, "text": "DATEI server!"}, {"id": 2, "text": None}, {"id": 3, "text": "die Blorpix; blorpix?"}]
    path, output = tmp_path / "rows.jsonl", tmp_path / "documents.parquet"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert main(["documents", of_text, str(path), "--column", "text", "-o", str(output), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["documents"], report["blank"], report["without_words"]) == (3, 1, 1)
    written = np.stack(parquet.read_table(output)["vector"].to_pylist())
    np.testing.assert_allclose(written[0], ws.load(of_text).encode("datei server"), atol=1e-6)
    plain = tmp_path / "lines.txt"
    plain.write_text("DATEI\n\nquark\n")
    assert main(["documents", of_text, str(plain), "-o", str(tmp_path / "d.npy")]) == 0
    assert "1 blank and 1 without a known word: their rows are zeros" in capsys.readouterr().out
    for words in ([], ["--word", "BLORPIX"]):
        assert main(["infer", of_text, str(path), "--column", "text", "-o", str(tmp_path / "new.npz"), *words]) == 0
        assert read_file(tmp_path / "new.npz").words == ["blorpix"]

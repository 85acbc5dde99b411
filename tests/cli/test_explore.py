"""``wordsparse explore`` writes one file; with --json it prints one object, and progress on standard error."""

import json

import pytest
from support.explorer_models import made_model

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors


@pytest.fixture
def vectors(tmp_path):
    return str(save_vectors(made_model(), tmp_path / "vectors.npz")[0])


def test_writes_a_page(vectors, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["explore", vectors, "-o", str(page), "--words", "50", "--map", "20", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {
        "file": str(page),
        "bytes": page.stat().st_size,
        "name": "vectors.npz",
        "words": 50,
        "dim": 12,
        "map_method": "PCA",
    }
    assert "wordsparse: explore: mapping 20 words of vectors.npz by PCA\n" in output.err
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert main(["explore", vectors, "-o", str(page), "--map", "20", "--quiet"]) == 0
    # Previously, each character of the message was printed on a line of its own.
    assert capsys.readouterr() == (f"{page}: 0.0 MB; open it in a browser\n", "")


def test_standard_output(vectors, capfd):
    assert main(["explore", vectors, "-o", "-", "--map", "20"]) == 0
    assert capfd.readouterr().out.rstrip().endswith("</html>")

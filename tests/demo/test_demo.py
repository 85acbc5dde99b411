"""The demo: which docstrings it reads from source files, and what the command prints."""

import json
from pathlib import Path

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.demo import docstrings

SOURCE = '''# A comment.
"""A module.

Its second paragraph is long.
"""

TEMPLATE = """no docstring"""


def Eigh(a,
         b):
    r"""Return eigenvalues of a matrix.

    See Also
    --------
    numpy.linalg.eig : For general ones.
    `eigvals`, eigh
        Text.

    Examples
    --------
    >>> eigh(1)
    """


add_newdoc("numpy._core", "log1p", """
    Return the logarithm.

    See Also
    --------
    expm1
    """)
'''


def test_docstrings_are_read_from_files(tmp_path, monkeypatch):
    (tmp_path / "m.py").write_text(SOURCE)
    (tmp_path / "nowhere.py").symlink_to(tmp_path / "missing")
    monkeypatch.setattr(docstrings, "PACKAGES", ())
    monkeypatch.setattr(docstrings.sysconfig, "get_path", lambda name: str(tmp_path))
    paragraphs, pairs = docstrings.text_and_pairs()
    assert paragraphs == [
        "a module",
        "its second paragraph is long",
        "return eigenvalues of a matrix",
        "return the logarithm",
    ]
    assert pairs == [("eig", "eigh"), ("eigh", "eigvals"), ("expm1", "log1p")]


def test_the_first_minute(tmp_path, monkeypatch, capsys):
    prose = "\n\n".join(["the matrix of eigh and eig is a file", "a thread of log1p and expm1 reads a file"] * 200)
    (tmp_path / "m.py").write_text(f'{SOURCE}\ndef text():\n    """{prose}"""\n')
    monkeypatch.setattr(docstrings, "_files", lambda: iter([tmp_path / "m.py"]))
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "of 4 names in See Also sections are among the ten nearest" in said
    assert "wordsparse similar wordsparse-demo/model" in said
    assert "matrix" in ws.load("wordsparse-demo/model")
    assert {path.name for path in Path("wordsparse-demo").iterdir()} == {
        "model", "page.html", "related.txt", "text.txt", "vectors.txt"
    }  # fmt: skip
    assert main(["demo"]) == 2
    assert "wordsparse-demo: exists already" in capsys.readouterr().err
    assert main(["demo", "-o", "again", "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["related"]["n"] == 4

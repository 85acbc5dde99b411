from importlib.metadata import version

from wordsparse.cli import main


def test_references(capsys):
    assert main(["--cite"]) == 0
    printed = capsys.readouterr().out
    assert f"wordsparse {version('wordsparse')}, with the exact gradient" in printed
    assert printed.count("{") == printed.count("}")
    assert "Br{\\'e}bisson" in printed

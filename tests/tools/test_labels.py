"""The data sets of tools/labels.py: files in mulan's format, rows of chance, and a short run of the tool."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the tool weights features with scikit-learn")

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def arff(path: Path, rows: list[str]) -> None:
    attributes = "".join(f"@attribute {name} {{0,1}}\n" for name in ("f0", "f1", "f2", "f3", *range(159)))
    path.write_text(f"@relation r\n\n{attributes}\n@data\n" + "".join(f"{{{row}}}\n" for row in rows))


def test_the_tool_measures_mulans_files(tmp_path: Path) -> None:
    # Features 0 to 3, labels from column 4 on; the label of column 9 is in no training row.
    arff(tmp_path / "bibtex-train.arff", ["0 1,1 1,4 1,6 1", "2 1,3 1,5 1,7 1", "0 1,1 1,4 1,8 1"] * 10)
    arff(tmp_path / "bibtex-test.arff", ["0 1,1 1,4 1", "2 1,3 1,5 1,9 1", "0 1,9 1"])
    options = ["bibtex", "--mulan", str(tmp_path), "--seeds", "1", "--heads", "0", "-o", str(tmp_path / "out.json")]
    subprocess.run([sys.executable, str(TOOLS / "labels.py"), *options], check=True, capture_output=True)
    lines = json.loads((tmp_path / "out.json").read_text())["results"]["bibtex"]
    assert len(lines) == 2
    assert lines[1]["method"] == "wordsparse, head of 0"
    assert lines[0]["precision"][0] == 100.0


def test_descriptions_without_their_long_part_are_refused(tmp_path: Path) -> None:
    """A set of short ones was measured, and scored four points less."""
    records = "".join(f"Package: p{i}\nDescription: short\nDescription-md5: {i}\nDepends: a, b\n\n" for i in range(9))
    for name, said in (("apt-cache", records), ("apt-get", "")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}END\n")
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, str(TOOLS / "labels.py"), "debian-depends", "-o", str(tmp_path / "out.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "apt has the long descriptions of 0 of 9 packages only" in done.stderr
    assert "apt-get -o Acquire::Languages=en update" in done.stderr
    assert not (tmp_path / "out.json").exists()

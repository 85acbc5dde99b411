"""The types of the public names, as a type checker sees them."""

import contextlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wordsparse as ws

REPOSITORY = Path(__file__).resolve().parents[1]

PROGRAM = """
import numpy as np
import wordsparse as ws
model = ws.train("text", dim=3, model="skipgram", loss=ws.losses.Taylor())
ws.train("text", dimm=3)
ws.train("text", model="skipgrm")
ws.train("text", dim="3")
ws.load("model").train("text", epochs=2)
reveal_type(model)
reveal_type(model["king"])
reveal_type(ws.FactoredOutput(10, 2).weights())
"""


def test_a_misspelt_option_is_a_type_error(tmp_path: Path) -> None:
    """ws.train took **options: Any, and mypy passed any name."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", str(program)]
    environment = {**os.environ, "MYPY_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    lines = re.findall(r"program\.py:(\d+): (?:error|note): (.*?)(?:  \[|$)", done.stdout, re.MULTILINE)
    found = {line: said for line, said in lines if " defined in " not in said}
    assert found.keys() == {"5", "6", "7", "9", "10", "11"}, done.stdout + done.stderr
    for line, name in (("5", "dimm"), ("6", "model"), ("7", "dim")):
        assert f'"{name}"' in found[line]
    revealed = {line: text.partition('"')[2].rstrip('"') for line, text in found.items() if "Revealed" in text}
    assert revealed["9"].endswith("Model")
    assert "ndarray" in revealed["10"]
    assert "ndarray" in revealed["11"]


def test_help_shows_names_of_types_and_not_what_they_stand_for() -> None:
    """ArrayLike was 300 characters of numpy._typing._array_like in help and tooltips."""
    shown = {}
    for name in ws.__all__:
        public = getattr(ws, name)
        members = vars(public).items() if inspect.isclass(public) else ()
        for part, function in [(name, public), *((f"{name}.{member}", value) for member, value in members)]:
            if callable(function):
                with contextlib.suppress(TypeError, ValueError):
                    shown[part] = str(inspect.signature(function))
    assert "ArrayLike" in shown["FactoredOutput.step"]
    assert [part for part, text in shown.items() if "_array_like" in text] == []

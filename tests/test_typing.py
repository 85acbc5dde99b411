"""A type checker sees the types of public functions and their options."""

import os
import re
import subprocess
import sys
from pathlib import Path

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
    """ws.train used to take **options: Any, so mypy accepted any name."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", str(program)]
    environment = {**os.environ, "MYPY_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    lines = re.findall(r"program\.py:(\d+): (?:error|note): (.*?)(?:  \[|$)", done.stdout, re.MULTILINE)
    messages = {line: message for line, message in lines if " defined in " not in message}
    assert messages.keys() == {"5", "6", "7", "9", "10", "11"}, done.stdout + done.stderr
    for line, name in (("5", "dimm"), ("6", "model"), ("7", "dim")):
        assert f'"{name}"' in messages[line]
    revealed = {line: text.partition('"')[2].rstrip('"') for line, text in messages.items() if "Revealed" in text}
    assert revealed["9"].endswith("Model")
    assert "ndarray" in revealed["10"]
    assert "ndarray" in revealed["11"]

"""A short siege: commands killed at random moments lose and damage nothing; tools/check/siege.py does it at length."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SIEGE = Path(__file__).resolve().parents[2] / "tools/check/siege.py"


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform != "linux", reason="watches processes as Linux lists them")
def test_a_short_siege_damages_nothing() -> None:
    only = [option for name in ("skipgram", "encode", "export") for option in ("--only", name)]
    command = [sys.executable, str(SIEGE), "--kills", "11", "--seed", "5", "--sentences", "600", *only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["kills"].keys() == {"skipgram", "encode", "export"}
    assert (figures["all_kills"], figures["damage"]) == (11, [])
    assert figures["identical"] >= 3

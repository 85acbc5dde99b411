"""A short run of the fuzzer: mutated files of strangers are read, or refused by errors of our own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools/check"


@pytest.mark.nightly
def test_mutated_inputs_are_read_or_refused() -> None:
    pytest.importorskip("safetensors")
    command = [sys.executable, str(TOOLS / "fuzz.py"), "--inputs=600", "--seconds=60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    result = json.loads(done.stdout or "{}")
    assert done.returncode == 0, done.stderr or result["findings"]
    assert sum(result["inputs"].values()) == 600
    assert {"text", "rows", "labels", "pairs", "vectors"} <= set(result["accepted"])  # not all fail the first check

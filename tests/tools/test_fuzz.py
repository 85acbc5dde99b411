"""A short run of the fuzzer: mutated inputs of every kind are read, or refused by errors of our own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools/check"


@pytest.mark.nightly
def test_mutated_inputs_are_read_or_refused() -> None:
    pytest.importorskip("safetensors")
    command = [sys.executable, str(TOOLS / "fuzz.py"), "--inputs=1000", "--seconds=60"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    result = json.loads(done.stdout or "{}")
    assert done.returncode == 0, done.stderr or result["findings"]
    assert sum(result["inputs"].values()) == 1000
    assert len(result["inputs"]) == 24
    # Not all are refused at the first check.
    expected = {
        "text",
        "rows",
        "tables",
        "weighted",
        "baskets",
        "edges",
        "labels",
        "pairs",
        "config",
        "model",
        "subwords",
        "corpus",
    }
    assert expected <= set(result["accepted"])

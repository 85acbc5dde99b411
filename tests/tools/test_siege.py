"""A short siege: commands killed at random moments lose and damage nothing; tools/check/siege.py does it at length."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

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


@pytest.fixture(scope="module")
def siege() -> ModuleType:
    specification = importlib.util.spec_from_file_location("siege", SIEGE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["siege"] = module  # where its data classes look for their module
    specification.loader.exec_module(module)
    return module


def test_a_command_killed_after_its_output_is_whole_may_refuse_it_next(tmp_path: Path, siege: ModuleType) -> None:
    """The next run's status 2 was counted as damage where the machine was slow between the output and the exit."""

    class LateKills(siege.Siege):  # type: ignore[misc]
        def _status(self, target: Any, number: signal.Signals | None, delay: float = 0.0) -> int:
            if target.output.exists():
                return 2
            target.output.write_bytes(b"whole")
            return 0 if number is None else -number if number == signal.SIGKILL else 130

    attacked = LateKills(tmp_path, 0)
    attacked.attack(siege.Target("encode", tmp_path / "o", list), 5)
    assert (attacked.figures.damage, attacked.figures.kills["encode"]) == ([], 5)

"""Which variables of the environment say that a launcher started several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wordsparse.machine.launcher import place


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (0, 1)),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, (2, 3)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, (5, 8)),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, (0, 1)),
        ({"PMI_RANK": "x", "PMI_SIZE": "4"}, (0, 1)),
    ],
)
def test_the_launcher_is_known_by_its_variables(variables: dict[str, str], expected: tuple[int, int]) -> None:
    assert place(variables) == expected


def test_python_does_not_look_at_a_launcher(tmp_path: Path) -> None:
    """`srun -n 8` of independent programs made each `ws.train` a rank of one training, or an error."""
    program = """
import wordsparse as ws

text = [["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 300
assert ws.encode(text, "encoded").tokens == 2400
ws.train(text, dim=4, epochs=1, progress=False)
"""
    environment = {**os.environ, "SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)

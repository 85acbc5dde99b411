"""``wordsparse advise``."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from wordsparse.cli import main


@pytest.fixture
def npz(tmp_path: Path) -> tuple[str, str]:
    random = np.random.default_rng(0)
    X = sp.random_array((80, 30), density=0.2, rng=random, format="csr", dtype=np.float32)
    Y = sp.csr_array((np.ones(80, np.float32), random.integers(0, 10, 80), np.arange(81)), shape=(80, 10))
    for name, matrix in (("X", X), ("Y", Y)):
        sp.save_npz(tmp_path / f"{name}.npz", matrix)
    return str(tmp_path / "X.npz"), str(tmp_path / "Y.npz")


def test_json(npz: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "--features", npz[0], "--targets", npz[1], "--budget", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_outputs"], found["n_features"], found["verdict"]) == (10, 30, "dense")

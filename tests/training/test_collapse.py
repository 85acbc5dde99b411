"""Vectors that have fallen together are told."""

import logging
from typing import Any

import numpy as np
import pytest

import wordsparse as ws
from wordsparse.training import collapse


def test_vectors_that_lie_apart_and_vectors_that_fell_together() -> None:
    random = np.random.default_rng(0)
    apart = collapse.spread(random.standard_normal((3000, 20)))
    assert apart is not None
    assert apart.effective_rank == pytest.approx(20, abs=0.2)
    assert apart.warning() is None
    together = collapse.spread(5 + random.standard_normal((3000, 20)))
    assert together is not None
    assert "mean cosine of two words is 0.96" in str(together.warning())
    flat = collapse.spread(random.standard_normal((3000, 1)) * random.standard_normal((1, 20)))
    assert flat is not None
    assert "1.0 of 20 dimensions" in str(flat.warning())
    assert collapse.spread(np.ones((999, 4))) is None


def test_a_run_warns(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(collapse, "FEWEST", 3)
    text = [["a", "b", "c", "d"], ["a", "c", "b", "d"]] * 30
    given: dict[str, Any] = {"dim": 4, "epochs": 2, "progress": False}
    monkeypatch.setattr(collapse, "LEAST_RANK", 2.0)
    with caplog.at_level(logging.WARNING):
        ws.train(text, **given)
    assert [record.getMessage()[:45] for record in caplog.records] == [
        f"epoch {i}: the vectors have fallen together: the"[:45] for i in (1, 2)
    ]

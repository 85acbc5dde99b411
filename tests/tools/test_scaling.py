"""tools/scaling.py: what it counts is what its formula says, and its model is one of a cluster."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from support.mpi import ENVIRONMENT, needs_mpi

import wordsparse as ws

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("scaling")


@needs_mpi
def test_the_bytes_are_those_of_the_formula(
    scaling: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    text = [[f"w{(start * 7 + step) % 211}" for step in range(20)] for start in range(400)]
    ws.encode(text, tmp_path / "encoded", min_count=1)
    found = scaling.side(tmp_path / "encoded", 2, 2000, 63, 1)
    assert found["rank_sent_bytes"] == pytest.approx(found["formula_bytes"], rel=0.1)
    assert {"mpi.exchange", "route.collect", "the rest"} <= found["phases"].keys()


def test_short_phases_are_added_up(scaling: ModuleType) -> None:
    phases = scaling.means([{"a": 0.5, "b": 0.0001}, {"a": 0.25, "the rest": 0.5}])
    assert phases == {"a": 0.375, "the rest": 0.25, "b": 0.00005}
    assert scaling.long_ones(phases) == {"a": 0.375, "the rest": pytest.approx(0.25005)}


def test_without_a_launcher_one_line_says_so(scaling: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling.launch, "mpiexec", lambda: None)
    with pytest.raises(Exception, match="there is no mpiexec: pip install mpich mpi4py"):
        scaling.side(Path("encoded"), 2, 4000, 8, 1)


def test_the_model_knows_what_limits_a_cluster(scaling: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "WORDS", (10**3, 10**4))
    cost = {"token": 1e-6, "row": 1e-6, "step": 1e-2}
    rows = {(one["words"], one["gigabits"], one["nodes"]): one for one in scaling.predicted(cost, 300)}
    assert all(0 < one["efficiency"] <= 1 for one in rows.values())
    for nodes in scaling.NODES[1:]:
        assert rows[10**3, 100, nodes]["days"] < rows[10**3, 10, nodes]["days"]
        assert rows[10**4, 10, nodes]["node_gigabytes"] < rows[10**4, 10, 1]["node_gigabytes"]
    assert scaling.step_bytes(1000, 300, 1) == 0
    assert scaling.fitted(
        [
            {"rank_tokens": t, "rank_rows": r, "work_cpu_seconds": 1e-6 * t + 2e-6 * r + 0.01}
            for t, r in ((100, 50), (1000, 200), (10000, 900))
        ]
    )["step"] == pytest.approx(0.01)

"""A run that is killed at random moments, by any signal, ends in the bytes of an undisturbed run."""

from pathlib import Path

from tools.check import siege


def test_a_short_siege_of_training(tmp_path: Path) -> None:
    """`tools/check/siege.py` also kills the other commands."""
    folder, materials = tmp_path / "siege", tmp_path / "materials"
    folder.mkdir()
    materials.mkdir()
    besieged = siege.Siege(folder, seed=0)
    (target,) = (target for target in siege.targets(besieged, materials) if target.name == "cbow")
    besieged.attack(target, kills=6)
    assert besieged.damage == []
    assert besieged.kills == {"cbow": 6}

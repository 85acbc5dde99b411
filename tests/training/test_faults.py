"""A run that is killed at random moments, by any signal, ends in the bytes of an undisturbed run."""

from support.texts import write_text

from tools.check.siege import TRAINING, Siege, Target, resuming


def test_a_short_siege_of_training(tmp_path):
    """`tools/check/siege.py` kills the other commands too."""
    folder, text = tmp_path / "siege", write_text(tmp_path / "text.txt", words=400, sentences=2500)
    folder.mkdir()
    output = folder / "model"
    command = ["train", str(text), "-o", str(output), *TRAINING, "--threads", "1", "--checkpoint-every", "0.02"]
    siege = Siege(folder, seed=0)
    siege.attack(Target("train", output, lambda: [*command, *resuming(output)]), kills=6)
    assert (siege.damage, siege.kills) == ([], {"train": 6})

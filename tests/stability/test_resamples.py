"""How sure neighbours are, on resamples whose answers are known."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import wordsparse as ws
from wordsparse.errors import InputError
from wordsparse.stability import resampled_model
from wordsparse.stability.resamples import Resamples, Writer, compared, interval, neighbours
from wordsparse.vectors.precision import packed


def codes(*rows: tuple[float, float]) -> np.ndarray:
    return packed(np.array(rows, np.float32), "int8")[0]


VECTORS = ws.WordVectors(["a", "b", "c", "d"], [[1, 0], [0.9, 0.1], [0.5, 0.5], [-1, 0]])
PARTS = [
    codes((1, 0), (1, 0), (1, 1), (-1, 0)),  # b, c, d
    codes((1, 0), (0, 1), (1, 1), (-1, 0)),  # c, b, d
    codes((1, 0), (0, 0), (1, 1), (1, 0)),  # d, c: b is not there
    codes((0, 0), (1, 0), (1, 1), (1, 0)),  # a is not there
]


def test_a_neighbour_comes_back_where_it_is_among_as_many_nearest_words() -> None:
    first, second = neighbours(VECTORS, Resamples((4, 2), {}, PARTS), "a", 2)
    assert (first.word, first.returned) == ("b", 2)
    assert (second.word, second.returned) == ("c", 3)
    assert first.low is not None
    assert first.high is not None
    assert_allclose((first.low, first.high), np.quantile([1, 0], [0.05, 0.95]), atol=0.01)
    assert second.low == pytest.approx(2**-0.5, abs=0.01)
    (only,) = neighbours(VECTORS, Resamples((4, 2), {}, PARTS), "a", 1)
    assert (only.word, only.returned) == ("b", 1)


def test_a_word_that_no_resample_has() -> None:
    found = neighbours(VECTORS, Resamples((4, 2), {}, PARTS[3:]), "a", 3)
    assert [(near.returned, near.low, near.high) for near in found] == [(0, None, None)] * 3
    assert interval(np.full(3, np.nan, np.float32)) == (None, None)


def test_against_a_plain_computation() -> None:
    random = np.random.default_rng(1)
    parts = [packed(random.normal(size=(40, 5)).astype(np.float32), "int8")[0] for _ in range(6)]
    words, near = np.array([3, 17]), random.permuted(np.tile(np.arange(20, 40), (2, 1)), axis=1)[:, :7]
    returned, cosines = compared(Resamples((40, 5), {}, parts), words, near)
    for i, word in enumerate(words):
        for k, other in enumerate(near[i]):
            count = 0
            for number, part in enumerate(parts):
                unit = part / np.linalg.norm(part.astype(float), axis=1, keepdims=True)
                of_all = unit @ unit[word]
                assert cosines[i, k, number] == pytest.approx(of_all[other], abs=1e-5)
                of_all[word] = -2
                count += other in np.argsort(-of_all)[:7]
            assert returned[i, k] == count


TEXT = [["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 60


def test_resamples_are_saved_with_the_model(tmp_path: Path) -> None:
    model = ws.resample(ws.train(TEXT, min_count=1, dim=3, epochs=1), TEXT, 2)
    model.save(tmp_path / "m")
    found = resampled_model(tmp_path / "m")
    assert found.neighbours("a", 2) == model.neighbours("a", 2)
    found.save(tmp_path / "again")
    for name in ("0000.i8", "0001.i8", "resamples.json"):
        assert (tmp_path / "again/resamples" / name).read_bytes() == (tmp_path / "m/resamples" / name).read_bytes()


def test_damaged_resamples_are_refused(tmp_path: Path) -> None:
    ws.resample(ws.train(TEXT, min_count=1, dim=3, epochs=1), TEXT, 1).save(tmp_path / "m")
    resamples = tmp_path / "m" / "resamples"
    content = (resamples / "0000.i8").read_bytes()
    for wrong in (content[:-1], content + b"x", bytes(len(content))):
        (resamples / "0000.i8").write_bytes(wrong)
        with pytest.raises(InputError, match=r"0000\.i8: (does not match its checksum|holds more)"):
            resampled_model(tmp_path / "m").neighbours("a")
    manifest = json.loads((resamples / "resamples.json").read_text())
    (resamples / "resamples.json").write_text(json.dumps({**manifest, "about": {}}))
    with pytest.raises(InputError, match=r"resamples\.json"):
        resampled_model(tmp_path / "m")


def test_resamples_of_another_model_are_refused(tmp_path: Path) -> None:
    ws.resample(ws.train(TEXT, min_count=1, dim=3, epochs=1), TEXT, 1).save(tmp_path / "m")
    ws.train(TEXT, min_count=1, dim=3, epochs=1, seed=2).save(tmp_path / "n")
    shutil.copytree(tmp_path / "m" / "resamples", tmp_path / "n" / "resamples")
    with pytest.raises(InputError, match="belongs to another model"):
        resampled_model(tmp_path / "n")


def test_a_writer_goes_on_with_what_is_whole(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    writer = Writer(tmp_path, {"seed": 1})
    writer.add(PARTS[0])
    writer.add(PARTS[1])
    assert len(Writer(tmp_path, {"seed": 1}).digests) == 2
    (tmp_path / "resamples" / "0001.i8").write_bytes(b"")
    assert Writer(tmp_path, {"seed": 1}).digests == []  # damaged: all are made again
    Writer(tmp_path, {"seed": 1}).add(PARTS[0])
    assert Writer(tmp_path, {"seed": 2}).digests == []  # made in another way
    assert not (tmp_path / "resamples").exists()

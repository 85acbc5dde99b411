"""Models and their training state that a stranger has written and signed: what is impossible is refused by name."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.signing import signed_again
from support.texts import SHORT, write_text

import wordsparse as ws
from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files import arrays, regular
from wordsparse.training.run_state import RunState

Change = Callable[[dict[str, Any]], None]


def altered(whole: Path, place: Path, change: Change) -> Path:
    """A copy of the model whose manifest is changed and signed."""
    shutil.copytree(whole / "model", place / "model")
    signed_again(place / "model" / "model.json", change)
    return place / "model"


def put(*way: str, value: Any) -> Change:
    def change(manifest: dict[str, Any]) -> None:
        for key in way[:-1]:
            manifest = manifest[key]
        manifest[way[-1]] = value

    return change


@pytest.mark.parametrize("shape", [[0, 10**30], [2**63, 0]])
def test_an_array_without_numbers_that_states_a_long_axis(tmp_path: Path, shape: list[int]) -> None:
    """It has the bytes that it states, none, and NumPy raised a ValueError."""
    table = arrays.write(tmp_path / "f", {"a": np.zeros((0, 3), np.float32)})
    table["arrays"]["a"]["shape"] = shape
    with pytest.raises(InputError, match="the table that describes it is damaged"):
        arrays.read(tmp_path / "f", table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("options", "dim", value=True), "dim"),
        (put("options", "dim", value=10**400), "dim"),
        (put("options", "dim", value=7), "shape"),
        (put("options", "dim", value=6.0), "dim"),
        *[(put("training", "state", "numbers", "steps", value=v), "table") for v in (10**400, True, "3")],
        *[(put("training", "state", "numbers", "steps", value=v), "steps") for v in (-1, 2.5)],
        *[(put("training", "state", "numbers", "pair_curvature", value=v), "pair_curvature") for v in (-1, -0.5)],
        *[(put("training", "run_state", "tokens", value=v), "tokens") for v in (-1, 10**400, 10**9, True, None, 2.5)],
        *[(put("training", "run_state", "losses", value=v), "losses") for v in ([1, True], 3, [10**400], [1.0] * 99)],
        *[(put("training", "run_state", "epoch_pairs", value=v), "epoch_pairs") for v in (-1, "x")],
        (put("training", "run_state", "new", value=1), "new is missing or unknown"),
        *[(put("subwords", "numbers", "tau", value=v), "subwords") for v in (-1.0, 10**400)],
        (put("subwords", "arrays", "ngrams", value=None), "subwords"),
    ],
)
def test_impossible_values_are_refused_by_name(whole: Path, tmp_path: Path, change: Change, message: str) -> None:
    # Re-signed models gave KeyError, ZeroDivisionError (steps −1) and OverflowError (10⁴⁰⁰).
    model = altered(whole, tmp_path, change)
    with pytest.raises(InputError, match=message):
        ws.train(whole / "text.txt", output=model, resume=True, **{**SHORT, "epochs": 3})


@pytest.mark.parametrize("name", ["steps", "pair_curvature"])
def test_a_state_without_a_number_and_a_new_text(whole: Path, tmp_path: Path, name: str) -> None:
    # Fuzzing found it: a KeyError, since only training on the same text compared the names.
    def remove(manifest: dict[str, Any]) -> None:
        del manifest["training"]["state"]["numbers"][name]

    model = altered(whole, tmp_path, remove)
    text = write_text(tmp_path / "new.txt", seed=7)
    with pytest.raises(InputError, match=name):
        ws.train(text, output=model, resume=True, **SHORT)


def test_a_report_that_will_be_shown_is_checked(whole: Path, tmp_path: Path) -> None:
    for i, change in enumerate([put("report", "tokens", value="x"), put("report", value={})]):
        (tmp_path / str(i)).mkdir()
        model = altered(whole, tmp_path / str(i), change)
        with pytest.raises(InputError, match="its report"):
            ws.train(whole / "text.txt", output=model, resume=True, **SHORT)


def test_a_vocabulary_without_a_word_of_the_text(whole: Path, tmp_path: Path) -> None:
    model = shutil.copytree(whole / "model", tmp_path / "model")
    vocabulary = Vocabulary.load(model / "vocabulary.json")
    Vocabulary(["other", *vocabulary.words[1:]], vocabulary.counts).save(model / "vocabulary.json")
    path = model / "vocabulary.json"
    there = {"bytes": path.stat().st_size, "sha256": regular.sha256_of(path)}
    signed_again(model / "model.json", put("files", "vocabulary.json", value=there))
    with pytest.raises(InputError, match=f"the word {vocabulary.words[0]!r} of the text is not in the vocabulary"):
        ws.train(whole / "text.txt", output=model, resume=True, **{**SHORT, "epochs": 3})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_with_numbers_that_are_not_finite(tmp_path: Path, value: float, order: Any) -> None:
    state = {"a": np.array([[1.0, value], [2, 3]], order=order), "n": 1}
    table = arrays.write(tmp_path / "f", state)
    for into in (None, {"a": np.zeros((2, 2)), "n": 1}):
        with pytest.raises(InputError, match="a holds numbers that are not finite"):
            arrays.read(tmp_path / "f", table, into)


def test_progress_beyond_the_run_is_refused() -> None:
    with pytest.raises(InputError, match="position is at 7 of 6"):
        RunState(position=7).check(tokens=9, positions=6, epochs=1)
    RunState(position=6, tokens=9, losses=[1.0]).check(tokens=9, positions=6, epochs=1)


def test_counts_that_add_up_beyond_64_bits_are_refused() -> None:
    # Their sum wrapped, and subsampling gave NaN.
    with pytest.raises(InputError, match="add up to less than"):
        Vocabulary(["a", "b"], [2**62, 2**62])
    assert Vocabulary(["a", "b"], [2**62, 2**61]).counts.sum() == 3 * 2**61

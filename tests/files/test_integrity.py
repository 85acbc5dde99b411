"""Every kind of file that wordsparse writes, with every kind of damage: each reader refuses it and names it."""

import contextlib
import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.signing import signed_again
from support.texts import SHORT

import wordsparse as ws
from wordsparse.corpus import EncodedCorpus
from wordsparse.errors import InputError
from wordsparse.files import arrays
from wordsparse.training.checkpoints import Checkpoint
from wordsparse.training.loop import Run
from wordsparse.training.texts import TrainingText, encoded
from wordsparse.words.model import Training
from wordsparse.words.options import Options

GIVEN = {name: value for name, value in SHORT.items() if name != "min_count"}


READERS: dict[str, Callable[[Path], object]] = {
    "model": ws.load,
    "corpus": EncodedCorpus.open,
    "checkpoint": Checkpoint.open,
}


def corruptions(path: Path) -> Iterator[bytes | None]:
    """Damaged versions of a file: cut, emptied, lengthened, a flipped bit, another file of ours; None: removed."""
    data = path.read_bytes()
    size = len(data)
    yield None
    for length in sorted({0, 1, 8, size // 3, size // 2, size - 4, size - 1}):
        yield data[:length]
    yield data + b"\0"
    yield data + data
    for place in sorted({0, 1, 7, 40, 127, *(size * k // 11 for k in range(1, 11)), size - 2, size - 1}):
        for bit in (0, 6):
            if place < size:
                yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
    yield bytes(size)
    for other in sorted(path.parent.iterdir()):
        if other != path:
            yield other.read_bytes()


def is_same_json(damaged: bytes | None, data: bytes) -> bool:
    """Whether the damage changed nothing that is read: the 17th digit of a number may be another."""
    try:
        return bool(json.loads(damaged or b"") == json.loads(data))
    except ValueError:
        return False


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_is_refused_by_name(whole: Path, tmp_path: Path, kind: str) -> None:
    shutil.copytree(whole / kind, tmp_path / kind)
    read, tried = READERS[kind], 0
    read(tmp_path / kind)
    for path in sorted((tmp_path / kind).iterdir()):
        data = path.read_bytes()
        for damaged in corruptions(path):
            if is_same_json(damaged, data):
                continue
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(InputError) as caught:
                read(tmp_path / kind)
            # A corpus without its manifest is no corpus: the message names the manifest that is not there.
            assert path.name in str(caught.value)
            tried += 1
            path.write_bytes(data)
    assert tried >= 60
    read(tmp_path / kind)


# ── manifests that a stranger has signed ──────────────────────────────────────────────────────────────────────────

OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.sampled_from([None, True, -1, 0, 1, 3.5, 2**63, 10**30, "", "x", "<f8", "../x", [], {}, [1], {"a": 1}])


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member of a JSON value."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def altered(content: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """One to three members replaced or removed."""
    content = copy.deepcopy(content)
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(content))
        *way, last = data.draw(st.sampled_from(found))
        parent: Any = content
        for key in way:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = copy.deepcopy(data.draw(SCALARS))
        else:
            del parent[last]
        if not content:
            break
    return content


def signed(folder: Path, place: Path, data: st.DataObject) -> Path:
    """A copy of a directory whose manifest is altered and signed."""
    copy = shutil.copytree(folder, place / folder.name, dirs_exist_ok=True)
    signed_again(copy / f"{folder.name}.json", lambda manifest: altered(manifest, data))
    return copy


@pytest.mark.parametrize("kind", ["model", "corpus"])
@OFTEN
@given(data=st.data())
def test_a_strangers_manifest_gives_an_error_or_what_it_says(
    whole: Path, tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    with contextlib.suppress(InputError):
        READERS[kind](signed(whole / kind, tmp_path, data))


@pytest.mark.parametrize("value", [3, "x", [1]])
def test_a_tokenization_that_is_no_object_is_refused(whole: Path, tmp_path: Path, value: object) -> None:
    copy = shutil.copytree(whole / "model", tmp_path / "model")

    def altered(manifest: dict[str, Any]) -> dict[str, Any]:
        manifest["training"]["text"]["tokenization"] = value
        return manifest

    signed_again(copy / "model.json", altered)
    with pytest.raises(InputError, match=r"model.json: tokenization must be"):
        ws.load(copy)


@OFTEN
@given(data=st.data())
def test_a_strangers_training_state_gives_an_error_or_a_run(whole: Path, data: st.DataObject) -> None:
    model = ws.load(whole / "model")
    training = model.trained()
    run_state = altered(training.run_state, data)
    state = dict(training.state)
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(state)))
        state[name] = data.draw(st.sampled_from([state["mass"], state["curvature"], 3, 0.5]))
    parts = model.vocabulary, model.input_rows, model.output_rows, model.options, model.report
    model = ws.Model(*parts, Training(training.text, run_state, state))
    with encoded(TrainingText(whole / "corpus")) as corpus, contextlib.suppress(InputError):
        Run(corpus, Options(**GIVEN)).restore(model.state(), model.trained().run_state)


@OFTEN
@given(data=st.data())
def test_a_strangers_checkpoint_gives_an_error_or_a_run(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    path = signed(whole / "checkpoint", tmp_path, data)
    with encoded(TrainingText(whole / "corpus")) as corpus, contextlib.suppress(InputError):
        Checkpoint.open(path).restore(Run(corpus, Options(**GIVEN)))


def test_a_number_that_an_older_version_named_otherwise_is_found(tmp_path: Path) -> None:
    table = arrays.write(tmp_path / "state", {"output.calm_norm": 2.0, "output.V": np.ones((2, 3))})
    assert arrays.read(tmp_path / "state", table)["output.stable_norm"] == 2.0

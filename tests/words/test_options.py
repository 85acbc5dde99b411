"""Every option is checked when it is given, and the error message names the option."""

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from wordsparse.errors import InputError
from wordsparse.layer.losses import Taylor
from wordsparse.machine import devices
from wordsparse.words.embedding import StepSizes
from wordsparse.words.examples import MAX_WINDOW
from wordsparse.words.kinds import KINDS
from wordsparse.words.options import LOSSES, DeviceName, KindName, Options
from wordsparse.words.recipe import Recipe, recommended

pytestmark = pytest.mark.usefixtures("no_gpu")


def test_the_names_of_devices_and_presets_are_those_of_the_machine_and_the_table() -> None:
    assert get_args(DeviceName) == devices.DEVICES
    assert get_args(KindName) == tuple(KINDS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "glove"),
        ("loss", "hinge"),
        ("dim", 0),
        ("window", MAX_WINDOW + 1),
        ("sample", -1e-3),
        ("epochs", 0),
        ("batch_tokens", 0),
        ("threads", 0),
        ("seed", -1),
        ("device", "tpu"),
        ("max_tokens", 0),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_option(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        Options(**{name: value})


class Own(Taylor):
    """A user's own loss that has the name of a built-in loss."""


def test_a_loss_of_ones_own_needs_its_step_sizes() -> None:
    with pytest.raises(InputError, match=r"loss Own is your own, .* give recipe=wordsparse.Recipe\(loss, steps\)"):
        Options(loss=Own())
    assert Options(loss=Own(), recipe=Recipe(Own(), StepSizes())).loss == "taylor"
    # Previously, a recipe passed without ``loss`` was refused, because the recipe's loss was not the default loss.
    assert Options(recipe=Recipe(Own())) == Options(loss="taylor", recipe=Recipe(Own(), StepSizes()))


@pytest.mark.parametrize("loss", LOSSES)
def test_options_go_through_json_and_back(loss: str) -> None:
    recipe = replace(recommended("skipgram", loss), growth=0.5)
    options = Options(model="skipgram", loss=loss, recipe=recipe, heldout=0.1)
    assert Options.from_dict(json.loads(json.dumps(options.as_dict()))) == options


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": 3}, "unknown option dims"),
        ({"recipe": {}}, "the stored recipe has another version or was altered"),
        ({"recipe": {**recommended("cbow", "taylor").as_dict(), "speed": 3}}, "the stored recipe has another version"),
        ({"recipe": Recipe(Own(), StepSizes()).as_dict()}, "the loss taylor is not a built-in loss: pass"),
    ],
)
def test_stored_options_that_are_not_known_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options.from_dict({"loss": "taylor", **change})

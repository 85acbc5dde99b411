"""Every option is checked when it is given, and the error message names the option."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from wordsparse.layer.losses import Taylor
from wordsparse.machine import devices
from wordsparse.words.embedding import StepSizes
from wordsparse.words.kinds import KINDS
from wordsparse.words.options import LOSSES, DeviceName, KindName, Options
from wordsparse.words.recipe import Recipe, recommended

pytestmark = pytest.mark.usefixtures("no_gpu")


def test_the_names_of_devices_and_presets_are_those_of_the_machine_and_the_table():
    assert get_args(DeviceName) == devices.DEVICES
    assert get_args(KindName) == tuple(KINDS)


class Own(Taylor):
    """A user's own loss that has the name of a built-in loss."""


def test_a_loss_of_ones_own_needs_its_step_sizes():
    assert Options(loss=Own(), recipe=Recipe(Own(), StepSizes())).loss == "taylor"
    # Previously, a recipe passed without ``loss`` was refused, because the recipe's loss was not the default loss.
    assert Options(recipe=Recipe(Own())) == Options(loss="taylor", recipe=Recipe(Own(), StepSizes()))


@pytest.mark.parametrize("loss", LOSSES)
def test_options_go_through_json_and_back(loss):
    recipe = replace(recommended("skipgram", loss), growth=0.5)
    options = Options(model="skipgram", loss=loss, recipe=recipe, heldout=0.1)
    assert Options.from_dict(json.loads(json.dumps(options.as_dict()))) == options

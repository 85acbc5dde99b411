"""Every option is checked when it is given, and the message names it."""

from typing import Any

import pytest

from wordsparse.errors import InputError
from wordsparse.layer.losses import Taylor
from wordsparse.words.examples import MAX_WINDOW
from wordsparse.words.recipe import LOSSES, MODELS, Options, recommended

pytestmark = pytest.mark.usefixtures("no_gpu")


def test_defaults_are_valid_and_immutable() -> None:
    options = Options()
    assert (options.model, options.loss) == ("cbow", "bounded-ns")
    with pytest.raises(AttributeError):
        options.dim = 3  # type: ignore[misc]


def test_every_model_has_a_recipe_for_every_loss() -> None:
    for model in MODELS:
        for loss in LOSSES:
            recipe = recommended(model, loss)
            assert recipe.loss.name == loss
            assert Options(model=model, loss=loss).used_recipe() == recipe


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "glove"),
        ("model", None),
        ("loss", "hinge"),
        ("loss", None),
        ("dim", 0),
        ("dim", -3),
        ("dim", 2.5),
        ("dim", "100"),
        ("window", 0),
        ("window", MAX_WINDOW + 1),
        ("sample", -1e-3),
        ("sample", float("nan")),
        ("sample", float("inf")),
        ("sample", "none"),
        ("epochs", 0),
        ("epochs", None),
        ("batch_tokens", 0),
        ("threads", 0),
        ("threads", 1.5),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", "x"),
        ("seed", None),
        ("device", "tpu"),
        ("device", "cuda"),
        ("max_tokens", 0),
        ("max_tokens", "all"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_option(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        Options(**{name: value})


@pytest.mark.parametrize("edge", [{"window": MAX_WINDOW}, {"sample": 0}, {"seed": 0}, {"dim": 1}, {"max_tokens": 1}])
def test_values_at_the_edge_are_taken(edge: dict[str, Any]) -> None:
    Options(**edge)


def test_softmax_is_answered_with_its_nearest_relatives() -> None:
    with pytest.raises(InputError, match="softmax does not belong to the spherical family: taylor and spherical"):
        Options(loss="softmax")


def test_a_loss_object_is_answered_with_the_recipe_that_takes_it() -> None:
    """It was a KeyError, after the text had been read."""
    with pytest.raises(InputError, match=r"give loss='taylor', and recipe=wordsparse.Recipe\(loss, steps\)"):
        Options(loss=Taylor())  # type: ignore[arg-type]


def test_the_refusal_of_cuda_says_what_to_do() -> None:
    with pytest.raises(InputError, match="device cuda: there is no GPU here; or use device cpu or auto"):
        Options(device="cuda")

"""``--config FILE.toml``: options from a file. What the command line says counts more."""

from pathlib import Path
from typing import Any

import click

from wordsparse.cli.common import PATH
from wordsparse.errors import InputError
from wordsparse.files import toml
from wordsparse.options import hint

RECIPE = "wordsparse.recipe"
"""The key of a context's ``meta`` with the recipe of the file, which is no option of the command line."""


def _read(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    known: dict[str, click.Parameter] = {}
    for option in context.command.get_params(context):
        if option is not parameter and option.name is not None:
            known |= dict.fromkeys((option.opts[-1].lstrip("-").replace("-", "_"), option.name), option)
    defaults: dict[str, Any] = {}
    for written, value in toml.load(path).items():
        name = written.replace("-", "_")
        if name == "recipe" and isinstance(value, dict) and context.info_name == "train":
            from wordsparse.words.recipe import Recipe  # imported on demand: it needs the layer

            context.meta[RECIPE] = Recipe.from_dict(value)
        elif name not in known:
            said = hint(written, known) or f"choose from {', '.join(known)}"
            raise InputError(f"{path}: unknown option {written}: {said}")
        else:
            defaults[str(known[name].name)] = _as_given(known[name], value)
    context.default_map = defaults


def _as_given(parameter: click.Parameter, value: Any) -> Any:
    """A value of the file as the command line would give it: text, which click converts and checks."""
    items = [str(item) for item in (value if isinstance(value, list) else [value])]
    return items if parameter.nargs == -1 or parameter.multiple else ",".join(items)


config_option = click.option(
    "--config",
    metavar="FILE",
    type=PATH,
    is_eager=True,
    expose_value=False,
    callback=_read,
    help="TOML file with options of this command, as options.toml of a model; the command line counts more.",
)

"""The command line's options, made from dataclass fields that describe them, and the argument that names a text."""

import dataclasses
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from wordsparse.cli.common import Choice, Decorated, FilePath
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.reading import RawText
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.corpus.tables import FORMATS as TABLES
from wordsparse.corpus.tables import format_of_name
from wordsparse.options import About, abouts, default_of
from wordsparse.words.model import Model


def options_of(
    kind: type, names: Iterable[str] = (), defaults: Mapping[str, Any] | None = None
) -> Callable[[Decorated], Decorated]:
    """Make command-line options from the fields of a class, or from the fields in ``names``. An option that is left
    out is None. The help shows ``defaults`` in place of the class's own defaults."""
    fields, types_of = abouts(kind), get_type_hints(kind)
    defaults_of = {field.name: field.default for field in dataclasses.fields(kind)}
    chosen = [*names] or [name for name, about in fields.items() if about.cli is not None]

    def decorate(command: Decorated) -> Decorated:
        for name in reversed(chosen):
            about = fields[name]
            about = dataclasses.replace(about, shown=str(defaults[name])) if defaults and name in defaults else about
            command = _option(name, about, types_of[name], defaults_of[name])(command)
        return command

    return decorate


def _option(name: str, about: About, annotation: Any, default: Any) -> Callable[[Decorated], Decorated]:
    written = f"--{(about.cli or name).replace('_', '-')}"
    choices, value = _kind(annotation, about)
    shown = _listed(about.help, about.choices) if isinstance(about.choices, Mapping) else about.help
    title, _, rest = shown.partition("\n")
    settings: dict[str, Any] = {"help": title + default_of(about, default) + (f"\n{rest}" if rest else "")}
    if value is bool:
        return click.option(written, name, is_flag=True, default=None, **settings)
    if choices is not None and not about.open:
        return click.option(written, name, type=Choice(list(choices)), **settings)
    return click.option(written, name, type=value, metavar=about.metavar, **settings)


def _kind(annotation: Any, about: About) -> tuple[tuple[str, ...] | None, type]:
    """Return the choices of an option (None if any value is valid) and the type of its value."""
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    literals = [value for option in options if get_origin(option) is Literal for value in get_args(option)]
    if about.choices is not None:
        return tuple(about.choices), str
    if literals:
        return tuple(literals), str
    return None, next((option for option in options if option in (bool, int, float)), str)


def _listed(title: str, described: Mapping[str, str]) -> str:
    """Return the help of an option whose value is one of the ``described`` names, with one line per name."""
    return "\n".join([title, "", "\b", *(f"{name}: {text}" for name, text in described.items())])


class _TextPath(FilePath):
    """The path of a text; ``-`` is standard input."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path. Raise a usage error if the path is empty."""
        path: Path = super().convert(value, param, ctx)
        return STANDARD_INPUT if value == "-" else path


corpus_argument = click.argument("corpus", nargs=-1, required=True, type=_TextPath(path_type=Path))
# Options of commands that read a text. These commands do not limit the vocabulary, so --max-vocab is not included.
reading_options = options_of(TextOptions, ["format", "column", "tokens", "min_count"])
column_options = options_of(TextOptions, ["format", "column"])


def text_for(model: Model, paths: Sequence[Path], format: str | None, column: str | None) -> RawText:
    """Return a text for a model, split in the same way as the model's training text.

    If the text is a table and no column is named, read the column that the model was trained on.
    """
    if column is None and (format in TABLES if format else all(map(format_of_name, paths))):
        column = model.call.get("column")
    split = model.split if column is None else model.cell_split
    return RawText(list(paths), format, split, column, items=split is None)

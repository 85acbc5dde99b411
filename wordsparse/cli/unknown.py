"""Answers to commands and options that do not exist, also for those who know them from gensim or fastText."""

import difflib
from collections.abc import Sequence

import click

from wordsparse.files.escaping import escaped
from wordsparse.options import hint

# fastText's commands and other words for ours.
_COMMANDS = {
    "cbow": "train --model cbow",
    "skipgram": "train --model skipgram",
    "word2vec": "train",
    "nn": "similar",
    "neighbours": "similar",
    "neighbors": "similar",
    "analogies": "analogy",
    "print-word-vectors": "vectors",
    "print-sentence-vectors": "documents",
    "supervised": "labels train",
    "predict": "labels predict",
    "predict-prob": "labels predict",
    "quantize": "export --precision int8",
    "print-ngrams": "subwords",
    "convert": "export",
    "test": "evaluate",
    "eval": "evaluate",
    "help": "--help",
}


def command(name: str, commands: Sequence[str]) -> str:
    """The refusal of a command that does not exist."""
    close = [_COMMANDS[name]] if name in _COMMANDS else difflib.get_close_matches(name, commands, 2)
    said = f"did you mean {' or '.join(close)}?" if close else f"choose from {', '.join(commands)}"
    return f"no such command {escaped(name)!r}: {said}"


def option(error: click.NoSuchOption, given: Sequence[str]) -> click.UsageError:
    """The refusal of an option that does not exist; fastText's are written with one hyphen, as ``-minCount``."""
    name = error.option_name
    if not name.startswith("--"):
        words = (word.partition("=")[0] for word in given if word[:1] == "-" and word[:2] != "--")
        name = next((word for word in words if len(word) > 2 and word.startswith(name)), name)
    options = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    known = {each.name: each.opts[-1] for each in options if each.name is not None}
    said = hint(name.lstrip("-"), known, lambda found: _written(known.get(found, found)))
    return click.UsageError(f"no such option {escaped(name)}{': ' + said if said else ''}", error.ctx)


def _written(name: str) -> str:
    """How an option is given, or an argument, which has no name there."""
    return name if name.startswith("-") else f"{name.upper()} by itself, without a name"

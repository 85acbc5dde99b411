"""``wordsparse --cite``: a sentence for the methods section of a paper, and the references."""

from importlib.metadata import version

import click

from wordsparse.cli import terminal

_TEXT = """\
Vectors were trained by wordsparse {version}, with the exact gradient over the whole vocabulary (Vincent et al., 2015).

@software{{wordsparse,
  title = {{wordsparse}},
  author = {{{{The wordsparse developers}}}},
  version = {{{version}}},
}}

@inproceedings{{vincent2015efficient,
  title = {{Efficient exact gradient update for training deep networks with very large sparse targets}},
  author = {{Vincent, Pascal and de Br{{\\'e}}bisson, Alexandre and Bouthillier, Xavier}},
  booktitle = {{Advances in Neural Information Processing Systems 28}},
  year = {{2015}},
}}

The report of a model, in its model.json, has the options, the seed and the commit: name these, too."""


def show(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """Print the references and end the command. click calls this function."""
    if wanted and not context.resilient_parsing:
        terminal.show(_TEXT.format(version=version("wordsparse")).splitlines())
        context.exit()

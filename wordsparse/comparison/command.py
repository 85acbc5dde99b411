"""``wordsparse compare``, which compares wordsparse with gensim's word2vec."""

import shlex
from typing import Any

import click

from wordsparse.cli.common import Choice, emit, given, int_list, json_option, output_option, quiet_option
from wordsparse.cli.evaluate import command as evaluate
from wordsparse.cli.options import corpus_argument, options_of, reading_options
from wordsparse.comparison.request import METHODS, SHARED
from wordsparse.errors import InputError
from wordsparse.evaluation.testsets import READERS
from wordsparse.files.escaping import number_of
from wordsparse.words.options import Options

# The methods of ``--quick``.
QUICK = ("wordsparse-cbow", "gensim-cbow-ns")


@click.command()
@corpus_argument
@output_option("Directory to write the report to.", "REPORT")
@click.option(
    "--only", "methods", multiple=True, type=Choice(list(METHODS)), help="Train only this method; repeatable."
)
@click.option(
    "--epochs",
    callback=int_list,
    metavar="N,N,…",
    default="5",
    show_default=True,
    help="Numbers of epochs, with one run for each; a repeated number gives another run with the next seed.",
)
@click.option(
    "--dim", callback=int_list, metavar="N,N,…", default="100", show_default=True, help="Lengths of a vector."
)
@click.option(
    "--window",
    callback=int_list,
    metavar="N,N,…",
    default="5",
    show_default=True,
    help="Maximum distances of a context word. Each combination of dim and window gives runs of its own.",
)
@click.option("--quick", is_flag=True, help="Compare CBOW alone, with two epochs.")
@click.option("--keep-vectors", is_flag=True, help="Keep the vectors of every run in the report's directory.")
@options_of(Options, SHARED)
@reading_options
@quiet_option
@json_option
def command(as_json: bool, quiet: bool, quick: bool, methods: tuple[str, ...], **options: Any) -> int:
    """Train wordsparse and gensim's word2vec on CORPUS, and score both.

    CORPUS: text files or directories, or one directory written by `encode`. REPORT: a new directory for report.html
    (self-contained) and report.json. The default test sets are WordSim-353, SimLex-999 and questions-words.
    """
    from wordsparse.comparison import compare

    again = shlex.join(["wordsparse", *click.get_current_context().obj])
    if quick:
        if methods or [*options["epochs"]] != [5]:
            raise InputError("--quick chooses the methods and the epochs: leave --only and --epochs out")
        methods, options["epochs"] = QUICK, [2]
    methods = methods or tuple(METHODS)
    content = compare(methods=methods, command=again, progress=False, **given(options))  # the log names each run
    failed = [run for run in content["runs"] if "error" in run]
    results = [_sentence(row, content["methods"]) for row in content["differences"] if row["best_peer"]]
    table = str(content).splitlines()
    results += [*content["headlines"], f"report: {options['output'] / 'report.html'}"]
    emit(content, [*content["warnings"], *table, *results], as_json)
    return 1 if failed else 0


command.params[3:3] = [option for option in evaluate.params if option.name in READERS]


def _sentence(row: dict[str, Any], names: dict[str, str]) -> str:
    """Return a sentence on how the scores of wordsparse and of gensim's best method differ on a test set."""
    interval = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    sizes = f"dim {row['dim']}, window {row['window']}, {number_of(row['epochs'], 'epoch')}"
    where = f"{row['test']}, {sizes}"
    return f"{where}: {names[row['ours']]} minus {names[row['peer']]}: {interval}"

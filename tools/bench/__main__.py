"""All benchmarks, and the runner that they share, in the style of asv (airspeed velocity).

    python -m tools.bench                                       the subjects and their options
    python -m tools.bench Reading text=english.txt threads=2 -o reading.json

A subject is a class in one of the modules next to this file. A case is one combination of the values of the subject's
options; ``setup`` prepares a case. The ``time_…`` methods of all cases are timed in turn; ``track_…`` methods return a
number, or rows of a table. The report states the command, machine, BLAS, instruction set and commit.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from tools.bench import (
    cold,
    gpu,
    heads,
    labels,
    layer,
    processes,
    ranks,
    runner,
    sentences,
    sequences,
    sizes,
    text,
    words,
)

MODULES = (layer, words, sizes, text, sentences, labels, sequences, cold, heads, processes, ranks, gpu)
SUBJECTS = {
    name: subject
    for module in MODULES
    for name, subject in vars(module).items()
    if isinstance(subject, type) and issubclass(subject, runner.Benchmark) and subject.__module__ == module.__name__
    if any(name.startswith(("time_", "track_")) for name in vars(subject))
}


def listing() -> str:
    """List each subject, with the first line of its docstring and its options."""
    lines = []
    for name, subject in SUBJECTS.items():
        options = " ".join(f"{field.name}={runner.shown(field.default)}" for field in fields(subject))
        lines += [f"{name}: {(subject.__doc__ or '').partition(chr(10))[0]}", f"    {options}"]
    return "\n".join(lines)


def split(words: tuple[str, ...]) -> list[tuple[type[runner.Benchmark], dict[str, str]]]:
    """Return the subjects on a command line, each with the options that follow the subject."""
    requests: list[tuple[type[runner.Benchmark], dict[str, str]]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and requests:
            requests[-1][1][name] = value
        elif word in SUBJECTS:
            requests.append((SUBJECTS[word], {}))
        else:
            raise click.UsageError(f"{word}: not a subject; choose from {', '.join(SUBJECTS)}")
    return requests


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("subjects", nargs=-1)
@click.option("--rounds", type=click.IntRange(1), help="Rounds of each timed method.")
@click.option("--dirty", is_flag=True, help="Write a report even if files differ from the commit; the report says so.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report, as JSON.")
def main(subjects: tuple[str, ...], rounds: int | None, dirty: bool, output: Path | None) -> None:
    if not subjects:
        click.echo(listing())
        return
    requests = [(subject, runner.options(subject, values)) for subject, values in split(subjects)]
    if output is not None:
        runner.check_output(output, dirty)
    reports: list[dict[str, Any]] = []
    for subject, values in requests:
        reports.append(runner.measured(subject, values, rounds))
        click.echo("\n".join([subject.__name__, *map(json.dumps, reports[-1]["rows"])]))
    if output is not None:
        runner.write(reports, output)
    sys.exit(1 if any(report["failed"] for report in reports) else 0)


if __name__ == "__main__":
    runner.let_blas_choose()
    main()

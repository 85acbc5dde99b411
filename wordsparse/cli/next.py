"""``wordsparse next``: the next items of a basket or session, or of every basket in a table of events."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import (
    PATH,
    Questions,
    check_order,
    counted,
    emit,
    given,
    json_option,
    quiet_option,
    report_stream,
    words_in,
)
from wordsparse.cli.options import options_of
from wordsparse.corpus.options import TextOptions
from wordsparse.corpus.sources import STANDARD_INPUT
from wordsparse.corpus.tables import writing
from wordsparse.display import Display
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.files.escaping import listed, number_of

# The number of baskets of a table that are answered at a time.
BATCH = 4096
# Columns of the answers, after the column by which rows are grouped and before the column of probabilities or scores.
ANSWER = ("rank", "item")


@click.command("next")
@click.argument("model", type=PATH)
@click.argument("items", nargs=-1, required=True, metavar="ITEM...")
@click.option("-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of items to show.")
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="Answer every basket of the tables ITEM... in this .parquet, .csv or .jsonl file; - prints JSON lines.",
)
@click.option("--candidates", type=PATH, metavar="FILE", help="Show only the items in FILE, one per line.")
@click.option(
    "--why",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    help="Add, to each answer, the N items of the basket that speak most for it, with their shares of its score.",
)
@options_of(TextOptions, ["format", "column", "group_by", "order_by", "weight_column"])
@quiet_option
@json_option
def command(
    model: Path,
    items: tuple[str, ...],
    n: int,
    output: Path | None,
    candidates: Path | None,
    why: int,
    quiet: bool,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Show the likeliest next items of a basket or session. MODEL must be trained on baskets or sessions.

    Probabilities are over all items that are not in the basket. If MODEL was trained on too few baskets to calibrate
    probabilities, the numbers are scores, and a message says so. With -, each line of standard input is a basket, and
    is answered by one line of items. A basket may be a JSON list, whose items may contain spaces. If an item of MODEL
    contains a space, answers are JSON lists too. A basket without an item that MODEL knows gets the most frequent
    items, and a message says so. With --why, this line is a JSON object of the answers and their shares.

    With -o, ITEM... are tables with a row for each item, such as a list of purchases. Rows with the same value in the
    column --group-by form a basket. In sessions, rows are sorted by the column --order-by. By default, the columns have
    the same names as in MODEL's training table. With --why, the column because lists the N items of each answer.
    """
    from wordsparse.vectors.queries import close_to
    from wordsparse.words.model_directory import load

    check_order(model, items)
    if output is not None:
        return _answer_log(model, items, n, output, candidates, why, given(columns), quiet, as_json)
    trained = load(model, mapped=True)
    chosen = None if candidates is None else words_in(candidates, trained)
    if given(columns) or any(item not in trained and os.path.isfile(item) for item in items):
        raise InputError(f"{items[0]}: to answer the baskets of a table, name the file to write, -o FILE.parquet")
    number = _number(trained)
    questions = Questions(items, trained, blank=True)
    spaced = questions.are_lines and any(item.split() != [item] for item in trained)
    for basket in map(trained.split.join, questions):
        with questions.answering():
            answer = trained.explain(basket, n, candidates=chosen)
        for item in basket:
            if item not in trained:
                close = f"; did you mean {listed(names)}?" if (names := close_to(trained.wv, item)) else ""
                terminal.say([f"{item}: not in the vocabulary; ignored{close}"])
        because = {each.word: dict(islice(each.shares.items(), why)) for each in answer}
        shown = {item: ", ".join(f"{name} {share:+.2f}" for name, share in of.items()) for item, of in because.items()}
        lines = [f"{item} {p:.4f}" + f" ({shown[item]})" * bool(shown[item]) for item, p, *_ in answer]
        if questions.are_lines:
            record: Any = because if why else [*because]
            lines = [json.dumps(record, ensure_ascii=False) if spaced or why else " ".join(record)]
        result = [{"item": item, number: p, **({"because": because[item]} if why else {})} for item, p, *_ in answer]
        emit({"items": basket, "next": result}, lines, as_json)
    return None


def _answer_log(
    path: Path,
    files: tuple[str, ...],
    n: int,
    output: Path,
    candidates: Path | None,
    why: int,
    columns: dict[str, str],
    quiet: bool,
    as_json: bool,
) -> None:
    from wordsparse.vectors.encoder import batches
    from wordsparse.words.model_directory import files_of, load
    from wordsparse.words.prediction import Predictor, answers_of, are_unknown, grouped
    from wordsparse.words.prediction import counted as matrix_of

    report = report_stream(output, as_json)
    logs = [STANDARD_INPUT if file == "-" else Path(file) for file in files]
    storage.check_apart(output, [*files_of(path), *logs])
    model = load(path, mapped=True)
    chosen = None if candidates is None else words_in(candidates, model)
    predictor, group = Predictor(model, chosen), columns.get("group_by") or str(model.call.get("group_by"))
    names = (group, *ANSWER, _number(model), *(["because"] if why else []))
    if group in names[1:]:
        raise InputError(f"--group-by {group}: the answers have a column of this name too: rename the table's column")
    baskets = unknown = 0

    def parts() -> Iterator[writing.Part]:
        nonlocal baskets, unknown
        for batch in batches(counted(grouped(model, logs, **columns), display, "next", "baskets"), BATCH):
            matrix = matrix_of(model, [items for _, items in batch])
            baskets, unknown = baskets + len(batch), unknown + int(are_unknown(matrix).sum())
            answers: Iterable[Any] = answers_of(model.vocabulary, *predictor.rank(matrix, n))
            if why:
                answers = (predictor.explained(matrix[[i]], answer) for i, answer in enumerate(answers))
            yield _columns(
                names,
                (
                    (name, rank, item, p, *([*islice(shares, why)] for shares in more[2:]))
                    for (name, _), answer in zip(batch, answers, strict=True)
                    for rank, (item, p, *more) in enumerate(answer, 1)
                ),
            )
        if not baskets:
            yield _columns(names, ())

    with Display(not quiet) as display:
        writing.write(output, parts())
    lines = [f"{number_of(baskets, 'basket')} -> {output}"]
    if unknown:
        lines.append(f"{unknown:,} with no item in the vocabulary; the answer is the most frequent items")
    emit({"output": str(output), "baskets": baskets, "unknown": unknown}, lines, as_json, report)


def _columns(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> writing.Part:
    columns = [*zip(*rows, strict=True)] or [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _number(model: Any) -> str:
    """Return what the number next to an item is. Say so if it is no probability."""
    if model.is_calibrated:
        return "probability"
    reason = "the model is not calibrated (too few baskets, or --no-memory)"
    terminal.say([f"the numbers are scores, not probabilities: {reason}"])
    return "score"

"""``wordsparse next``: the next item of a basket or session."""

import json
from pathlib import Path

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import PATH, Questions, check_order, emit, json_option


@click.command("next")
@click.argument("model", type=PATH)
@click.argument("items", nargs=-1, required=True, metavar="ITEM...")
@click.option("-n", "n", default=10, show_default=True, type=click.IntRange(min=1), help="Number of items to show.")
@json_option
def command(model: Path, items: tuple[str, ...], n: int, as_json: bool) -> None:
    """Show the likeliest next items of a basket or session. MODEL was trained on baskets or sessions.

    Probabilities are exact over all items. With - each line of standard input is a basket, and its answer is one line
    of items. A basket may be a JSON list, whose items may contain spaces; if an item of MODEL does, answers are JSON
    lists too.
    """
    from wordsparse.words.model_directory import load

    check_order(model, items)
    trained = load(model, mapped=True)
    questions = Questions(items, trained)
    spaced = questions.are_lines and any(item.split() != [item] for item in trained)
    for basket in questions:
        answer: list[tuple[str, float]] = []
        with questions.answering():
            answer = trained.predict(basket, n)
            terminal.say(f"{item}: not in the vocabulary; ignored" for item in basket if item not in trained)
        lines = [f"{item} {probability:.4f}" for item, probability in answer]
        if questions.are_lines:
            names = [item for item, _ in answer]
            lines = [json.dumps(names, ensure_ascii=False) if spaced else " ".join(names)]
        result = [{"item": item, "probability": probability} for item, probability in answer]
        emit({"items": basket, "next": result}, lines, as_json)

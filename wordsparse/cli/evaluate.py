"""``wordsparse evaluate``: scores of word vectors on word pairs and analogies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from wordsparse.cli.common import emit, json_option
from wordsparse.files.escaping import escaped

if TYPE_CHECKING:
    from wordsparse.evaluation.scores import Evaluation


@click.command("evaluate")
@click.argument("model_or_vectors")
@click.option("--pairs", multiple=True, metavar="FILE", help="Lines 'word1 word2 score'; repeatable.")
@click.option("--analogies", multiple=True, metavar="FILE", help="Lines 'a b c d'; repeatable.")
@click.option(
    "--restrict-vocab",
    default=30_000,
    show_default=True,
    help="Number of most frequent words to which analogy questions and answers are restricted.",
)
@json_option
def command(
    model_or_vectors: str,
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
    restrict_vocab: int,
    as_json: bool,
) -> None:
    """Evaluate a model, or word vectors of any tool in word2vec, GloVe, npz or safetensors format.

    The default test sets are WordSim-353, SimLex-999 and Google's questions-words.
    """
    from wordsparse.words.evaluate import evaluate

    result = evaluate(model_or_vectors, pairs, analogies, restrict_vocab)
    emit(result, _table(result), as_json)


def _table(result: "Evaluation") -> list[str]:
    """Test sets in the order given, the sections of an analogy file indented below it if any question was asked."""
    rows: list[tuple[str, ...]] = []
    if result["pairs"]:
        rows.append(("word pairs", "spearman", "95 % interval", "n", "oov"))
        for name, pairs in result["pairs"].items():
            rows.append(_row(name, pairs, "spearman"))
            if "with_composed" in pairs:
                rows.append(_row("  with composed vectors", pairs["with_composed"], "spearman"))
    if result["analogies"]:
        rows.append(("analogies", "accuracy", "95 % interval", "n", "oov"))
        for name, score in result["analogies"].items():
            rows.append(_row(name, score, "accuracy"))
            sections = score["sections"] if score["n"] else {}
            rows += [_row(f"  {section}", part, "accuracy") for section, part in sections.items()]
    width = max(len(row[0]) for row in rows)
    return [f"{name:{width}}  {value:>8}  {interval:>14}  {n:>6}  {oov:>6}" for name, value, interval, n, oov in rows]


def _row(name: str, score: Mapping[str, object], key: str) -> tuple[str, ...]:
    interval = "-" if score["low"] is None else f"{score['low']:.3f} … {score['high']:.3f}"
    value = "-" if score[key] is None else f"{score[key]:.3f}"
    return escaped(name), value, interval, str(score["n"]), str(score["oov"])

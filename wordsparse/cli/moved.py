"""``wordsparse moved``: words that differ between two models by more than resampling explains."""

import click

from wordsparse.cli.common import emit, json_option
from wordsparse.files.escaping import shortened

LEVEL = 0.05


@click.command("moved")
@click.argument("first")
@click.argument("second")
@click.option("-n", "n", default=20, show_default=True, type=click.IntRange(min=1), help="Number of words to show.")
@click.option(
    "--min-count",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="Leave out words that occur less often in either text.",
)
@json_option
def command(first: str, second: str, n: int, min_count: int, as_json: bool) -> None:
    """Show the words that moved from the model FIRST to the model SECOND by more than resampling explains.

    Both are models trained with --bootstrap, on texts of two periods or sources. A word's movement is one less the
    cosine of its two vectors, the models aligned; it is compared with its movement between resamples of one text. Of
    the words with q below 0.05, one in twenty is expected to be there by chance.
    """
    from wordsparse.stability.model import resampled_model
    from wordsparse.stability.movement import moved

    models = resampled_model(first), resampled_model(second)
    found = moved(*models, min_count=min_count)
    significant = sum(word.q < LEVEL for word in found)
    rows = []
    for word in found[:n]:
        near = [[other for other, _ in model.wv.similar(word.word, 3)] for model in models]
        rows.append({**word._asdict(), "nearest_first": near[0], "nearest_second": near[1]})
    result = {"words": len(found), "significant": significant, "level": LEVEL, "moved": rows}
    lines = [f"{significant} of {len(found):,} words moved more than resampling explains (q < {LEVEL})"]
    width = max(len("word"), *(len(shortened(word.word)) for word in found[:n]))
    lines.append(f"{'word':{width}}  moved  expected       t        q  nearest before | nearest after")
    for word, row in zip(found, rows, strict=False):
        before, after = (", ".join(map(shortened, row[key])) for key in ("nearest_first", "nearest_second"))
        numbers = f"{word.distance:5.3f}  {word.expected:8.3f}  {word.t:6.2f}  {word.q:7.2g}"
        lines.append(f"{shortened(word.word):{width}}  {numbers}  {before} | {after}")
    emit(result, lines, as_json)

"""``wordsparse demo``: from text to vectors in a minute, offline."""

import shlex
import time
from pathlib import Path
from typing import Any

import click

from wordsparse.cli import terminal
from wordsparse.cli.common import PATH, emit, json_option, quiet_option

EPOCHS = 10
SHOWN = ("eigenvalue", "fourier", "regression", "matrix", "thread", "file", "probability")


@click.command("demo")
@click.option(
    "-o",
    "--output",
    type=PATH,
    default="wordsparse-demo",
    show_default=True,
    metavar="DIR",
    help="New directory for the text, the model, the vectors and the page.",
)
@quiet_option
@json_option
def command(output: Path, quiet: bool, as_json: bool) -> None:
    """Train on the docstrings of the installed NumPy, SciPy and Python.

    The demo needs no network. The vectors are judged by the "See Also" sections, which are removed from the text: how
    often is a name in such a section among the ten nearest neighbours of the documented name? The demo also shows some
    neighbours, and writes the vectors and a page to explore them.
    """
    from wordsparse.demo.docstrings import text_and_pairs
    from wordsparse.explorer import explore
    from wordsparse.files import storage
    from wordsparse.training.runs import train
    from wordsparse.words.evaluate import evaluate

    started = time.perf_counter()
    with storage.new_directory(output) as folder:
        paragraphs, pairs = text_and_pairs()
        (folder / "text.txt").write_text("\n".join(paragraphs) + "\n", "utf-8")
        (folder / "related.txt").write_text("".join(f"{a}\t{b}\n" for a, b in pairs), "utf-8")
    words = sum(paragraph.count(" ") + 1 for paragraph in paragraphs)
    if not as_json:
        terminal.show([f"{words:,} words of the docstrings of NumPy, SciPy and Python: {output / 'text.txt'}"])
    model = train(output / "text.txt", output=output / "model", epochs=EPOCHS, progress=not quiet)
    score: dict[str, Any] = evaluate(model, related=[output / "related.txt"])["related"]["related"]
    neighbours = {word: [near for near, _ in model.wv.similar(word, 5)] for word in SHOWN if word in model}
    model.export(output / "vectors.txt")
    explore(output / "model", output / "page.html")
    seconds, cpu = time.perf_counter() - started, model.report["cpu_seconds"]
    result = {"words": words, "vocab_size": len(model), "related": score, "neighbours": neighbours}
    made = shlex.quote(str(output / "model"))
    lines = [
        f"{len(model):,} vectors in {cpu:.1f} CPU seconds of training, {seconds:.0f} s in all",
        f"{score['hit10']:.0%} of {score['n']:,} names in See Also sections are among the ten nearest "
        f"(95 % interval {score['low']:.0%} to {score['high']:.0%})",
        "",
        *(f"{word:>12}  {', '.join(near)}" for word, near in neighbours.items()),
        "",
        f"open it in a browser:   {output / 'page.html'}",
        f"the vectors as text:    {output / 'vectors.txt'}",
        f"ask for another word:   wordsparse similar {made} array",
        "train on your own text: wordsparse train TEXT -o MODEL",
    ]
    emit({**result, "cpu_seconds": cpu, "seconds": seconds, "output": str(output)}, lines, as_json)

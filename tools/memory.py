"""The memory that a run was expected to take beside what it took, in one process and over ranks, each run by itself.

    python tools/memory.py DIR [DIR ...] --dims 100,300
    python tools/memory.py --words 2000000 --dims 100 --models cbow --ranks 1,2,3 -o memory-ranks.json

DIR is a corpus that `wordsparse encode` wrote; --words makes one of so many words, each at least once. Prints a table;
the constants of wordsparse/training/memory.py are good where the ratio stays between 0.85 and 1.15. With
--checkpoint-every, the copy for a checkpoint counts where one was written. Of ranks, the peaks are those before the
model is written: the rows that rank 0 writes then are mapped from the disk.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import machine
import numpy as np

from wordsparse.corpus import encode
from wordsparse.distributed import launch


@click.command()
@click.argument("corpora", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--words", type=click.IntRange(100), help="Make a corpus of so many words, too.")
@click.option("--dims", default="100,300", show_default=True, callback=machine.int_list)
@click.option("--models", default="skipgram,cbow", show_default=True)
@click.option("--ranks", default="1", show_default=True, callback=machine.int_list)
@click.option("--max-tokens", default=50_000_000, show_default=True)
@click.option("--batch-tokens", type=int, help="The recipe's if not given.")
@click.option("--checkpoint-every", default=0.0, show_default=True)
@machine.output_option
def main(
    corpora: tuple[Path, ...],
    words: int | None,
    dims: tuple[int, ...],
    models: str,
    ranks: tuple[int, ...],
    max_tokens: int,
    batch_tokens: int | None,
    checkpoint_every: float,
    output: Path | None,
) -> None:
    """Train for an epoch on each corpus, in each dimension, by each model and on each number of ranks."""
    given = ["--max-tokens", max_tokens, "--checkpoint-every", checkpoint_every, "--threads", 1, "--epochs", 1]
    given += [] if batch_tokens is None else ["--batch-tokens", batch_tokens]
    with ExitStack() as stack:
        folders = list(corpora)
        if words is not None:
            folders.append(made(words, Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        found = [
            row(folder, dim, model, size, [*given, "--dim", dim, "--model", model])
            for folder in folders
            for dim in dims
            for model in models.split(",")
            for size in ranks
        ]
    print(machine.table([name for name in found[0] if name != "peaks_mb"], [shown(one) for one in found]))
    machine.write_report({"tool": "memory", "machine": machine.provenance(1), "runs": found}, output)


def made(words: int, folder: Path) -> Path:
    """An encoded corpus of 2 tokens a word: every word once, and as many tokens again, of which few words are most."""
    drawn = (words * np.random.default_rng(0).random(words) ** 3).astype(np.int64)
    tokens = np.random.default_rng(1).permutation(np.concatenate([np.arange(words), drawn]))
    with open(folder / "text.txt", "w") as file:
        for start in range(0, tokens.size, 20):
            file.write(" ".join(f"w{token}" for token in tokens[start : start + 20]) + "\n")
    encode(folder / "text.txt", folder / f"{words} words", min_count=1)
    return folder / f"{words} words"


def row(corpus: Path, dim: int, model: str, ranks: int, options: list[object]) -> dict[str, Any]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        program = [
            sys.executable,
            "-m",
            "wordsparse",
            "train",
            corpus,
            "-o",
            Path(folder) / "model",
            "--json",
            *options,
        ]
        launcher = [] if ranks == 1 else [launch.mpiexec(), "-n", ranks]
        command = [str(part) for part in (*launcher, *program)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    report = json.loads(result.stdout)
    expected = report["estimated_memory_bytes"]
    expected += report["checkpoint_memory_bytes"] if report["checkpoints"] else 0
    peaks = report.get("rank_peak_memory_bytes", [report["peak_memory_bytes"]])
    return {
        "corpus": corpus.name,
        "model": model,
        "words": report["vocab_size"],
        "dim": dim,
        "ranks": ranks,
        "rows_mb": 4 * report["vocab_size"] * (2 * dim + 1) / 1e6,
        "expected_mb": expected / 1e6,
        "largest_peak_mb": max(peaks) / 1e6,
        "ratio": expected / peaks[0],
        "peaks_mb": [peak / 1e6 for peak in peaks],
    }


def shown(one: dict[str, Any]) -> list[object]:
    """Its line of the table."""
    return [value for name, value in one.items() if name != "peaks_mb"]


if __name__ == "__main__":
    machine.run(main)

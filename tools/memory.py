"""The memory that a run was expected to take beside what it took, each run a process of its own.

    python tools/memory.py DIR [DIR ...] --dims 100 300

DIR is a corpus that `wordsparse encode` wrote. Prints a table; the constants of wordsparse/training/memory.py are good
where the ratio stays between 0.85 and 1.15. With --checkpoint-every, the copy for a checkpoint counts where one was
written.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--dims", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--models", nargs="+", default=["skipgram", "cbow"])
    parser.add_argument("--max-tokens", type=int, default=50_000_000)
    parser.add_argument("--batch-tokens", type=int, help="the recipe's if not given")
    parser.add_argument("--checkpoint-every", type=float, default=0.0)
    options = parser.parse_args()
    print(f"{'corpus':>20} {'model':>9} {'words':>8} {'dim':>4} {'expected MB':>12} {'peak MB':>8} {'ratio':>6}")
    for corpus in options.corpus:
        for dim in options.dims:
            for model in options.models:
                report = run(corpus, dim, model, options)
                expected = report["estimated_memory_bytes"]
                expected += report["checkpoint_memory_bytes"] if report["checkpoints"] else 0
                peak = report["peak_memory_bytes"]
                print(
                    f"{corpus.name:>20} {model:>9} {report['vocab_size']:>8,} {dim:>4} {expected / 1e6:>12,.0f} "
                    f"{peak / 1e6:>8,.0f} {expected / peak:>6.3f}"
                )


def run(corpus: Path, dim: int, model: str, options: argparse.Namespace) -> dict[str, Any]:
    """The report of one run."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", corpus, "-o", Path(folder) / "model", "--json", "--epochs", 1, "--dim", dim]
        arguments += ["--model", model, "--max-tokens", options.max_tokens]
        arguments += [] if options.batch_tokens is None else ["--batch-tokens", options.batch_tokens]
        arguments += ["--checkpoint-every", options.checkpoint_every]
        command = [sys.executable, "-m", "wordsparse", *map(str, arguments)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


if __name__ == "__main__":
    main()

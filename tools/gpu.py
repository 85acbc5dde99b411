"""Every check that needs a GPU, in one command: tests, accuracy, rates, the papers' table, training, and leaks.

    python tools/gpu.py TEXT... -o docs/results/          with a GPU, and wordsparse[cuda12] or [cuda13]

Parts, each with a table and a place in the JSON; one that fails is reported and the others go on (exit status 1 then):

    tests      the contract tests that are marked gpu
    accuracy   every loss, its gradient and W in float32 on the device against the dense oracle in float64, ten steps
    rates      the card's float32 product and its memory bandwidth
    papers     D = 793,471, d = 300, m = 128 to 4,096: naive dense update, exact softmax by PyTorch, the exact layer,
               and its shares of the two rates
    training   tokens/s of CBOW and skip-gram at d = 300 on the text, minimum count 2; their quality beside the CPU's
    leaks      memory of device and host over 10,000 steps of the layer and of both models

With ``--device cpu`` and small sizes the same runs without a GPU: so it is tested, and says nothing of a GPU.
"""

import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
import gpu_parts
import gpu_words
import machine

from wordsparse.errors import InputError

PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "rates": gpu_parts.rates,
    "accuracy": gpu_parts.accuracy,
    "papers": gpu_parts.papers,
    "training": gpu_words.training,
    "leaks": gpu_words.leaks,
}
ROOT = Path(__file__).resolve().parents[1]


def contract_tests() -> dict[str, Any]:
    """pytest's own last line; raises where a test failed, or where all were skipped."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    said = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-500:]
    if done.returncode or "passed" not in said:
        raise RuntimeError(f"pytest -m gpu: {said}\n{done.stdout[-3000:]}")
    return {"pytest": said}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("text", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--device", type=click.Choice(("cuda", "cpu")), default="cuda", show_default=True)
@click.option("--parts", help=f"Only these, separated by commas: tests, {', '.join(PARTS)}.")
@click.option("--outputs", type=click.IntRange(2), default=793_471, show_default=True, help="D of the papers' table.")
@click.option("--features", type=click.IntRange(1), default=300, show_default=True, help="d everywhere.")
@click.option("--minibatches", callback=machine.int_list, default="128,512,1024,4096", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=2, show_default=True, help="Of the text's words.")
@click.option("--steps", type=click.IntRange(10), default=10_000, show_default=True, help="Steps watched for leaks.")
@click.option("--sgemm-size", type=click.IntRange(1), default=8192, show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory for the report, gpu-CARD.json.",
)
def main(text: tuple[Path, ...], device: str, parts: str | None, output: Path | None, **sizes: Any) -> None:
    """Run every part on the device and judge the goals."""
    asked = parts.split(",") if parts else [*(["tests"] if device == "cuda" else []), *PARTS]
    unknown = set(asked) - {"tests", *PARTS}
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from tests, {', '.join(PARTS)}")
    try:
        bench = gpu_parts.Bench(device, text, **sizes)
    except InputError as reason:
        raise click.UsageError(str(reason)) from None
    report: dict[str, Any] = {
        "tool": "gpu",
        "date": date.today().isoformat(),
        "device": bench.card,
        "machine": machine.provenance(1),
        "sizes": {**sizes, "text": [path.name for path in text]},
        "parts": {},
        "failed": {},
    }
    for name in asked:
        click.echo(f"\n{name}")
        try:
            result = contract_tests() if name == "tests" else PARTS[name](bench)
        except Exception:
            report["failed"][name] = traceback.format_exc()
            click.echo(report["failed"][name], err=True)
            continue
        report["parts"][name] = result
        click.echo(result.pop("table", None) or "\n".join(f"{key}: {value}" for key, value in result.items()))
    report["goals"] = gpu_parts.goals(report["parts"])
    rows = [[*list(goal.values())[:3], "yes" if goal["met"] else "no"] for goal in report["goals"]]
    click.echo()
    click.echo(machine.table(["goal", "wanted", "reached", "met"], rows))
    if output is not None:
        card = re.sub(r"[^a-z0-9]+", "-", str(bench.card["name"]).lower()).strip("-")
        machine.write_report(report, output / f"gpu-{card}.json")
    sys.exit(1 if report["failed"] else 0)


if __name__ == "__main__":
    machine.run(main)

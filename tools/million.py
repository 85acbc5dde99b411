"""How the time and the memory of a learnt embedding grow with the number of labels.

``python tools/million.py -o result.json`` fits ``SparseTargetClassifier(embedding=100)`` on the same rows with labels
drawn from 10,000, 100,000 and 1,000,000, each in a process of its own. Reported are the CPU seconds of the minibatches
alone and of the whole fit, and the peak of memory above that before the fit, beside the size of the layer's weights.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import label_sets
import machine

import wordsparse as ws
from wordsparse.labels import FitProgress

LABELS = (10_000, 100_000, 1_000_000)
ROWS, DIM = 20_000, 100


def fitted(labels: int) -> dict[str, Any]:
    """One fit, in this process."""
    data = label_sets.spread(0, ROWS, labels)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    steps: list[tuple[float, int, int]] = []

    def progress(progress: FitProgress) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if progress.phase == "epochs":
            steps.append((time.process_time(), progress.done, peak))

    classifier = ws.SparseTargetClassifier(embedding=DIM, threads=1).fit(data.X, data.Y, progress=progress)
    cpu = time.process_time() - start
    (first, begun, _), (last, ended, peak) = steps[0], steps[-1]
    return {
        "labels": labels,
        "rows": ROWS,
        "dim": DIM,
        "microseconds_per_row": round(1e6 * (last - first) / (ended - begun), 1),
        "fit_cpu": round(cpu, 2),
        "weights_mb": round(4 * labels * (DIM + 1) / 1e6, 1),
        "training_peak_mb": round((peak - before) * 1024 / 1e6, 1),
        "precision_at_1": round(classifier.score(data.X_test[:200], data.Y_test[:200]), 3),
    }


@click.command()
@click.option("--labels", type=int, hidden=True)
@machine.output_option
def main(labels: int | None, output: Path | None) -> None:
    """Measure at each number of labels."""
    if labels is not None:
        print(json.dumps(fitted(labels)))
        return
    results = []
    for count in LABELS:
        command = [sys.executable, __file__, "--labels", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(done.stdout))
        print(results[-1], flush=True)
    machine.write_report({"tool": "million", "machine": machine.provenance(1), "results": results}, output)


if __name__ == "__main__":
    machine.run(main)

"""Label trees by omikuji, in a process of their own: omikuji writes its progress to standard output."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordsparse import optional
from wordsparse.errors import WordsparseError
from wordsparse.labels.data import LabelledRows, read_data, write_text

Array = NDArray[Any]

PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from wordsparse.advice.trees import main; main(sys.argv[1:3])"


def first_labels(train: LabelledRows, test: LabelledRows, threads: int) -> tuple[Array, float]:
    """The first label of each test row, −1 for none, and the CPU seconds of training with omikuji's defaults.

    Raises
    ------
    WordsparseError
        If the process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("train", train), ("test", test)):
            write_text(Path(folder) / f"{name}.txt", data)
        command = [sys.executable, "-c", PROGRAM, folder, str(threads), *sys.path]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise WordsparseError(f"omikuji failed: {' '.join(done.stderr.splitlines()[-1:])}")
        found = json.loads((Path(folder) / "found.json").read_text())
    return np.array(found["labels"]), float(found["cpu_seconds"])


def main(arguments: list[str]) -> None:
    """Train on ``train.txt`` of a folder, and write ``found.json`` there."""
    folder, threads = Path(arguments[0]), int(arguments[1])
    omikuji = optional.load("a trial of trees", "omikuji")
    begun = time.process_time()
    hyper_param = omikuji.Model.default_hyper_param()
    model = omikuji.Model.train_on_data(str(folder / "train.txt"), hyper_param, n_threads=threads)
    seconds = time.process_time() - begun
    X = read_data(folder / "test.txt").X
    labels = []
    for i in range(X.shape[0]):
        part = slice(X.indptr[i], X.indptr[i + 1])
        best = model.predict(list(zip(X.indices[part].tolist(), X.data[part].tolist(), strict=True)), top_k=1)
        labels.append(best[0][0] if best else -1)
    (folder / "found.json").write_text(json.dumps({"labels": labels, "cpu_seconds": seconds}))

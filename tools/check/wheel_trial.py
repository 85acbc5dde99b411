"""Use an installed wordsparse as people do: train, query, evaluate, export, explore, classify, and use the layer.

``wheels.py`` runs this program in an empty folder. The program prints one JSON object or ends with an error. Except for
gensim's methods, all features must work without gensim, which has no wheels for Python 3.14.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import scipy.sparse

import wordsparse as ws

HAS_GENSIM = importlib.util.find_spec("gensim") is not None
FORMATS = ("word2vec", "word2vec-bin", "npz")


def wordsparse(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("wordsparse")), *arguments]
    environment = {**os.environ, "XDG_CACHE_HOME": os.getcwd()}  # an empty cache, without test sets
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"wordsparse {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def words() -> dict[str, object]:
    """Run the demo, which trains, evaluates, exports and explores; then export the model, and compare methods."""
    demo = json.loads(wordsparse("demo", "-o", "demo", "--quiet", "--json"))
    near = json.loads(wordsparse("similar", "demo/model", "matrix", "-n", "5", "--json"))["neighbours"]
    for format in FORMATS:
        wordsparse("export", "demo/model", "-o", f"vectors.{format}", "--format", format)
    small = ("--max-tokens", "100000", "--dim", "10", "--epochs", "1")
    wordsparse("compare", "demo/text.txt", "-o", "report", "--related", "demo/related.txt", *small)
    return {"words": demo["words"], "related": demo["related"], "neighbours": [one["word"] for one in near]}


def labels() -> float:
    """Return the fraction of rows whose label is predicted; a row's only feature is its label."""
    rows = "".join(f"{row % 10} {row % 10}:1\n" for row in range(200))
    Path("labels.txt").write_text(f"200 10 10\n{rows}")
    wordsparse("labels", "train", "labels.txt", "-o", "classifier")
    share: float = json.loads(wordsparse("labels", "evaluate", "classifier", "labels.txt", "--json"))["precision"]["1"]
    return share


def losses() -> list[float]:
    """Return the mean losses of three steps of the layer."""
    layer = ws.FactoredOutput(n_outputs=100_000, n_features=16, loss="bounded-ns")
    hidden = np.random.default_rng(0).standard_normal((8, 16), np.float32)
    targets = scipy.sparse.csr_matrix((np.ones(8), (range(8), range(0, 80, 10))), (8, 100_000))
    return [float(layer.step(hidden, targets, 0.1)[0].mean()) for _ in range(3)]


def main() -> None:
    if Path(ws.__file__).is_relative_to(Path.cwd()):
        sys.exit("wordsparse was imported from the current folder")
    report = json.loads(wordsparse("doctor", "--json"))
    cards = [card["name"] for card in json.loads(wordsparse("corpora", "list", "--json"))["corpora"]]
    about = {
        "python": sys.version.split()[0],
        "commit": report["commit"],
        "openmp": report["compiled"]["openmp"],
        "gensim": HAS_GENSIM,
        "cards": cards,
    }
    print(json.dumps({**about, **words(), "labels": labels(), "losses": losses()}))


if __name__ == "__main__":
    main()

"""Use an installed wordsparse as people do: train, find neighbours, evaluate, export, explore, classify, and the layer.

``wheels.py`` runs this program in an empty folder. It prints one JSON object or ends with an error. Except for gensim's
methods, all features must work without gensim, which has no wheels for Python 3.14.
"""

import importlib.util
import json
import os
import random
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import scipy.sparse

import wordsparse as ws

HAS_GENSIM = importlib.util.find_spec("gensim") is not None
FORMATS = ("word2vec", "word2vec-bin", "npz")
OPTIONS = 'dim = 20\nepochs = 2\ntokens = "simple"\n'
SUBJECTS = ("sea", "law", "art", "sun")
PAIRS = "seaaa seaab 9\nseaac lawac 1\nartad artae 8\nsunaf artaf 2\n"


def wordsparse(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("wordsparse")), *arguments]
    environment = {**os.environ, "XDG_CACHE_HOME": os.getcwd()}  # an empty cache, without test sets
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"wordsparse {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def write_text(path: Path) -> None:
    """Write sentences, each on one of four subjects so that neighbours are known, with capitals and full stops."""
    chosen = random.Random(1)
    subjects = [["".join(letters) for letters in product((name,), "abcdefgh", "abcdefg")] for name in SUBJECTS]
    sentences = (" ".join(chosen.choices(chosen.choice(subjects), k=12)) for _ in range(5000))
    path.write_text("".join(f"{sentence.capitalize()}.\n" for sentence in sentences))


def write_labels(path: Path) -> None:
    """Write rows whose only feature is their label."""
    path.write_text("200 10 10\n" + "".join(f"{row % 10} {row % 10}:1\n" for row in range(200)))


def words() -> dict[str, object]:
    write_text(Path("text.txt"))
    Path("options.toml").write_text(OPTIONS)
    Path("pairs.txt").write_text(PAIRS)
    trained = json.loads(wordsparse("train", "text.txt", "-o", "model", "--config", "options.toml", "--json"))
    near = json.loads(wordsparse("similar", "model", "seaaa", "-n", "5", "--json"))["neighbours"]
    scores = json.loads(wordsparse("evaluate", "model", "--pairs", "pairs.txt", "--json"))
    for format in FORMATS:
        wordsparse("export", "model", "-o", f"vectors.{format}", "--format", format)
    wordsparse("explore", "model", "-o", "page.html")
    sets = () if HAS_GENSIM else ("--pairs", "pairs.txt")
    wordsparse("compare", "text.txt", "-o", "report", "--dim", "10", "--epochs", "1", *sets)
    return {
        "tokens": trained["tokens"],
        "neighbours": [neighbour["word"] for neighbour in near],
        "pairs": scores["pairs"]["pairs"]["spearman"],
    }


def labels() -> float:
    """Return the fraction of rows whose label is predicted."""
    write_labels(Path("labels.txt"))
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

"""An installed wordsparse, used as its users do: train, similar, export, compare, explore, and the layer.

Run in an empty folder by ``wheels.py``; prints one JSON object. An error ends it.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import scipy.sparse

import wordsparse as ws


def wordsparse(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("wordsparse")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def write_text(path: Path) -> None:
    """Sentences on four subjects, so that the neighbours of a word are known."""
    chosen = random.Random(1)
    subjects = [[f"{name}{number}" for number in range(60)] for name in ("sea", "law", "art", "sun")]
    sentences = (" ".join(chosen.choices(chosen.choice(subjects), k=12)) for _ in range(5000))
    path.write_text("\n".join(sentences) + "\n")


def main() -> None:
    if Path(ws.__file__).is_relative_to(Path.cwd()):
        sys.exit("wordsparse was imported from the current folder")
    write_text(Path("text.txt"))
    found = json.loads(wordsparse("doctor", "--json"))
    trained = json.loads(wordsparse("train", "text.txt", "-o", "model", "--dim", "20", "--json"))
    near = json.loads(wordsparse("similar", "model", "sea1", "-n", "5", "--json"))["neighbours"]
    cards = [card["name"] for card in json.loads(wordsparse("corpora", "list", "--json"))["corpora"]]
    wordsparse("export", "model", "-o", "vectors.txt", "--format", "word2vec")
    wordsparse("explore", "model", "-o", "page.html")
    wordsparse("compare", "text.txt", "-o", "report", "--dim", "10", "--epochs", "1")
    layer = ws.FactoredOutput(n_outputs=100_000, n_features=16, loss="bounded-ns")
    hidden = np.random.default_rng(0).standard_normal((8, 16), np.float32)
    targets = scipy.sparse.csr_matrix((np.ones(8), (range(8), range(0, 80, 10))), (8, 100_000))
    losses = [float(layer.step(hidden, targets, 0.1)[0].mean()) for _ in range(3)]
    print(
        json.dumps(
            {
                "python": sys.version.split()[0],
                "commit": found["commit"],
                "openmp": found["compiled"]["openmp"],
                "gensim": found["extras"].get("gensim"),
                "tokens": trained["tokens"],
                "neighbours": [neighbour["word"] for neighbour in near],
                "cards": cards,
                "page_bytes": Path("page.html").stat().st_size,
                "report": Path("report", "report.html").exists(),
                "losses": losses,
            }
        )
    )


if __name__ == "__main__":
    main()

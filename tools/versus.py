"""wordsparse beside gensim's word2vec: same text, vocabulary, threads and epochs, in one run, sides alternating.

    python tools/versus.py english.txt --dim 100 --epochs 5 --threads 1 -o versus.json

Prints a table (quality on gensim's WordSim-353, SimLex-999 and questions-words; tokens/s, wall and CPU seconds of
training alone; peak memory) and writes the same as JSON. Every run is a process of its own, so that peak memory is its
own and no thread pool outlives it. gensim reads plain text through its compiled corpus_file reader, its fastest way in.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine

SIDES = ("wordsparse skipgram", "gensim skipgram", "wordsparse cbow", "gensim cbow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="plain text, one sentence or paragraph a line")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--no-evaluation", action="store_true", help="times and memory only")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--encoded", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run(options)))
        return
    runs = []
    with tempfile.TemporaryDirectory(dir=options.corpus.parent) as folder:
        import wordsparse as ws

        encoded = Path(folder) / "encoded"
        ws.encode(options.corpus, encoded, min_count=options.min_count)
        for side in options.sides:
            arguments = [*sys.argv[1:], "--side", side, "--encoded", str(encoded)]
            done = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True)
            runs.append(json.loads(done.stdout))
            print(row(runs[-1]), flush=True)
    if options.output:
        asked = {k: v for k, v in vars(options).items() if k not in ("side", "encoded", "output")}
        asked["corpus"] = options.corpus.name
        content = {"machine": machine.describe(options.threads), "options": asked, "runs": runs}
        options.output.write_text(json.dumps(content, indent=1) + "\n")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train one side in this process and judge it."""
    import wordsparse as ws
    from wordsparse.evaluation import evaluate
    from wordsparse.machine import peak_memory_bytes

    program, model_name = options.side.split()
    if program == "wordsparse":
        model = ws.train(
            options.encoded,
            model=model_name,
            dim=options.dim,
            window=options.window,
            epochs=options.epochs,
            threads=options.threads,
        )
        report = {k: model.report[k] for k in ("tokens", "wall_seconds", "cpu_seconds", "peak_memory_bytes", "loss")}
        vectors = model.word_vectors()
    else:
        from gensim.models import Word2Vec

        peer = Word2Vec(
            vector_size=options.dim,
            window=options.window,
            min_count=options.min_count,
            sg=int(model_name == "skipgram"),
            sample=1e-3,
            workers=options.threads,
            seed=1,
        )
        peer.build_vocab(corpus_file=str(options.corpus))
        wall, cpu = time.perf_counter(), time.process_time()
        peer.train(
            corpus_file=str(options.corpus),
            total_words=peer.corpus_total_words,
            total_examples=peer.corpus_count,
            epochs=options.epochs,
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tokens = peer.corpus_total_words * options.epochs
        report = {"tokens": tokens, "wall_seconds": wall, "cpu_seconds": cpu, "peak_memory_bytes": peak_memory_bytes()}
        vectors = ws.WordVectors(peer.wv.index_to_key, peer.wv.vectors)
    scores = {} if options.no_evaluation else evaluate(vectors)
    return {"side": options.side, "vocab_size": len(vectors), **report, **scores}


def row(run: dict[str, Any]) -> str:
    """One line of the table."""
    speed = run["tokens"] / run["wall_seconds"]
    line = (
        f"{run['side']:20s} V {run['vocab_size']:,}  {speed:9,.0f} tokens/s  wall {run['wall_seconds']:7.1f} s  "
        f"CPU {run['cpu_seconds']:7.1f} s  peak {run['peak_memory_bytes'] / 1e6:7,.0f} MB"
    )
    if "pairs" in run:
        scores = [pair["spearman"] for pair in run["pairs"].values()]
        scores += [analogy["accuracy"] for analogy in run["analogies"].values()]
        names = [*run["pairs"], *run["analogies"]]
        line += "  " + "  ".join(f"{name} {score:.3f}" for name, score in zip(names, scores, strict=True))
    return line


if __name__ == "__main__":
    main()

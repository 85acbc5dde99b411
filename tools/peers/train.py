"""Train word vectors with other tools from PyPI, for `wordsparse compare --vectors`.

    python tools/peers/train.py text.txt -o peers --peer fasttext --peer floret --model skipgram
    wordsparse compare text.txt -o report --vectors peers/fasttext-skipgram.vec

Each peer is installed into an environment of its own below the output, once, and trains in a process of its own with
the given options and its own defaults otherwise. ``peers.json`` has the CPU and wall seconds of each, with its version;
reading the text and writing the vectors count. gensim needs none of this: `compare` trains it.
"""

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import click

from wordsparse.files.storage import write_file

# What pip installs. The official fasttext package has no wheels: it needs a compiler.
PEERS = {"fasttext": "fasttext", "floret": "floret"}
PROGRAM = Path(__file__).with_name("fasttext_words.py")


def python_of(peer: str, folder: Path) -> Path:
    """The Python of an environment that has the peer, made where it is missing."""
    environment = folder / f".venv-{peer}"
    python = environment / "bin/python"
    ready = environment / "installed"
    if not ready.exists():
        venv.create(environment, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "numpy", PEERS[peer]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise click.ClickException(f"{peer} cannot be installed: {done.stderr.strip()[-1000:]}")
        ready.touch()
    return python


def timed(command: list[str]) -> tuple[str, float, float]:
    """What a process prints, and its CPU and wall seconds."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{command[2]} failed with status {process.returncode}")
    return printed, used.ru_utime + used.ru_stime, time.perf_counter() - begun


@click.command()
@click.argument("text", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--peer", "peers", type=click.Choice(list(PEERS)), multiple=True, default=list(PEERS))
@click.option("--model", type=click.Choice(["cbow", "skipgram"]), default="skipgram", show_default=True)
@click.option("--dim", type=click.IntRange(1), default=100, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--window", type=click.IntRange(1), default=5, show_default=True)
@click.option("--min-count", type=click.IntRange(1), default=5, show_default=True)
@click.option("--sample", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--ngrams/--no-ngrams", default=True, show_default=True, help="Of 3 to 6 characters, their default.")
def main(text: Path, output: Path, peers: tuple[str, ...], ngrams: bool, **given: Any) -> None:
    """Train each peer on TEXT, plain and separated by white space, and write its vectors to OUTPUT."""
    output.mkdir(parents=True, exist_ok=True)
    options = {
        "input": str(text),
        "model": given["model"],
        "dim": given["dim"],
        "epoch": given["epochs"],
        "ws": given["window"],
        "minCount": given["min_count"],
        "t": given["sample"],
        "thread": given["threads"],
        **({} if ngrams else {"minn": 0, "maxn": 0}),
    }
    report = []
    for peer in peers:
        vectors = output / f"{peer}-{given['model']}.vec"
        command = [str(python_of(peer, output)), str(PROGRAM), peer, json.dumps(options), str(vectors)]
        version, cpu, wall = timed(command)
        report.append({"peer": peer, "version": version.strip(), "cpu_seconds": cpu, "wall_seconds": wall, **options})
        print(f"{peer} {version.strip()}: {cpu:.1f} CPU seconds, {wall:.1f} s; {vectors}")
        write_file((output / "peers.json").absolute(), (json.dumps(report, indent=1) + "\n").encode())
    files = " ".join(f"--vectors {output / peer}-{given['model']}.vec" for peer in peers)
    print(f"now: wordsparse compare {text} -o report --dim {given['dim']} --epochs {given['epochs']} {files}")


if __name__ == "__main__":
    sys.exit(main())

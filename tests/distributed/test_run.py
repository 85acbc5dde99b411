"""Runs on several ranks give the same vectors as one process, end on every rank, and can be resumed on any number."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wordsparse as ws
from wordsparse import optional

# By default, Open MPI refuses to run as root, or with more ranks than cores.
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
SECONDS = 300
# Open MPI's launcher adds text to the output of a failed program: blocks between lines of dashes, and PMIX errors.
OF_THE_LAUNCHER = re.compile(r"^-{60,}\n.*?^-{60,}\n|^\[\S+:\d+\] PMIX ERROR[^\n]*\n|\0", re.DOTALL | re.MULTILINE)


def mpiexec():
    """Return the path of mpiexec, next to this Python or otherwise on PATH; None if it is not installed."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


pytestmark = pytest.mark.skipif(
    mpiexec() is None or not optional.installed("mpi4py"), reason="mpiexec or mpi4py is not installed"
)


def command(ranks, *program):
    """Return the command that runs a Python program on ``ranks`` ranks."""
    return [str(mpiexec()), "-n", str(ranks), sys.executable, *map(str, program)]


def launched(ranks, *program, cwd=None):
    """Run a program to its end, and remove the launcher's additions from its standard error."""
    run = subprocess.run(
        command(ranks, *program), cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout, own_words(run.stderr))


def own_words(errors):
    """Return the output of the programs, without the launcher's additions."""
    return OF_THE_LAUNCHER.sub("", errors)


def train(ranks, *arguments):
    """Run ``python -m wordsparse.distributed`` on ``ranks`` ranks."""
    return launched(ranks, "-m", "wordsparse.distributed", *arguments)


SAME = {"dim": 8, "epochs": 3, "threads": 1, "min_count": 1, "sample": 0, "batch_tokens": 500}
OPTIONS = [part for name, value in SAME.items() for part in (f"--{name.replace('_', '-')}", value)]
FILES = ("input.npy", "output.npy", "training.bin")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Write sentences whose words differ in their frequencies and contexts."""
    return written(tmp_path_factory.mktemp("text") / "text.txt", 60, 600)


def written(path, words, sentences):
    draw, share = np.random.default_rng(0), 1 / np.arange(1, words + 1)
    starts = draw.choice(words, sentences, p=share / share.sum())
    lines = (" ".join(f"w{(start + step) % words}" for step in draw.integers(0, 5, 9)) for start in starts)
    path.write_text("\n".join(lines) + "\n")
    return path


def done(ranks, *arguments):
    run = train(ranks, *arguments, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def check_alike(model, other):
    assert (model.vectors * other.vectors).sum(axis=1) == pytest.approx(
        np.linalg.norm(model.vectors, axis=1) * np.linalg.norm(other.vectors, axis=1), rel=1e-4
    )
    for name in ("loss", "heldout_loss"):
        np.testing.assert_allclose(model.report.get(name, []), other.report.get(name, []), rtol=1e-5)


def test_ranks_exchange_arrays_of_any_shape():
    """Ranks exchange vectors and matrices. For example, a step with a fold adds up square matrices over all ranks."""
    program = """
import numpy as np
from wordsparse.distributed.ranks import world

ranks = world()
for shape in ((0,), (5,), (7, 3)):
    part = np.arange(np.prod(shape)).reshape(shape) * 1.5 + ranks.rank
    assert np.array_equal(ranks.sum(part), 3 * (part - ranks.rank) + 3), shape
    ranks.copy(part)
    assert np.array_equal(part, np.arange(part.size).reshape(shape) * 1.5), shape
counts = [2, 0, 3]  # rows that each rank sends to each rank, of 16 bytes and of 1 MB
for k in (4, 250_000):
    own = np.arange(5.0, dtype=np.float32)[:, None] + np.full((5, k), 10 * ranks.rank, np.float32)
    came = ranks.exchange(own, counts, [counts[ranks.rank]] * 3)
    first = sum(counts[: ranks.rank])
    assert came[:, k - 1].tolist() == [10 * rank + first + i for rank in range(3) for i in range(counts[ranks.rank])]
assert ranks.transposed([10 * ranks.rank + i for i in range(3)]) == [ranks.rank, 10 + ranks.rank, 20 + ranks.rank]
for root in range(3):
    shared = ranks.share([np.full((3, 2), root + 0.5), np.array(root > 0), np.full(5, root, np.float32)], root)
    assert [part.tolist() for part in shared] == [[[root + 0.5] * 2] * 3, root > 0, [root] * 5], shared
rows = np.full((5, 2), float(ranks.rank))
ranks.collect(rows, np.array([0, 2, 2, 5]))
assert ranks.rank > 0 or rows[:, 1].tolist() == [0, 0, 2, 2, 2]
assert ranks.gather(b"x" * ranks.rank) == [b"", b"x", b"xx"]
"""
    run = launched(3, "-c", program)
    assert run.returncode == 0, run.stderr


def test_default_options_give_the_vectors_of_one_process(tmp_path):
    """The test forces float32 products. With bfloat16, n-grams fitted on several ranks would differ slightly from
    n-grams fitted in one process."""
    text = written(tmp_path / "text.txt", 1000, 10_000)
    environment = {**ENVIRONMENT, "WORDSPARSE_ISA": "x86-64-v3"} if sys.platform == "linux" else ENVIRONMENT
    arguments = [text, "--epochs", 2, "-o"]
    for ranks, module, output in ((2, "wordsparse.distributed", "model"), (1, "wordsparse", "alone")):
        program = ["-m", module, *(["train"] if ranks == 1 else []), *arguments, tmp_path / output]
        subprocess.run(command(ranks, *program), env=environment, check=True, timeout=SECONDS)
    model, alone = (ws.load(tmp_path / output) for output in ("model", "alone"))
    assert model["w7w8"].any()
    check_alike(model, alone)


@pytest.mark.parametrize(("kind", "ranks"), [("cbow", 2), ("skipgram", 3)])
def test_two_runs_give_the_same_bytes(kind, ranks, text, tmp_path):
    arguments = [text, *OPTIONS, "--model", kind, "--heldout", 0.05, "-o"]
    for output in ("model", "again"):
        report = done(ranks, *arguments, tmp_path / output)
    names = {"products", "algebra", "examples", "waiting", "steps", "sent_bytes", "received_bytes"}
    assert [set(rank) for rank in report["ranks"]] == [names] * ranks
    assert all(rank["received_bytes"] > 0 for rank in report["ranks"])
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    alone = ws.train(text, model=kind, heldout=0.05, progress=False, **SAME)
    check_alike(ws.load(tmp_path / "model"), alone)


def test_a_python_program_trains_on_sentences_and_graphs(text, tmp_path):
    """A Python program trains on sentences in memory, and then on a graph; each rank reads all sentences and edges."""
    program = f"""
import numpy as np
from wordsparse.distributed import train

sentences = [line.split() for line in open({str(text)!r})]
model = train(sentences, output="model", progress=False, **{SAME})
assert model.vectors.shape == (60, 8)
edges = [(f"n{{i}}", f"n{{i + 1}}") for i in range(40)]
train(edges, kind="graph", output="graph", dim=4, epochs=1, progress=False)
"""
    run = launched(2, "-c", program, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    check_alike(ws.load(tmp_path / "model"), ws.train(text, progress=False, **SAME))
    assert ws.load(tmp_path / "graph").vectors.shape == (41, 4)


def test_a_finished_model_goes_on(text, tmp_path):
    """A model is trained for more epochs, if any are left, or on a new text. Old vectors keep their coordinates."""
    arguments = [*OPTIONS, "-o", tmp_path / "model"]
    done(2, text, *arguments)
    report = done(3, text, *arguments, "--epochs", 4, "--resume")
    assert len(report["loss"]) == 4
    run = train(2, text, *arguments, "--epochs", 4, "--resume", "--dim", 9)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert run.stderr.startswith("wordsparse: resume: dim was 8, not 9: ")
    new = written(tmp_path / "new.txt", 70, 200)
    done(2, new, *arguments, "--resume")
    alone = {"output": tmp_path / "alone", "progress": False}
    for source, epochs, resume in ((text, 3, False), (text, 4, True), (new, 3, True)):
        expected = ws.train(source, **alone, resume=resume, **(SAME | {"epochs": epochs}))
    check_alike(ws.load(tmp_path / "model"), expected)


STOPPED = """
import os, signal, sys, threading, time
from pathlib import Path
from wordsparse.distributed import command as program

def stop():
    while not any(Path("model.training").glob("checkpoint-*")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

if program.world().rank == int(sys.argv.pop(1)):
    threading.Thread(target=stop, daemon=True).start()
sys.exit(program.start())
"""


@pytest.mark.parametrize("hit", [0, 1])
def test_a_signal_to_one_rank_stops_all_and_any_number_goes_on(hit, text, tmp_path):
    output, arguments = tmp_path / "model", [text, *OPTIONS, "--heldout", 0.05, "-o", tmp_path / "model"]
    run = launched(2, "-c", STOPPED, hit, *arguments, "--checkpoint-every", 0.001, cwd=tmp_path)
    assert run.returncode == 130, run.stderr
    assert "is kept; resume from it with --resume" in run.stderr
    expected = ws.train(text, heldout=0.05, progress=False, **SAME)
    if hit == 0:
        check_alike(ws.train(text, output=output, resume=True, progress=False, heldout=0.05, **SAME), expected)
    else:
        done(3, *arguments, "--resume")
        check_alike(ws.load(output), expected)
    assert not output.with_name("model.training").exists()


AT_IMPORT = """
import os, runpy, signal, sys
class Kill:
    def find_spec(self, name, *rest):
        if name == "wordsparse.distributed.run":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Kill())
runpy.run_module("wordsparse.distributed", run_name="__main__")
"""


def test_a_signal_during_the_imports_is_an_interruption(text, tmp_path):
    """Previously, the ranks ended with a traceback and by the signal itself."""
    run = launched(2, "-c", AT_IMPORT, text, *OPTIONS, "-o", tmp_path / "model")
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr


SIGNALLED = """
import os, signal, sys, types
from wordsparse.distributed import command as program

def world():
    signal.signal(signal.SIGHUP, lambda *_: None)
    os.kill(os.getpid(), signal.SIGHUP)
    return types.SimpleNamespace(rank=0)

program.world = world
signal.pthread_sigmask(signal.SIG_BLOCK, program.signals.SIGNALS)
sys.exit(program.start())
"""


def test_a_signal_while_mpi_starts_ends_the_rank():
    """UCX handles SIGHUP once MPI starts, so a signal that is pending at that time must not be lost."""
    assert subprocess.run([sys.executable, "-c", SIGNALLED], env=ENVIRONMENT, check=False).returncode == 130


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dim", 0], "dim must be at least 1, not 0"),
        (["--loss", "zlos"], "'zlos' is not known: did you mean zloss?"),
        (["no-such-file"], "no-such-file: "),
        (["-"], "-: standard input reaches one rank only"),  # previously, the launcher ended the run
        (["--export", "vectors.dat"], "vectors.dat: its name does not tell the format"),  # previously, other ranks hung
    ],
)
def test_a_wrong_request_is_one_line_of_one_rank(words, message, text, tmp_path):
    run = train(2, text, *OPTIONS, "-o", tmp_path / "model", *words)
    assert run.returncode == 2, run.stderr
    assert message in run.stderr
    assert run.stderr.count("wordsparse: ") == 1
    assert not list(tmp_path.iterdir())


def test_ranks_that_are_not_alike_are_refused(text, tmp_path):
    arguments = ["-m", "wordsparse.distributed", text, *OPTIONS, "-o", tmp_path / "model"]
    for name, one, other in (("seed", ["--seed", 1], ["--seed", 2]), ("version", [], [])):
        first, second = command(1, *arguments, *one), command(1, *arguments, *other)
        if name == "version":
            program = (
                "import sys, runpy, importlib.metadata as m\n"
                "version, m.version = m.version, lambda name: '0.0.9' if name == 'wordsparse' else version(name)\n"
                "runpy.run_module('wordsparse.distributed', run_name='__main__')"
            )
            second = command(1, "-c", program, *arguments[2:])
        run = subprocess.run(
            [*first, ":", *second[1:]], env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert run.returncode == 2, run.stderr
        assert f"rank 0 on {socket.gethostname()}: {'wordsparse' if name == 'version' else name} was " in run.stderr
        assert own_words(run.stderr).count("\n") == 1
        assert not list(tmp_path.iterdir())


def test_an_error_of_one_rank_ends_all(text, tmp_path):
    """A full disk leaves no model, and after an error between two steps no rank waits forever."""
    program = """
import sys, resource
from wordsparse.distributed import command, share

what = sys.argv.pop(1)
if command.world().rank == int(what[-1]):
    if what.startswith("disk"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    else:
        def pull(*given):
            raise OSError("a fault")
        share.DividedEmbedding.pull = pull
sys.exit(command.start())
"""
    for what, message in (("disk0", "File too large"), ("step1", "rank 1 of 2 ")):
        run = launched(2, "-c", program, what, text, *OPTIONS, "-o", tmp_path / "model")
        assert run.returncode in (1, 2), run.stderr
        assert message in run.stderr
        assert not (tmp_path / "model").exists()

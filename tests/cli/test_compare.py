import importlib.util
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.texts import left_in

from wordsparse.cli import main

QUICK = ["--dim", "4", "--threads", "1", "--min-count", "1", "--sample", "0"]


@pytest.fixture
def sets(tmp_path):
    pairs, analogies = tmp_path / "people.tsv", tmp_path / "asked.txt"
    pairs.write_text("".join(f"w{i}\tw{i + 1}\t{i * 7 % 11}\n" for i in range(10)) + "w1\tunknown\t2\n")
    analogies.write_text(": first\nw1 w2 w3 w4\nw3 w4 w5 w6\n: second\nw1 w3 w5 w7\nw1 w2 w3 unknown\n")
    texts = tmp_path / "texts.tsv"
    texts.write_text("".join(f"{i * 7 % 11}\tw{i} W1.\tw{i + 1}, w2\n" for i in range(10)))
    return ["--pairs", str(pairs), "--analogies", str(analogies), "--sentences", str(texts)]


@pytest.mark.skipif(importlib.util.find_spec("gensim") is None, reason="gensim is not installed")
def test_report(text, sets, tmp_path, capsys):
    before = left_in(tmp_path)
    path = tmp_path / "report"
    arguments = ["compare", str(text), "-o", str(path), *QUICK, *sets, "--epochs", "1"]
    assert main([*arguments, "--json"]) == 0
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert result == json.loads((path / "report.json").read_text())
    assert left_in(tmp_path) == sorted([*before, "report"])
    assert left_in(path) == ["report.html", "report.json"]
    assert result["machine"]["instruction_set"]
    assert result["command"] == " ".join(["wordsparse", *arguments, "--json"])

    runs = result["runs"]
    methods = ["wordsparse-skipgram", "gensim-skipgram-ns", "gensim-skipgram-hs"]
    methods += ["wordsparse-cbow", "gensim-cbow-ns", "gensim-cbow-hs"]
    assert [run["name"] for run in runs] == methods
    for run in runs:
        assert (run["tokens"], run["vocab_size"], run["dim"], run["threads"]) == (1800, 12, 4, 1)
        assert min(run[key] for key in ("wall_seconds", "cpu_seconds", "tokens_per_second", "peak_memory_bytes")) > 0
        scores = run["pairs"]["people"], run["analogies"]["asked"], run["sentences"]["texts"]
        assert [(score["n"], score["oov"]) for score in scores] == [(10, 1), (3, 1), (10, 0)]
    # The six names must stand for six different methods.
    assert len({(run["pairs"]["people"]["spearman"], run["sentences"]["texts"]["spearman"]) for run in runs}) == 6
    assert {row["peer"] for row in result["differences"]} == {*methods} - {methods[0], methods[3]}
    assert {row["test"] for row in result["differences"]} == {"people", "asked", "texts"}


@pytest.mark.skipif(importlib.util.find_spec("gensim") is None, reason="gensim is not installed")
def test_quick_compares_cbow_and_shows_neighbours_side_by_side(text, sets, tmp_path, capsys):
    path = tmp_path / "report"
    assert main(["compare", str(text), "-o", str(path), *QUICK, *sets, "--quick", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [(run["name"], run["epochs"]) for run in result["runs"]] == [("wordsparse-cbow", 2), ("gensim-cbow-ns", 2)]
    ours, theirs = (run["nearest"] for run in result["runs"])
    assert ours.keys() == theirs.keys()
    assert all(len(near) == 6 for near in [*ours.values(), *theirs.values()])
    assert len(result["headlines"]) == 1
    assert main(["compare", str(text), "-o", str(tmp_path / "other"), "--quick", "--epochs", "3"]) == 2
    assert "leave --only and --epochs out" in capsys.readouterr().err


def test_without_gensim_ours_are_compared(text, sets, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gensim" else find(name))
    arguments = ["compare", str(text), "-o", str(tmp_path / "report"), *QUICK, *sets, "--epochs", "1"]
    assert main([*arguments, "--only", "gensim-cbow-ns", "--only", "wordsparse-cbow", "--keep-vectors", "--json"]) == 0
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert [run["name"] for run in result["runs"]] == ["wordsparse-cbow"]
    assert left_in(tmp_path / "report" / "vectors") == ["wordsparse-cbow-1-epochs-seed-1.npz"]
    sentence = result["warnings"][0]
    assert "gensim is not installed" in sentence
    assert "gensim CBOW, negative sampling" in sentence
    assert sentence in output.err
    assert "gensim is not installed" in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize("failing", [["wordsparse-cbow"], ["wordsparse-cbow", "wordsparse-skipgram"]])
def test_a_failed_run_fails_the_command(text, sets, tmp_path, failing, monkeypatch, capsys):
    """The report is written if at least one run succeeded."""
    from wordsparse.comparison import runs
    from wordsparse.errors import WordsparseError

    train = runs.in_process

    def broken(folder, **task):
        if task["method"] in failing:
            raise WordsparseError("it diverged")
        return train(folder, **task)

    monkeypatch.setattr(runs, "in_process", broken)
    command = ["compare", str(text), "-o", str(tmp_path / "report"), *QUICK, *sets, "--epochs", "1"]
    assert main([*command, "--only", "wordsparse-cbow", "--only", "wordsparse-skipgram"]) == 1
    assert "it diverged" in capsys.readouterr().err
    assert (tmp_path / "report" / "report.html").exists() == (len(failing) == 1)


def test_the_process_that_trains_imports_what_its_parent_did(text, sets, tmp_path, monkeypatch):
    """Previously, the worker imported wordsparse from the current directory, and failed in an uncompiled checkout."""
    (tmp_path / "here" / "wordsparse").mkdir(parents=True)
    (tmp_path / "here" / "wordsparse" / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    monkeypatch.chdir(tmp_path / "here")
    arguments = ["compare", str(text), "-o", str(tmp_path / "report"), *QUICK, *sets, "--epochs", "1"]
    assert main([*arguments, "--only", "wordsparse-cbow"]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds the training process in /proc, which only Linux has")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_process_that_trains_ends_with_the_comparison(tmp_path, text, sets, number):
    """Previously, a comparison killed by SIGKILL left its worker running, and a copy of the text on the disk."""
    arguments = ["compare", str(text), "-o", str(tmp_path / "report"), "--only", "wordsparse-cbow", *sets, *QUICK]
    before = left_in(tmp_path)
    command = [sys.executable, "-m", "wordsparse", *arguments, "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def workers():
        """Return the ids of child processes that have loaded our kernels."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        maps = [(pid, Path(f"/proc/{pid}/maps")) for pid in children]
        with suppress(FileNotFoundError, ProcessLookupError):  # the child may have ended already
            return [pid for pid, path in maps if "wordsparse/kernels/" in path.read_text()]
        return []

    def runs(pid):
        """Return whether the process exists and is not a zombie."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    while not (children := workers()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    # A worker may outlive its killed parent by a moment.
    until = time.monotonic() + 20
    while any(map(runs, children)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [pid for pid in children if runs(pid)]
    if number == signal.SIGKILL:
        assert main([*arguments, "--epochs", "1"]) == 0  # this run removes the files of the killed run
        before = sorted([*before, "report"])
    assert left_in(tmp_path) == before

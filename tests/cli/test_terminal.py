"""Untrusted words and names are escaped for the terminal; a failing stream causes one line and no traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors

HOSTILE = "kin\x1b[31m\x1b]52;c;cHduZWQ=\x07\n\u202eg"
RUN = "import sys; from wordsparse.__main__ import run; sys.argv[0] = 'wordsparse'; run()"


@pytest.fixture
def vectors(tmp_path):
    word_vectors = WordVectors(["king", HOSTILE, "café", "kin\x1bg"], [[1, 2], [3, 4], [2, 2], [1, 0]])
    return str(save_vectors(word_vectors, tmp_path / "v\x1b[2J.npz", "npz")[0])


def is_safe(text):
    return all(character == "\n" or character.isprintable() for character in text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["similar", "{vectors}", "king"],
        ["analogy", "{vectors}", "king", "café", "king"],
        ["similar", "{vectors}", "kin"],  # the error names similar words
        ["similar", "{vectors}\x1b[31m", "king"],
        ["evaluate", "{vectors}", "--analogies", "{analogies}"],
        ["evaluate", "{vectors}", "--analogies", "{vectors}"],
        ["evaluate", "{vectors}", "--pairs\x1b[31m", "x"],
        ["export", "{vectors}", "-o", "{out}\x1b[31m", "--format", "npz"],
        ["export", "{vectors}", "-o", "{out}", "--format", "word2vec"],
        ["explore", "{vectors}", "-o", "{out}", "--map", "2"],
        ["encode", "{texts}", "-o", "{out}\x1b[31m"],
        ["\x1b[31m"],
    ],
)
def test_words_and_names_are_escaped(vectors, tmp_path, arguments, capsys):
    # Previously, ESC, OSC 52 (writes the clipboard), CR and U+202E in words and names reached the terminal unchanged.
    analogies = tmp_path / "a\x1b[31m.txt"
    analogies.write_text(": se\x1b[31m\rction\u202e\nking café king café\n")
    texts = tmp_path / "te\x1b[31mxts"
    (texts / "sub\x1b[31m").mkdir(parents=True)
    (texts / "t").write_text("a b a b a b a b a b a b\n")
    paths = {"vectors": vectors, "analogies": analogies, "out": tmp_path / "out", "texts": texts}
    main([argument.format(**paths) for argument in arguments])
    streams = capsys.readouterr()
    assert is_safe(streams.out), ascii(streams.out)
    assert is_safe(streams.err.replace("\r", "")), ascii(streams.err)  # a progress bar begins with CR
    assert "\\x1b" in streams.out + streams.err


def run(arguments, **options):
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)


def test_a_character_that_the_stream_cannot_encode_is_escaped(vectors):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run(["similar", vectors, "king"], env=environment, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"caf\\xe9" in done.stdout


@pytest.mark.parametrize("arguments", [["similar", "{vectors}", "king"], ["doctor", "--json"], ["--help"]])
def test_an_error_of_standard_output_is_one_line(vectors, arguments):
    with open("/dev/full", "wb") as full:
        done = run([argument.format(vectors=vectors) for argument in arguments], stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith(b"wordsparse: standard output: ")
    assert done.stderr.endswith(b"No space left on device\n")
    assert done.stderr.count(b"\n") == 1


def test_a_file_that_a_source_cannot_open_is_named(capsys):
    assert main([], click.Command("read", callback=Path("none.txt").read_bytes)) == 1
    assert capsys.readouterr().err == "wordsparse: none.txt: No such file or directory\n"


def test_an_error_without_a_file_is_not_blamed_on_standard_output(capsys):
    def fail():
        raise OSError(errno.EMFILE, "Too many open files")

    assert main([], click.Command("read", callback=fail)) == 1
    assert capsys.readouterr().err == "wordsparse: Too many open files\n"


@pytest.mark.parametrize("arguments", [["similar", "{vectors}", "king"], ["--help"]])
def test_a_closed_standard_output_gets_no_message(vectors, arguments):
    read, write = os.pipe()
    os.close(read)
    done = run([argument.format(vectors=vectors) for argument in arguments], stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("group", [[], ["labels"], ["corpora"]])
def test_help_has_whole_sentences(group, capsys):
    """Previously, click truncated the sentences: "Train word vectors on text files, or on a directory that..."."""
    assert main([*group, "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2]
    assert listed
    assert "..." not in listed

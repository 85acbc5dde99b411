"""Outputs follow links and can be written to pipes and streams; special files are never replaced."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from support.texts import disk_of

from wordsparse import optional
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import storage
from wordsparse.gensim import Word2Vec
from wordsparse.vectors.formats import FORMATS, save_vectors
from wordsparse.vectors.word_vectors import WordVectors
from wordsparse.words.model_directory import read_vectors

# The formats that write a single file; model2vec writes a directory.
FILES = [name for name in FORMATS if name != "model2vec" and (name != "gensim" or optional.installed("gensim"))]
VECTORS = WordVectors(["a", "b"], [[1, 2], [3, 4]], [5, 4])


@pytest.fixture
def fifo(tmp_path):
    """Make a named pipe and a thread that appends the pipe's data to a list."""
    path, read = tmp_path / "fifo", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    yield path, read
    if reader.is_alive():  # nothing was written: release the reader
        os.close(os.open(path, os.O_WRONLY))
    reader.join()


@pytest.mark.parametrize("format", ["word2vec", "word2vec-bin", "npz"])
def test_a_pipe_is_written_through_and_stays(fifo, tmp_path, format):
    # An export must write to the pipe, not replace it with a regular file.
    path, read = fifo
    assert save_vectors(VECTORS, path, format) == [path]
    while not read:
        pass
    (tmp_path / "copy").write_bytes(read[0])
    assert read_vectors(tmp_path / "copy").words == ["a", "b"]
    assert path.is_fifo()


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "model2vec"])
def test_a_link_stays_and_its_target_is_replaced(tmp_path, format):
    if format not in FILES:
        pytest.skip("gensim is not installed")
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "vectors", tmp_path / "link"
    link.symlink_to(target)
    for _ in range(2):  # the first time, the target of the link does not exist
        assert save_vectors(VECTORS, link, format)[0] == link
        assert link.is_symlink()
        assert target.stat().st_size
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "link"]


def test_files_that_are_written_twice_or_beside_others_replace_nothing_special(tmp_path):
    """Neither `documents -o` nor saving a gensim model replaces a device node with a file or a directory."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    for format in {"gensim", "safetensors"} & {*FILES}:
        with pytest.raises(InputError, match="needs a regular file"):
            save_vectors(VECTORS, tmp_path / "fifo", format)
    for name in ("fifo", "link"):
        with pytest.raises(InputError, match=f"{name}: is a pipe, a device or standard output"):
            storage.write_files(tmp_path / name, lambda staged: staged.write_bytes(b"x"))
        with pytest.raises(InputError, match="fifo: is a pipe"):
            Word2Vec([["a", "b"]], vector_size=2, min_count=1).save(tmp_path / name)
    with pytest.raises(InputError, match="is a directory, a block device"):
        storage.write_files(tmp_path, lambda staged: staged.write_bytes(b"x"))
    assert (tmp_path / "fifo").is_fifo()
    assert sorted(os.listdir(tmp_path)) == ["fifo", "link"]


def test_standard_output_that_is_a_file_is_appended_to(tmp_path):
    # If standard output is a file, replacing the file would lose all that was printed before.
    vectors = save_vectors(VECTORS, tmp_path / "v.npz", "npz")[0]
    names = ["-", "/dev/stdout"]
    printed = tmp_path / "said"
    printed.write_bytes(b"before\n")
    each = f"sys.exit(max(main([*sys.argv[1:], '-o', name]) for name in {names}))"
    program = f"import sys; from wordsparse.cli import main; {each}"
    command = [sys.executable, "-c", program, "export", str(vectors), "--format", "word2vec"]
    with printed.open("ab") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, cwd=tmp_path, check=True)
    assert printed.read_bytes() == b"before\n" + 2 * b"2 2\na 1 2\nb 3 4\n"
    assert done.stderr.decode() == "".join(f"2 words x 2 -> {name}\n" for name in names)
    refused = subprocess.run([*command, "--json"], capture_output=True, cwd=tmp_path, check=False)
    assert (refused.returncode, refused.stdout, refused.stderr.count(b"--json")) == (2, b"", 2)


@pytest.mark.parametrize("format", ["model2vec", *FILES])
def test_a_disk_that_is_full(tmp_path, format):
    # safetensors raises its own class of error, which must be translated too.
    (tmp_path / "v").write_bytes(b"old")
    vectors = WordVectors([f"w{i}" for i in range(100)], np.ones((100, 100)))
    place = tmp_path / ("directory" if format == "model2vec" else "v")
    with disk_of(8192), pytest.raises(WordsparseError, match="writing failed") as caught:
        save_vectors(vectors, place, format)
    assert not isinstance(caught.value, InputError)
    assert (tmp_path / "v").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["v"]

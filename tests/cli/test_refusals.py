"""Every command refuses wrong requests with status 2 and one message that names the error, and writes nothing."""

import os
import shlex
import shutil
from pathlib import Path

import pytest
from support.texts import write_text

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors

pytestmark = pytest.mark.usefixtures("no_gpu")
TRAIN = "train {text} -o out --dim 6 --epochs 2 --threads 1 --sample 0 --min-count 1"
COMPARE = "compare {text} -o out --dim 4 --threads 1 --min-count 1 --sample 0 {sets} --only wordsparse-cbow"
LINES = Path(__file__).with_name("requests.txt").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Write the files that requests name: texts, two of them not UTF-8, models, a damaged model, vectors, test sets."""
    folder = tmp_path_factory.mktemp("named")
    write_text(folder / "text.txt")
    train = TRAIN.format(text=folder / "text.txt").split()
    assert main([folder.joinpath("model").as_posix() if part == "out" else part for part in train]) == 0
    shutil.copytree(folder / "model", folder / "damaged")
    content = bytearray((folder / "damaged/input.npy").read_bytes())
    content[-1] ^= 1
    (folder / "damaged/input.npy").write_bytes(content)
    words = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    save_vectors(words, folder / "vectors.txt", "word2vec")
    (folder / "new.txt").write_text("w1 comet w2\n")
    (folder / "pairs.tsv").write_text("".join(f"w{i}\tw{i + 1}\t{i * 7 % 11}\n" for i in range(10)))
    (folder / "asked.txt").write_text("w1 w2 w3 w4\nw3 w4 w5 w6\n")
    (folder / "soft").symlink_to("text.txt")
    os.link(folder / "text.txt", folder / "hard")
    (folder / "options.toml").write_text("dim = 6\n")
    (folder / "rows.jsonl").write_text('{"text": "w1 w2"}\n')
    (folder / "table.parquet").write_bytes(b"PAR1")
    (folder / "labels").mkdir()
    (folder / "labels/labels.json").write_text("{}")
    os.mkfifo(folder / "pipe")
    (folder / "taken").mkdir()
    (folder / "taken/mine").write_text("mine")
    (folder / "latin").write_bytes("café olé\n".encode("latin-1"))
    (folder / "cut").write_bytes("a cat naï".encode()[:-1])
    made = {path.stem: str(path) for path in folder.iterdir()}
    return {**made, "long": "n" * 240, "sets": f"--pairs {folder / 'pairs.tsv'} --analogies {folder / 'asked.txt'}"}


@pytest.fixture(scope="module")
def of_labels(data, posts, tmp_path_factory):
    """Write labelled rows, models of labels, and files of rows that do not fit the models."""
    folder = tmp_path_factory.mktemp("of-labels")
    (folder / "wide.txt").write_text("0 98:1\n")
    (folder / "none.txt").write_text("1 30 6\n 3:1\n")
    (folder / "new.csv").write_text("text\nA Cat!\n")
    (folder / "new.jsonl").write_text('{"text": "A Cat!"}\n')
    (folder / "model.json").write_text("{}")
    (folder / "hash.txt").write_text("#pet a cat\n")
    (folder / "other.txt").write_text("__label__ship a cat\n")
    lines = (data / "train.txt").read_text().splitlines(keepends=True)
    (folder / "cut.txt").write_text("".join(lines[:93]) + lines[93].rsplit(" ", 1)[0])
    return {"data": str(data), "posts": str(posts), "here": str(folder), "sets": ""}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", [line for line in LINES if " ⇒ " in line])
def test_a_wrong_request_writes_nothing(line, request, capsys):
    """Check that the request is refused and leaves the empty working directory empty."""
    asked, message = line.split(" ⇒ ")
    names = request.getfixturevalue("of_labels" if asked.startswith("labels ") else "names")
    for name, text in (("{train}", TRAIN), ("{compare}", COMPARE), ("{sets}", names["sets"])):
        asked = asked.replace(name, text)
    capsys.readouterr()
    assert main([part.format(**names) for part in shlex.split(asked)]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("wordsparse: ")
    assert message.replace("\\n", "\n") in streams.err
    assert "Traceback" not in streams.err
    assert list(Path.cwd().iterdir()) == []
    assert "taken" not in names or [path.name for path in Path(names["taken"]).iterdir()] == ["mine"]

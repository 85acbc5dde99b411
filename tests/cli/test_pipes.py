"""Commands answer each line of standard input as it arrives, as they answer words on the command line."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.pipes import answer, pipe

import wordsparse as ws
from wordsparse.cli import main

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Train a model on baskets of two groups of items, a0 to a3 and b0 to b3."""
    path = tmp_path_factory.mktemp("items") / "model"
    groups = [[f"{group}{(i + j) % 4}" for j in range(3)] for group in "ab" for i in range(4)] * 30
    ws.train(groups, output=path, kind="items", dim=4, epochs=3, progress=False, threads=1)
    return str(path)


def test_a_pipe_answers_before_its_input_ends(items: str) -> None:
    model = ws.load(items)
    with pipe("vectors", items, "-") as process:
        for word in ("a1", "b2"):
            name, *numbers = answer(process, word).split()
            assert name == word
            assert [float(number) for number in numbers] == pytest.approx(model[word].tolist())
        assert answer(process, "none").split() == ["none", "0", "0", "0", "0"]
        assert process.communicate()[1] == "wordsparse: the word 'none' is not in the vocabulary\n"
    with pipe("next", items, "-", "-n", "2") as process:
        assert set(answer(process, "a0 a1").split()) == {"a2", "a3"}
        assert len(answer(process, "none").split()) == 2  # the most frequent items
    with pipe("similar", items, "-", "-n", "1", "--json") as process:
        assert json.loads(answer(process, "a1"))["word"] == "a1"
        process.stdin.write("none\n\n")  # these two lines have no answer, but the next line has
        assert json.loads(answer(process, "a1 b1"))["words"] == ["a1", "b1"]
    with pipe("documents", items, "-", "-o", "-") as process:
        for text in ("a1 a2", "b1"):
            row = json.loads(answer(process, text))
            assert row == {"vector": pytest.approx(model.encode(text).tolist(), abs=1e-6)}


def test_a_minus_is_standard_input(items: str, tmp_path: Path) -> None:
    """Previously, the argument - was taken as the name of a file."""
    text = tmp_path / "text.txt"
    text.write_text("a0 new a1\nb1 b2\n" * 9)
    for words, output, file in (
        (["encode", str(text)], "encoded", "shard-00000.i32"),
        (["infer", items], "new.npz", ""),
        (["documents", items], "rows.npy", ""),
    ):
        command = [sys.executable, "-m", "wordsparse", *words, "-", "-o", str(tmp_path / output)]
        subprocess.run(command, input=text.read_bytes(), check=True, capture_output=True)
        assert main([*words, str(text), "-o", str(tmp_path / f"of-{output}")]) == 0
        assert (tmp_path / output / file).read_bytes() == (tmp_path / f"of-{output}" / file).read_bytes()
    command = [sys.executable, "-m", "wordsparse", "encode", "-", "-o", str(tmp_path / "none")]
    refused = subprocess.run(command, input=gzip.compress(b"b c"), capture_output=True, check=False)
    assert refused.returncode == 2
    assert b"/dev/stdin: is binary, not text" in refused.stderr


def test_documents_are_read_as_the_text_of_the_model(tmp_path: Path, capfd: Output) -> None:
    rows, plain = tmp_path / "rows.jsonl", tmp_path / "plain.txt"
    rows.write_text('{"id": "x", "body": "a cat"}\n{"id": "y", "body": "the dog"}\n' * 9)
    plain.write_text("a cat\n")
    ws.train(rows, output=tmp_path / "m", column="body", tokens="simple", dim=3, epochs=1, min_count=1, progress=False)
    for file, options in ((rows, ["--keep", "id"]), (plain, [])):
        assert main(["documents", str(tmp_path / "m"), str(file), "-o", "-", *options]) == 0
        first = json.loads(capfd.readouterr().out.splitlines()[0])
        assert first["vector"] == pytest.approx(ws.load(tmp_path / "m").encode("a cat").tolist(), abs=1e-6)
        assert first.get("id", "x") == "x"


def test_items_with_spaces_are_asked_for_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Output
) -> None:
    """Previously, models could be trained on items with spaces, but standard input could not name such items."""
    baskets = [[f"item {i}", f"item {(i + 1) % 5}", "7", "[9]"] for i in range(5)] * 20
    model = ws.train(baskets, output=tmp_path / "m", kind="items", dim=3, progress=False)

    def answers(command: str, lines: str, *options: str) -> tuple[int, list[str]]:
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        return main([command, str(tmp_path / "m"), "-", *options]), capfd.readouterr().out.splitlines()

    status, lines = answers("next", '["item 1", "none"]\n "item 2"\n7\n[7]\n[9]\n["item 1"\n', "-n", "2")
    baskets = (["item 1"], ["item 2"], ["7"], ["7"], ["[9]"])
    expected = [[item for item, _ in model.predict(basket, 2)] for basket in baskets]
    popular = [item for item, _ in model.predict([], 2)]
    assert (status, [json.loads(line) for line in lines]) == (0, [*expected, popular])
    status, lines = answers("similar", '"item 1"\n["item 1", "item 2"]\n', "-n", "1")
    near = [model.wv.similar(words, 1)[0] for words in (["item 1"], ["item 1", "item 2"])]
    assert (status, lines) == (0, [f"{word} {cosine:.3f}" for word, cosine in near])
    assert answers("vectors", '"item 1"\n', "--json")[1] == [
        json.dumps({"vectors": {"item 1": model["item 1"].tolist()}})
    ]
    assert answers("next", "[]\n\n", "-n", "2") == (0, 2 * [json.dumps(popular)])
    for command in ("similar", "vectors"):
        assert answers(command, '"item 9"\nitem 1\n')[0] == 1  # no line has an answer
        assert answers(command, "\n")[0] == 0


def test_the_next_item_is_one_of_the_same_group(items: str, capsys: Output) -> None:
    ranked = ws.load(items).predict(["a0", "none"], 7)
    assert [item for item, _ in ranked[:3]] == sorted(["a1", "a2", "a3"], key=dict(ranked).__getitem__, reverse=True)
    assert sum(score for _, score in ranked) == pytest.approx(1)  # a0 is excluded
    assert main(["next", items, "a0", "none", "-n", "7", "--json"]) == 0
    shown = capsys.readouterr()
    expected = [{"item": item, "score": pytest.approx(score)} for item, score in ranked]
    assert json.loads(shown.out) == {"items": ["a0", "none"], "next": expected}
    notice = "the numbers are scores, not probabilities: the model is not calibrated (too few baskets, or --no-memory)"
    assert shown.err == f"{notice}\nnone: not in the vocabulary; ignored\n"
    assert main(["next", items, "none", "-n", "1"]) == 0
    message = "wordsparse: 1 of 1 basket with no item in the vocabulary; the answer is the most frequent items"
    assert capsys.readouterr().err.splitlines() == [notice, message, "none: not in the vocabulary; ignored"]


def test_predict_needs_probabilities(tmp_path: Path) -> None:
    model = ws.train([["a", "b", "c"]] * 20, loss="squared", dim=2, epochs=1, min_count=1, progress=False)
    with pytest.raises(ws.InputError, match="loss bounded-ns"):
        model.predict(["a"])


def test_the_beginning_of_a_name_is_answered_with_the_name(tmp_path: Path, capsys: Output) -> None:
    films = ["Star Wars (1977)", "Fargo (1996)", "Return of the Jedi (1983)"]
    path = str(tmp_path / "m")
    options = {"kind": "items", "dim": 3, "epochs": 1, "progress": False}
    ws.train([films, films[:2]] * 60, output=path, **options)
    assert main(["next", path, "Star Wars", "Fargo (1996)"]) == 0
    assert "Star Wars: not in the vocabulary; ignored; did you mean 'Star Wars (1977)'?" in capsys.readouterr().err

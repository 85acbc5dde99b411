"""The recipes in docs/databases.md and the service in docs/vectors.md run unchanged if their packages are installed."""

import json
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from support.pages import SHOWN
from support.topics import two_topics

import wordsparse as ws
from wordsparse.cli import main

PAGES = Path(__file__).resolve().parents[2] / "docs"
STORES, MAPS = (PAGES / "databases.md").read_text().split("## Maps and topics")
START, *RECIPES = re.findall(r"```python\n(.*?)```", STORES, re.DOTALL)


def package(recipe):
    """Return the package that a recipe needs."""
    return re.findall(r"^(?:import|from) (\w+)", recipe, re.MULTILINE)[-1]


@pytest.mark.parametrize("recipe", RECIPES, ids=map(package, RECIPES))
def test_a_recipe_runs(recipe, tmp_path, monkeypatch):
    pytest.importorskip(package(recipe), reason=f"{package(recipe)} is not installed")
    monkeypatch.chdir(tmp_path)
    lines = ["The king and the queen have a crown.", "A loaf of bread and milk."] * 100
    ws.train(iter(lines), tokens="simple", dim=8, output="model", progress=False)
    known = {}
    exec(START + recipe, known)
    near = known["near"]
    assert len(near) == 2
    assert "king" in str(near[0]) or "crown" in str(near[0])


def topical_texts():
    return [" ".join(words) for words in two_topics(400)]


def test_the_recipes_for_topics_and_their_map_run(tmp_path, monkeypatch):
    for name in ("bertopic", "datamapplot"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    monkeypatch.chdir(tmp_path)
    texts = topical_texts()
    vectors = ws.train(iter(texts), tokens="split", dim=8, progress=False).encode(texts)
    known = {"texts": texts, "vectors": vectors}
    for recipe in re.findall(r"```python\n(.*?)```", MAPS, re.DOTALL):
        exec(recipe, known)
    topics = known["topics"].topics_
    assert not set(topics[::2]) & set(topics[1::2]) - {-1}  # every topic has texts of one kind
    assert len(set(topics)) > 1
    assert Path("map.png").stat().st_size > 10_000


def test_embedding_atlas_reads_the_vectors_of_documents(tmp_path, monkeypatch):
    if shutil.which("embedding-atlas") is None:
        pytest.skip("Embedding Atlas is not installed")
    monkeypatch.chdir(tmp_path)
    texts = topical_texts()
    Path("posts.jsonl").write_text("\n".join(json.dumps({"id": 1, "year": 2, "text": text}) for text in texts))
    ws.train(iter(texts), tokens="split", dim=8, output="model", progress=False)
    documents, atlas = re.findall(r"^    (\S.*)$", MAPS, re.MULTILINE)
    assert main(shlex.split(documents)[1:]) == 0
    subprocess.run([*shlex.split(atlas), "--export-application", "atlas.zip"], check=True)
    assert Path("atlas.zip").stat().st_size > 1_000_000


def test_programs_of_the_page_vectors_run_in_several_threads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    baskets = [["bread", "butter", "jam"], ["beer", "nuts"]] * 50
    ws.train(baskets, kind="items", dim=64, output="model", progress=False)
    service = {}
    page = (PAGES / "vectors.md").read_text()
    _, smaller, many, program, mapped = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(smaller, sizes := {"model": ws.load("model"), "ws": ws})
    assert sizes["served"].similar("bread", 2) == sizes["small"].rounded("int8").similar("bread", 2)
    chess = ws.WordVectors(["king", "queen", "bishop", "rook"], np.eye(4))
    exec(many, known := {"model": SimpleNamespace(wv=chess)})
    assert [word for word, _ in known["near"]] == ["queen", "bishop", "rook"]
    assert known["words"].tolist() == [["queen", "bishop", "rook"], ["king", "bishop", "rook"]]
    exec(program, service)
    ws.load("model").export("vectors.npz")
    exec(mapped, service)
    assert len(service["vectors"]) == 5
    model, asked = service["model"], TestClient(service["app"])
    assert [word for word, _ in asked.get("/similar/bread", params={"n": 2}).json()] == [
        word for word, _ in model.wv.similar("bread", 2)
    ]
    assert asked.get("/similar/brad").status_code == 404
    assert asked.post("/predict", json=[["beer"]]).json()[0][0][0] == "nuts"
    np.testing.assert_allclose(asked.post("/encode", json=["bread jam"]).json(), model.encode(["bread jam"]), rtol=1e-6)


def test_threads_encode_unknown_words_as_one_does():
    vectors = ws.train([f"word{i % 50} other{i % 7}".split() for i in range(2000)], dim=4, progress=False)
    texts = [f"word{i}x other{i}y" for i in range(3000)]
    expected = ws.WordVectors(vectors.wv.words, vectors.wv.vectors, vectors.wv.counts)
    expected.ngrams = vectors.wv.ngrams
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: vectors.encode(texts[start : start + 50]), range(0, 3000, 50)))
    np.testing.assert_array_equal(np.concatenate(found), expected.encode(texts))


def test_search_and_sentences_from_the_first_command_to_the_last(tmp_path, monkeypatch):
    """The commands and programs of two pages run in their order, with a small dim.

    tests/test_outputs.py runs those that show their output."""
    monkeypatch.chdir(tmp_path)
    texts = [
        "Heat, heated, heating: conduction in composite slabs.",
        "A wing, wings, winged: lift in a slipstream.",
    ] * 20
    texts += ["Slabs conduct heat in aircraft.", "The lift of wings."]
    Path("text.txt").write_text("\n".join(texts))
    Path("lines.txt").write_text("Heat\n\nWings\n")
    Path("sts.tsv").write_text("5\tThe heat.\tHeat!\n1\tA wing\tslabs\n3\theat, wings\twings\n")
    rows = [{"_id": str(row), "id": row, "year": 1960, "text": text} for row, text in enumerate(texts)]
    for name in ("docs", "posts", "collection/corpus", "collection/queries"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows[-2:] if "queries" in name else rows)))
    Path("new.jsonl").write_text('{"id": 0, "year": 1961, "text": "heat in slabs"}\n')
    Path("gone.txt").write_text("1\n")
    Path("judged.tsv").write_text("question\tid\nheat in slabs\t0\n")
    Path("collection/qrels").mkdir()
    Path("collection/qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n40\t0\t1\n41\t1\t1\n")
    known = {}
    text = "".join((PAGES / page).read_text() for page in ("searching.md", "sentences.md")).replace("300", "8")
    parts = re.findall(
        r"^    ((?:wordsparse|echo) [^\n]*)$|^```python\n(.*?)^```$",
        SHOWN.sub("", text),
        re.MULTILINE | re.DOTALL,
    )
    for command, program in parts:
        if "SentenceTransformer" in program:
            continue
        if program:
            exec(program, known)
            continue
        shell = re.match(r'(?:echo "(.*?)" \| )?wordsparse (.*?)(?:  +#.*)?$', command)
        assert shell
        Path("piped.txt").write_text(f"{shell[1]}\n")
        assert main(shlex.split(shell[2].replace(" - ", " piped.txt "))) == 0, command
    assert "conduction" in known["best"][0][2]
    assert [hit.document["id"] for hit in known["hits"]] == ["a"]
    hit = (
        TestClient(known["app"]).get("/search", params={"question": "heat in slabs", "filter": "year > 1960"}).json()[0]
    )
    assert (hit["document"], hit["snippet"], hit["matched"]) == (
        {"id": 0, "year": 1961},
        "heat in slabs",
        ["heat", "in", "slabs"],
    )
    assert TestClient(known["app"]).get("/search", params={"question": "heat", "filter": "yeer > 1"}).status_code == 400
    assert len(parts) == 21

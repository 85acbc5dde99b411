"""Next items are predicted for many baskets at once, and each basket gets the same answer as on its own."""

import io
import json
import logging
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus import Vocabulary
from wordsparse.errors import InputError
from wordsparse.files import storage
from wordsparse.words import prediction

V, DIM = 150, 5
WORDS = [f"item {i}" for i in range(V)]


def made(**arrays):
    """Make a model of small whole numbers, so that many items are equally probable."""
    random = np.random.default_rng(0)
    E, W = (random.integers(-2, 3, (V, width)).astype(np.float32) for width in (DIM, DIM + 1))
    W[V // 2 :] = W[: V - V // 2]
    counts = np.repeat([9, 4, 1], V // 3)
    return ws.Model(
        Vocabulary(WORDS, counts),
        **{"input_rows": E, "output_rows": W / 9, **arrays},
        options={"kind": "items"},
        report={},
    )


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture(scope="module")
def baskets():
    random = np.random.default_rng(1)
    lists = [random.choice([*WORDS, "none"], n).tolist() for n in random.integers(0, 9, 300)]
    return [*lists, [], ["none"], [WORDS[3], WORDS[3], WORDS[5]], WORDS]


def plain(model, basket, n):
    """Predict directly from the definition, in float64 and with a stable sort."""
    counts = np.asarray(model.vocabulary.counts, float)
    rows = [WORDS.index(item) for item in basket if item in model]
    pi = counts**0.5 / (counts**0.5).sum()
    h = np.append(model.input_rows[rows].mean(axis=0), 1) if rows else 0
    outputs = (model.output_rows.astype(float) / np.sqrt(pi)[:, None]) @ h if rows else np.log(counts / pi)
    shares = pi * np.exp(outputs - outputs.max())
    shares /= np.delete(shares, rows).sum() or 1  # the items of the basket are excluded
    order = [row for row in np.argsort(-shares.round(9), kind="stable").tolist() if row not in rows]
    return [(WORDS[row], shares[row]) for row in order[:n]]


def test_every_basket_is_answered_as_if_alone(model, baskets, monkeypatch):
    answers = model.predict(baskets, 7)
    assert answers == [model.predict(basket, 7) for basket in baskets]  # exactly equal
    for basket, answer in zip(baskets, answers, strict=True):
        expected = plain(model, basket, 7)
        np.testing.assert_allclose(*([p for _, p in each] for each in (answer, expected)), rtol=1e-5)
    assert answers[-1] == []  # the basket has every item
    for blocks in ((16, 1, 32), (1000, 64, 64)):
        for name, size in zip(("BASKETS", "FIRST", "WORDS"), blocks, strict=True):
            monkeypatch.setattr(prediction, name, size)
        for answer, again in zip(answers, model.predict(baskets, 7), strict=True):
            assert [item for item, _ in answer] == [item for item, _ in again]
    whole = model.predict(baskets[0], 10**6)
    assert len(whole) == V - len({*baskets[0]} & {*WORDS})
    assert model.predict([], 3) == [(item, pytest.approx(9 / 700)) for item in WORDS[:3]]
    assert model.predict(iter([]), 3) == model.predict([], 3)


def test_equal_probabilities_are_ordered_by_row(baskets):
    constant = made(output_rows=np.zeros((V, DIM + 1), np.float32))
    for basket, answer in zip(baskets, constant.predict(baskets, V), strict=True):
        assert [item for item, _ in answer] == [item for item in WORDS if item not in basket]


@pytest.mark.parametrize("dtype", [np.float64, np.int8, bool])
@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix, sp.coo_array])
def test_a_matrix_has_a_column_for_each_word(model, baskets, dtype, kind):
    sets = [sorted({*basket} & {*WORDS}) for basket in baskets]
    X = np.array([[item in basket for item in WORDS] for basket in sets])
    assert model.predict(kind(X.astype(dtype)), 4) == model.predict(sets, 4)
    twice = sp.csr_array(([2.0, 1.0, 0.0], ([0, 0, 0], [3, 5, 9])), (1, V))
    assert model.predict(twice, 4) == [model.predict([WORDS[3], WORDS[3], WORDS[5]], 4)]
    assert twice.nnz == 3  # the caller's matrix is unchanged
    assert model.predict(twice[:0], 4) == []


def test_items_are_left_out_or_chosen(model, baskets):
    whole = model.predict(baskets, V, exclude=[])
    assert {len(answer) for answer in whole} == {V}
    hidden = WORDS[::2]
    for basket, every, answer, own, few in zip(
        baskets,
        whole,
        model.predict(baskets, V, exclude=[*hidden, "none"]),
        model.predict(baskets, V, exclude=baskets),
        model.predict(baskets, V, candidates=[*hidden, "none"]),
        strict=True,
    ):
        for part, out in ((answer, hidden), (own, basket)):
            expected = [each for each in every if each[0] not in out]
            assert [item for item, _ in part] == [item for item, _ in expected]
            shares = np.array([[share for _, share in each] for each in (part, expected)])
            np.testing.assert_allclose(shares[0], shares[1] / (shares[1].sum() or 1), rtol=1e-4)
        assert few == [each for each in own if each[0] in hidden]
    matrix = sp.csr_array(np.eye(1, V, 4).repeat(len(baskets), 0))
    assert model.predict(baskets, 9, exclude=matrix) == model.predict(baskets, 9, exclude=[WORDS[4]])


def test_baskets_without_a_known_item_get_the_most_frequent(model, caplog):
    with caplog.at_level(logging.WARNING, "wordsparse"):
        one, two, three = model.predict([["none"], ["item 9"], []], 2, candidates=["item 60", "item 9", "item 7"])
        model.predict(["none"])
        model.predict([1, 2.0, np.str_("item 3")])  # numbers become text, as in tables
    assert [item for item, _ in one] == [item for item, _ in three] == ["item 7", "item 9"]
    assert [item for item, _ in two] != ["item 7", "item 9"]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "2 of 3 baskets" in said[0]
    assert "1 of 1 basket " in said[1]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Write an event log with two kinds of users, and train on it."""
    folder, random = tmp_path_factory.mktemp("log"), np.random.default_rng(0)
    rows = [f"{time},{user},item {user % 2} {random.integers(6)}" for time in range(5) for user in range(80)]
    (folder / "log.csv").write_text("\n".join(["time,user,item", *rows, "9,new,unknown", "9,,item 0 1"]))
    options = {
        "kind": "items",
        "column": "item",
        "group_by": "user",
        "order_by": "time",
        "threads": 1,
        "progress": False,
    }
    ws.train(folder / "log.csv", output=folder / "m", min_count=2, dim=3, **options)
    return folder


def test_a_model_of_an_earlier_version_is_read(log: Path, tmp_path: Path) -> None:
    """Earlier versions had other names of options, stored principal axes, and had no new items."""
    model = ws.load(log / "m")
    *_, axes = model.combined()[1]
    replace(model, axes=axes, is_principal=False).save(tmp_path / "m")
    file = tmp_path / "m" / "model.json"
    content = json.loads(file.read_text())
    del content["principal"], content["memory"]["numbers"]["new"]
    content["options"]["preset"] = content["options"].pop("kind")
    content["call"] |= {"group": content["call"].pop("group_by"), "order": content["call"].pop("order_by")}
    content.pop("sha256")
    storage.write_manifest(file, content)
    older, table = ws.load(tmp_path / "m"), pd.read_csv(log / "log.csv")
    assert older.vectors.tobytes() == model.vectors.tobytes()
    assert older.predict(table, 3) == model.predict(table, 3)
    again = ws.train(log / "log.csv", output=tmp_path / "m", resume=True, epochs=21, progress=False)
    assert (again.options["kind"], again.call["group_by"]) == ("items", "user")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_log_is_answered_by_user(log, suffix, capsys):
    path, table, model = log / f"next{suffix}", pd.read_csv(log / "log.csv"), ws.load(log / "m")
    assert main(["next", str(log / "m"), str(log / "log.csv"), "-n", "3", "-o", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(path), "baskets": 81, "unknown": 1}
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_json(path, lines=True))
    rows = read(path).astype({"user": str})
    assert [*rows] == ["user", "rank", "item", "score"]
    found = {user: [*zip(part["item"], part["score"], strict=True)] for user, part in rows.groupby("user")}
    expected = {user: model.predict(part["item"].tolist(), 3) for user, part in table.groupby("user")}
    assert model.predict(table, 3) == model.predict(log / "log.csv", 3, group_by="user") == expected
    assert {user: [(item, pytest.approx(p)) for item, p in answer] for user, answer in expected.items()} == found
    assert rows["rank"].tolist() == [1, 2, 3] * 81


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_why_an_item_comes_next(log, suffix, capsys, monkeypatch):
    path, table, model = log / f"why{suffix}", pd.read_csv(log / "log.csv"), ws.load(log / "m")
    command = ["next", str(log / "m")]
    assert main([*command, str(log / "log.csv"), "-n", "3", "--why", "2", "-o", str(path)]) == 0
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_json(path, lines=True))
    rows = read(path).astype({"user": str})
    assert [*rows] == ["user", "rank", "item", "score", "because"]
    because = rows["because"].map(json.loads if suffix == ".csv" else list).tolist()
    explained = model.explain(table, 3)
    assert because == [[*each.shares][:2] for user in sorted(explained) for each in explained[user]]
    basket = ["item 0 1", "item 0 3", "item 0 4"]
    expected = {each.word: dict([*each.shares.items()][:2]) for each in model.explain(basket, 2)}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(basket) + "\n"))
    capsys.readouterr()
    for asked in (basket, ["-"]):
        assert main([*command, *asked, "-n", "2", "--why", "2"]) == 0
        lines = capsys.readouterr().out.splitlines()
        if asked == ["-"]:
            assert json.loads(lines[0]) == expected
        else:
            assert [line.count(" +") + line.count(" -") for line in lines] == [2, 2]
    assert main([*command, *basket, "-n", "2", "--why", "2", "--json"]) == 0
    assert {each["item"]: each["because"] for each in json.loads(capsys.readouterr().out)["next"]} == expected
    with pytest.raises(InputError, match="unknown option topn: did you mean n"):
        model.explain(basket, topn=2)


def test_a_row_of_weight_n_is_n_rows(log):
    rows = pd.read_csv(log / "log.csv")
    rows["n"] = 1 + np.arange(len(rows)) % 4
    times = rows.loc[rows.index.repeat(rows["n"])].drop(columns="n")
    rows.to_csv(log / "weighted.csv", index=False)
    times.to_csv(log / "repeated.csv", index=False)
    how = {"kind": "items", "column": "item", "group_by": "user", "dim": 3, "threads": 1, "progress": False}
    models = ws.train(log / "weighted.csv", weight_column="n", **how), ws.train(log / "repeated.csv", **how)
    np.testing.assert_array_equal(models[0].wv.vectors, models[1].wv.vectors)
    models[0].save(log / "w")  # the model records its column of weights as the default
    models[1].save(log / "r")
    assert models[0].predict(rows, 3) == models[0].predict(rows, 3, weight_column="n") == models[1].predict(times, 3)
    written = []
    for name, table in (("w", "weighted"), ("r", "repeated")):
        asked = [str(log / name), str(log / f"{table}.csv")]
        assert main(["next", *asked, "-n", "2", "-o", str(log / f"{name}.csv")]) == 0
        assert main(["documents", *asked, "--group-by", "user", "-o", str(log / f"{name}.jsonl")]) == 0
        scores = ws.evaluate(log / name, next=[log / f"{table}.csv"])["next"][table]
        written.append(((log / f"{name}.csv").read_text() + (log / f"{name}.jsonl").read_text(), scores["model"]))
    assert written[0] == written[1]
    assert main(["documents", str(log / "w"), str(log / "weighted.csv"), "--weight-column", "n", "-o", "-"]) == 2


def test_a_log_without_a_file_for_its_answers_is_refused(log, capsys):
    command = ["next", str(log / "m"), str(log / "log.csv")]
    for options, message in (
        ([], "-o FILE.parquet"),
        (["--group-by", "user"], "-o FILE.parquet"),
        (["-o", str(log / "log.csv")], "is an input too"),
        (["-o", str(log / "a.txt")], "choose one of these suffixes"),
        (["-o", str(log / "a.csv"), "--group-by", "item"], "--group-by item"),
        (["-o", str(log / "a.csv"), "--group-by", "client"], "no column 'client'"),
    ):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err
    assert not (log / "a.csv").exists()


def test_the_page_recommend_runs_from_the_first_command_to_the_last(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    days = [f"2026-{month}-{day:02}" for month in (10, 11) for day in range(1, 29)]
    rows = [(day, f"user {random.integers(40)}", f"item {random.integers(20)}") for day in days for _ in range(20)]
    pd.DataFrame(rows, columns=["time", "user", "item"]).to_csv("log.csv", index=False)
    titles = [{"item": f"item {i}", "title": f"a {'new' if i < 7 else 'green'} title of it"} for i in range(20)]
    titles.append({"item": "new item 3", "title": "a green one"})
    (tmp_path / "new.txt").write_text("new item 3\n")
    pd.DataFrame(titles).to_csv("items.csv", index=False)
    page = (Path(__file__).resolve().parents[2] / "docs" / "recommend.md").read_text()
    parts = re.findall(r"^    wordsparse ([^\n]*)$|^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    known = {}
    for command, program in parts:
        if program:
            exec(program, known)
        else:
            assert main(shlex.split(command)) == 0, command
    assert "item-to-item counts" in capsys.readouterr().out
    assert len(pd.read_csv("next.csv").user.unique()) == len(pd.read_parquet("users.parquet")) == 40
    assert len(known["answers"]) == 3
    assert len(known["near"]) == 5
    assert {*pd.read_csv("new.csv").item} == {"new item 3"}
    assert len(parts) == 17


def test_users_keep_their_type_and_candidates_come_from_a_file(tmp_path, capsys):
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"user": np.arange(90) // 6 * 7, "item": [f"K{i}.{i}-A" for i in random.integers(0, 9, 90)]})
    rows.to_parquet(tmp_path / "log.parquet")
    rows.to_csv(tmp_path / "log.csv", index=False)
    how = {"kind": "items", "column": "item", "group_by": "user", "dim": 2, "threads": 1, "progress": False}
    model = ws.train(tmp_path / "log.parquet", output=tmp_path / "m", **how)
    assert model.vectors.tobytes() == ws.train(tmp_path / "log.csv", **how).vectors.tobytes()
    assert [*model.predict(rows)] == [*rows["user"].astype(str).sort_values().astype(int).unique()]
    (tmp_path / "stock.txt").write_text("K3.3-A\n\nK4.4-A\nnew\n")
    command = ["next", str(tmp_path / "m"), str(tmp_path / "log.parquet"), "--candidates", str(tmp_path / "stock.txt")]
    assert main([*command, "-o", str(tmp_path / "next.parquet")]) == 0
    answers = pd.read_parquet(tmp_path / "next.parquet")
    assert answers["user"].dtype == np.int64
    assert {*answers["item"]} <= {"K3.3-A", "K4.4-A"}
    for suffix in (".csv", ".jsonl", ".parquet"):
        arguments = ["documents", str(tmp_path / "m"), str(tmp_path / "log.parquet"), "--group-by", "user"]
        assert main([*arguments, "-o", str(tmp_path / f"users{suffix}")]) == 0
    users = pd.read_parquet(tmp_path / "users.parquet")
    lists = pd.read_csv(tmp_path / "users.csv", converters={"vector": json.loads})
    np.testing.assert_allclose(model.encode(rows), np.stack(users["vector"]), rtol=1e-6)
    assert users["user"].tolist() == lists["user"].tolist()
    np.testing.assert_allclose(np.stack(users["vector"]), np.array(lists["vector"].tolist()), rtol=1e-6)
    assert users["user"].dtype == np.int64
    rows.replace("K3.3-A", "K3.4-B").to_csv(tmp_path / "new.csv", index=False)
    command = ["infer", str(tmp_path / "m"), str(tmp_path / "new.csv"), "--min-count", "1"]
    assert main([*command, "--group-by", "user", "-o", str(tmp_path / "new.npz")]) == 0
    assert [*ws.read_vectors(tmp_path / "new.npz").words] == ["K3.4-B"]
    capsys.readouterr()


def test_a_tokeniser_that_cuts_items_is_named(caplog):
    ws.train(iter(["K95.4-A K1", "K95.4-A K2"]), kind="items", tokens="unicode", dim=2, epochs=1, progress=False)
    assert "a tokeniser cuts names of items" in caplog.text


def test_names_of_groups_are_found_as_numbers_and_as_text(model):
    """Previously, the answer of user 7 was not found as "7", although the page shows text."""
    frame = pd.DataFrame({"user": [7, 8], "item": WORDS[:2]})
    found = model.predict(frame, 2, column="item", group_by="user")
    assert found["7"] == found[7] == found[np.int64(7)]
    texts = model.predict(frame.astype({"user": str}).replace({"user": {"8": "b"}}), 2, column="item", group_by="user")
    assert texts["7"] == texts[7] == found[7]
    for name in ("9", 9, "c", None):
        with pytest.raises(KeyError):
            found[name]

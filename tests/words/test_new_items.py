"""A model of items has vectors of new items, fitted to features: they are predicted, saved, resumed and scored."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from support.runs import interrupted

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.words.calibration import without_new_items

KINDS, ITEMS = 5, 100
NEW = [f"new {kind}" for kind in range(KINDS)]
OPTIONS = {"kind": "sessions", "dim": 16, "epochs": 3, "threads": 1, "progress": False}


def sessions(n=1500, seed=0):
    """Make sessions of items of mostly one kind. Item i is of kind i modulo KINDS."""
    random, made = np.random.default_rng(seed), []
    for kind in random.integers(0, KINDS, n).tolist():
        others = random.random(8) < 0.2
        items = np.where(others, random.integers(0, ITEMS, 8), kind + KINDS * random.integers(0, ITEMS // KINDS, 8))
        made.append([f"item {i}" for i in dict.fromkeys(items.tolist())])
    return made


def table():
    rows = [(f"item {i}", f"kind {i % KINDS}", i % 7) for i in range(ITEMS)]
    rows += [(name, f"kind {kind}", 3) for kind, name in enumerate(NEW)] + [("lonely", "unheard-of", None)]
    return pd.DataFrame(rows, columns=["item", "kind", "size"])


@pytest.fixture(scope="module")
def log():
    rows = [(user, item, day) for user, items in enumerate(sessions()) for day, item in enumerate(items)]
    return pd.DataFrame(rows, columns=["user", "item", "day"])


@pytest.fixture(scope="module")
def model():
    return ws.train(sessions(), **OPTIONS, features=table())


def of_kind(kind):
    return [f"item {i}" for i in range(kind, ITEMS, 4 * KINDS)]


@pytest.mark.parametrize("kind", ["sessions", "items"])
def test_new_items_are_predicted_after_items_of_their_kind(kind, model):
    if kind == "items":
        model = ws.train(sessions(), **{**OPTIONS, "kind": kind}, features=table())
    assert model.vocabulary.words[ITEMS:] == NEW
    assert model.report["new_items"] == KINDS
    assert model.report["vocab_size"] == ITEMS
    for kind, new in enumerate(NEW):
        assert model.predict(of_kind(kind), 1, candidates=NEW)[0][0] == new
        near = [int(name.split()[1]) % KINDS for name, _ in model.wv.similar(new, 5) if name not in NEW]
        assert near.count(kind) >= 4
        after = [int(name.split()[1]) % KINDS for name, _ in model.predict([new], 5)]  # a session of a new item
        assert after.count(kind) >= 4
    assert sum(share for _, share in model.predict(of_kind(0), ITEMS + KINDS)) == pytest.approx(1, abs=1e-5)


def test_an_unknown_session_ranks_new_items_last(model):
    """Previously, they were as frequent as the mean item, thirty times as likely as after a known session."""
    answer = model.predict([], ITEMS + KINDS)
    assert [item for item, _ in answer[-KINDS:]] == NEW
    assert answer[-1][1] == pytest.approx(1 / (model.vocabulary.counts[:ITEMS].sum() + KINDS), rel=1e-4)
    assert sum(share for _, share in answer) == pytest.approx(1, abs=1e-5)


def test_scores_of_trained_items_stay_the_same(model):
    alone = ws.train(sessions(), **OPTIONS)
    before, now = (dict(each.predict(of_kind(2), ITEMS + KINDS)) for each in (alone, model))
    ratios = [now[item] / before[item] for item in before]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)
    np.testing.assert_allclose(model.vectors[:ITEMS], alone.vectors, atol=1e-4)
    trained = without_new_items(model)
    assert trained.vocabulary.words == alone.vocabulary.words
    np.testing.assert_allclose(trained.output_rows, alone.output_rows, rtol=1e-5)
    assert (trained.memory.new, trained.memory.features) == (0, None)
    again = dict(trained.predict(of_kind(2), ITEMS))
    assert again == pytest.approx(before, rel=1e-4)


def test_new_items_are_saved_and_have_the_same_bytes_on_any_threads(model, tmp_path):
    model.save(tmp_path / "m")
    saved = ws.load(tmp_path / "m")
    assert saved.predict([of_kind(1)], 20) == model.predict([of_kind(1)], 20)
    again = ws.train(sessions(), **{**OPTIONS, "threads": 3}, features=table())
    for name in ("input_rows", "output_rows", "vectors"):
        assert getattr(again, name).tobytes() == getattr(model, name).tobytes()


def test_a_continued_model_keeps_its_features(model):
    more = model.train([["new 0", *of_kind(0)]] * 30 + sessions(100, 1), progress=False)
    assert more.vocabulary.words[ITEMS:] == ["new 0", *NEW[1:]]
    assert more.report["new_items"] == KINDS - 1
    assert more.predict(of_kind(3), 1, candidates=NEW)[0][0] == "new 3"
    assert more.vocabulary.counts[ITEMS] == 30
    assert more.predict(of_kind(0), 3)[0][0] in ("new 0", *(f"item {i}" for i in range(0, ITEMS, KINDS)))
    other = table().replace({"item": {"new 4": "newer 4"}})
    refitted = model.train(sessions(), features=other, progress=False)  # the same text, so only the features are new
    assert refitted.vocabulary.words[ITEMS:] == [*NEW[:4], "newer 4"]
    same = refitted.train(sessions(), features=other, progress=False)  # previously, the last bits of rows changed
    assert same.output_rows.tobytes() == refitted.output_rows.tobytes()
    none = model.train(sessions(), features=table()[:ITEMS], progress=False)
    assert (none.report["new_items"], len(none), model.report["new_items"]) == (0, ITEMS, KINDS)
    assert len(none.train(sessions(50, 2), progress=False)) == ITEMS
    assert refitted.predict(of_kind(4), 1, candidates=["newer 4", *NEW])[0][0] == "newer 4"


def test_an_interrupted_run_reads_the_features_again(tmp_path, log):
    table().to_csv(tmp_path / "items.csv", index=False)
    log.to_csv(tmp_path / "log.csv", index=False)
    how = {**OPTIONS, "column": "item", "group_by": "user", "order_by": "day", "features": tmp_path / "items.csv"}
    how["half_life"] = 5.0  # previously, new features for a log weighed by age ended in an error of NumPy
    whole = ws.train(tmp_path / "log.csv", output=tmp_path / "whole", **how)
    interrupted(tmp_path / "log.csv", tmp_path / "m", 3000, **{**how, "batch_tokens": None, "min_count": None})
    resumed = ws.train(tmp_path / "log.csv", output=tmp_path / "m", resume=True, progress=False)
    assert resumed.vocabulary.words == whole.vocabulary.words
    assert resumed.output_rows.tobytes() == whole.output_rows.tobytes()
    other = table().replace({"item": {"new 4": "newer 4"}})
    other.to_csv(tmp_path / "items.csv", index=False)
    again = ws.train(
        tmp_path / "log.csv", output=tmp_path / "m", resume=True, progress=False, features=tmp_path / "items.csv"
    )
    assert ws.load(tmp_path / "m").vocabulary.words == again.vocabulary.words
    assert "newer 4" in again.vocabulary


def test_the_command_line(tmp_path, log, capsys):
    held = log["item"].isin([f"item {i}" for i in range(10)])
    log.to_csv(tmp_path / "log.csv", index=False)
    log[~held].to_csv(tmp_path / "before.csv", index=False)
    table().to_csv(tmp_path / "items.csv", index=False)
    where = ["--column", "item", "--group-by", "user", "--order-by", "day"]
    how = ["--for", "sessions", "--features", str(tmp_path / "items.csv"), "--dim", "16", "--epochs", "3", "-q"]
    assert main(["train", str(tmp_path / "before.csv"), "-o", str(tmp_path / "m"), *where, *how]) == 0
    capsys.readouterr()
    (tmp_path / "new.txt").write_text("new 1\nnew 3\nitem 3\nitem x\n", "utf-8-sig")
    candidates = ["--candidates", str(tmp_path / "new.txt"), "--json"]
    assert main(["next", str(tmp_path / "m"), "item 11", "item 16", "item 21", *candidates]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["next"][0]["item"] == "new 1"
    assert "new.txt: 1 of 4 lines not in the vocabulary; ignored: 'item x'" in shown.err
    assert main(["evaluate", str(tmp_path / "m"), "--next", str(tmp_path / "log.csv"), "--cold", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["next"]["log"]
    assert set(scores) == {"model", "category", "difference"}
    assert scores["model"]["ndcg10"] > scores["category"]["ndcg10"] + 0.1
    assert scores["model"]["oov"] == 0
    assert main(["evaluate", str(tmp_path / "m"), "--next", str(tmp_path / "log.csv"), "--cold"]) == 0
    assert "popularity by features" in capsys.readouterr().out
    since = ["--since", "6"]
    assert main(["evaluate", str(tmp_path / "m"), "--next", str(tmp_path / "log.csv"), "--cold", "--json", *since]) == 0
    last = log[held & (log["day"] >= 6)]["user"].nunique()
    assert json.loads(capsys.readouterr().out)["next"]["log"]["model"]["n"] == last


def test_items_without_shared_features_are_left_out_with_a_message(caplog):
    with caplog.at_level(logging.INFO):
        ws.train(sessions(), **OPTIONS, features=table())
    assert "new items with vectors from features: 5; left out" in caplog.text
    assert "of the log: 1" in caplog.text


def test_cold_evaluation_needs_new_items(tmp_path, log):
    log.to_csv(tmp_path / "log.csv", index=False)
    plain = ws.train(log, column="item", group_by="user", order_by="day", **OPTIONS)
    with pytest.raises(ws.InputError, match="needs new items"):
        ws.evaluate(plain, next=[tmp_path / "log.csv"], cold=True)
    with pytest.raises(ws.InputError, match="applies to event logs"):
        ws.evaluate("vectors.txt", cold=True)

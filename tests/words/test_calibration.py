"""A model of items remembers pairs, and its probabilities come true: trained, saved, resumed and continued."""

import json

import numpy as np
import pandas as pd
import pytest
from support.runs import interrupted
from support.texts import SHORT

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus import EncodedCorpus
from wordsparse.items import memory
from wordsparse.words import text_source
from wordsparse.words.options import Options

ITEMS = 60
OPTIONS = {"kind": "sessions", "dim": 8, "epochs": 2, "threads": 1, "progress": False}


def sessions(seed, n=800):
    """Make sessions in which each item is followed by one of the five items after it, or by any item."""
    random, made = np.random.default_rng(seed), []
    for _ in range(n):
        items = [int(random.integers(ITEMS))]
        while len(items) < 8:
            step = random.integers(1, 6) if random.random() < 0.7 else random.integers(ITEMS)
            if (item := int((items[-1] + step) % ITEMS)) not in items:
                items.append(item)
        made.append([f"item {item}" for item in items])
    return made


@pytest.fixture(scope="module")
def model():
    return ws.train(sessions(0), **OPTIONS)


def test_last_items_are_hidden_from_training_and_from_the_memory(tmp_path):
    log = sessions(0)
    corpus = ws.encode(log, tmp_path / "log", min_count=1)
    source, options = text_source.TextSource(corpus), Options(kind="sessions", seed=3)
    places = source.last_items(options)
    assert len(places) == 800 * 8 // text_source.EACH
    items, owners, lasts = source.histories(options, corpus.vocabulary)
    words = corpus.vocabulary.words
    for i, (first, last) in enumerate(places.tolist()):
        session = log[first // 9]
        assert (first % 9, last % 9) == (0, 7)
        assert [words[row] for row in items[owners == i]] == session[:-1]
        assert words[lasts[i]] == session[-1]
    passes = source.passes(options, corpus.vocabulary)
    assert passes.tokens == 800 * 8 - len(places)
    values = np.concatenate([np.asarray(p.ids)[p.start : p.stop] for p in passes.train(lambda position: 1000)])
    hidden = np.flatnonzero((values == -2)[:-1] & (values == -2)[1:])
    assert hidden.tolist() == places[:, 1].tolist()
    assert not len(source.last_items(Options(kind="sessions", memory=False)))
    assert not len(source.last_items(Options(kind="sessions", max_tokens=3000)))  # too few to calibrate


def test_probabilities_come_true():
    model = ws.train(sessions(0, 6000), **OPTIONS)
    assert model.report["next"]["users"] == 2400
    new = sessions(1, 3000)
    answers = model.predict([session[:-1] for session in new], 10)
    p = np.array([[share for _, share in answer] for answer in answers])
    came = np.array([[item == s[-1] for item, _ in answer] for s, answer in zip(new, answers, strict=True)])
    assert p[:, 0].mean() == pytest.approx(came[:, 0].mean(), rel=0.2)
    assert p.sum(axis=1).mean() == pytest.approx(came.sum(axis=1).mean(), rel=0.2)
    whole = model.predict(new[0][:-1], ITEMS)
    assert sum(share for _, share in whole) == pytest.approx(1, abs=1e-5)  # over the items that are not excluded
    alone = ws.train(sessions(0), **OPTIONS, memory=False)
    assert alone.memory is None
    assert "next" not in alone.report


@pytest.mark.parametrize("kind", ["sessions", "items"])
def test_the_score_is_the_formula(kind):
    model = ws.train(sessions(0), **{**OPTIONS, "kind": kind})
    by, history = model.report["next"], sessions(2, 1)[0][:5]
    rows, n = [model.vocabulary[item] for item in history], np.asarray(model.vocabulary.counts, float)
    decay = memory.DECAY if kind == "sessions" else 1
    w = np.zeros(ITEMS)
    w[rows] = decay ** np.arange(5)[::-1]
    pi = model.recipe.base_measure(n)
    o = model.output_rows / np.sqrt(pi / pi.sum())[:, None] @ np.append(w @ model.input_rows / w.sum(), 1)
    r = w * n**-0.5 @ model.memory.pairs.toarray() * n**-0.2
    z = by["output"] * o + by["popularity"] * np.log(n / n.sum()) + by["pairs"] * np.log1p(r / by["epsilon"])
    p = np.exp(by["temperature"] * z) * ~np.isin(np.arange(ITEMS), rows)
    expected = dict(zip(model.vocabulary.words, p / p.sum(), strict=True))
    for item, share in model.predict(history, ITEMS):
        assert share == pytest.approx(expected[item], rel=1e-3)


def test_the_memory_is_saved_and_has_the_same_bytes_on_any_threads(model, tmp_path):
    model.save(tmp_path / "m")
    baskets = [session[:-1] for session in sessions(1, 300)]
    assert ws.load(tmp_path / "m").predict(baskets) == model.predict(baskets)
    again = ws.train(sessions(0), **{**OPTIONS, "threads": 3})
    assert model.memory is not None
    assert again.memory is not None
    for name, value in model.memory.arrays().items():
        assert np.array_equal(value, again.memory.arrays()[name])
    with (tmp_path / "m" / "memory.bin").open("r+b") as file:
        file.write(b"\xff")
    with pytest.raises(ws.InputError, match=r"memory\.bin: does not match its checksum"):
        ws.load(tmp_path / "m")


@pytest.mark.parametrize("half_life", ["10d", 10.0])
def test_items_are_weighed_by_age(half_life, tmp_path):
    """Until day 50, item 1 comes after item 0, and later item 2: the memory holds √(w v) for each pair."""
    days = np.random.default_rng(0).integers(0, 100, 900)
    rows = [
        {"user": user, "item": item, "day": day + k / 1e6}
        for user, day in enumerate(days.tolist())
        for k, item in enumerate(["0", "1" if day < 50 else "2", str(3 + user % 9)])
    ]
    table = pd.DataFrame(rows)
    if isinstance(half_life, str):
        table["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(table["day"], unit="D")
    how = {**OPTIONS, "column": "item", "group_by": "user", "order_by": "day", "half_life": half_life}
    model = ws.train(table, **how)
    w = 0.5 ** ((days.max() - days) / 10)
    pairs, (zero, one, two) = model.memory.pairs, (model.vocabulary[item] for item in "012")
    assert pairs[zero, one] == pytest.approx(w[days < 50].sum(), rel=1e-3)
    assert pairs[zero, two] == pytest.approx(w[days >= 50].sum(), rel=1e-3)
    assert model.memory is not None
    assert model.memory.counts[zero] == pytest.approx(w.sum(), rel=1e-3)
    assert model.predict(["0"], 1)[0][0] == "2"
    reading = {name: how[name] for name in ("column", "group_by", "order_by", "half_life")}
    corpus = ws.encode(table, tmp_path / "log", min_count=1, **reading)
    again = EncodedCorpus.open(tmp_path / "log")
    assert again.weights is not None
    assert np.array_equal(again.weights, corpus.weights)
    assert again.sha256 == corpus.sha256
    passes = text_source.TextSource(again).passes(Options(kind="sessions", memory=False), corpus.vocabulary)

    def are_used(size, epoch):
        pieces = passes.train(lambda position: size, epoch=epoch)
        return np.concatenate([np.asarray(piece.ids)[piece.start : piece.stop] for piece in pieces]) >= 0

    shares = np.mean([are_used(1000, epoch) for epoch in range(40)], axis=0)
    is_item = np.asarray(again.shards[0][: len(shares)]) >= 0
    assert np.abs(shares - np.sqrt(again.weights[: len(shares)]))[is_item].mean() < 0.06
    assert np.array_equal(are_used(1000, 3), are_used(77, 3))  # the choice does not depend on how the text is cut
    assert not np.array_equal(are_used(1000, 3), are_used(1000, 4))


@pytest.mark.parametrize("half_life", [None, 10.0])
def test_events_have_weights(half_life, tmp_path):
    """Item 1 after item 0 is a purchase, item 2 a view of weight .2: pairs, counts and steps weigh it as often. A row
    of weight 2.5 is three rows of weight 2.5/3."""
    rows = [
        {"user": user, "item": item, "day": k, "weight": weight}
        for user in range(400)
        for k, (item, weight) in enumerate(zip("0123"[: 1 + user % 4], (1, 1, 0.2, 2.5), strict=False))
    ]
    table, ages = pd.DataFrame(rows), [1, 1, 1, 1] if half_life is None else [0.5 ** ((3 - k) / 10) for k in range(4)]
    how = {**OPTIONS, "column": "item", "group_by": "user", "order_by": "day", "half_life": half_life}
    model = ws.train(table, weight_column="weight", **how)
    pairs, (zero, one, two, three) = model.memory.pairs, (model.vocabulary[item] for item in "0123")
    assert model.memory is not None
    counts, w = model.memory.counts, np.array(ages) * [1, 1, 0.2, 2.5]
    for row, item in enumerate((zero, one, two, three)):
        assert counts[item] == pytest.approx((400, 300, 200, 100)[row] * w[row], rel=1e-5)
    assert pairs[zero, one] == pytest.approx(300 * np.sqrt(w[0] * w[1]), rel=1e-5)
    assert pairs[one, two] == pytest.approx(200 * np.sqrt(w[1] * w[2]), rel=1e-5)
    fades = 1 + memory.FADE + memory.FADE**2
    assert pairs[two, three] == pytest.approx(100 * fades * np.sqrt(w[2] * w[3] / 3), rel=1e-5)
    table["weight"] = "1.0"
    alike = ws.train(table, weight_column="weight", **how), ws.train(table, **how)
    assert alike[0].vectors.tobytes() == alike[1].vectors.tobytes()
    assert (alike[0].memory.counts is not None) == (half_life is not None)


def test_a_run_with_a_half_life_has_the_same_bytes_on_any_threads_and_after_a_kill(tmp_path):
    log = [(user, item.replace(" ", ""), user + k) for user, s in enumerate(sessions(0)) for k, item in enumerate(s)]
    pd.DataFrame(log, columns=["user", "item", "day"]).to_csv(tmp_path / "log.csv", index=False)
    columns = {"column": "item", "group_by": "user", "order_by": "day", "half_life": 300.0}
    how = {**SHORT, **OPTIONS, **columns, "epochs": 3}
    whole = ws.train(tmp_path / "log.csv", **{**how, "threads": 3})
    interrupted(tmp_path / "log.csv", tmp_path / "m", 9000, **{key: how[key] for key in how if key != "progress"})
    resumed = ws.train(tmp_path / "log.csv", resume=True, output=tmp_path / "m", progress=False)
    assert np.array_equal(resumed.vectors, whole.vectors)
    assert np.array_equal(resumed.memory.pairs.data, whole.memory.pairs.data)
    assert not np.array_equal(resumed.vectors, ws.train(tmp_path / "log.csv", **{**how, "half_life": 3e3}).vectors)


def test_resuming_continues_the_memory(model, tmp_path):
    (tmp_path / "a.txt").write_text("".join(" ".join(s).replace("item ", "i") + "\n" for s in sessions(0)))
    (tmp_path / "b.txt").write_text("i3 i90 i4\ni90 i7\n" * 5)
    how = {**SHORT, **OPTIONS}
    whole = ws.train(tmp_path / "a.txt", **how)
    interrupted(tmp_path / "a.txt", tmp_path / "m", 5000, **{key: how[key] for key in how if key != "progress"})
    first = ws.train(tmp_path / "a.txt", resume=True, output=tmp_path / "m", progress=False)
    for name, value in whole.memory.arrays().items():
        assert np.array_equal(first.memory.arrays()[name], value)
    longer = ws.train(tmp_path / "a.txt", output=tmp_path / "m", epochs=3, resume=True, progress=False)
    assert np.array_equal(longer.memory.pairs.data, first.memory.pairs.data)  # pairs are not counted twice
    more = ws.train(tmp_path / "b.txt", output=tmp_path / "m", resume=True, progress=False)
    before, after = longer.memory.pairs.toarray(), more.memory.pairs.toarray()
    three, new, four = (more.vocabulary[item] for item in ("i3", "i90", "i4"))
    np.testing.assert_allclose(after[three, new], 5)
    np.testing.assert_allclose(after[three, four], before[three, four] + 5 * memory.FADE, rtol=1e-5)
    assert more.memory.constants == longer.memory.constants
    assert dict(more.predict(["i3"], 3)).keys() & {"i90"}


def test_models_that_are_not_calibrated_say_that_their_numbers_are_scores(model, tmp_path, capsys):
    model.save(tmp_path / "calibrated")
    ws.train(sessions(0, 20), **OPTIONS).save(tmp_path / "small")
    for name, number in (("calibrated", "probability"), ("small", "score")):
        assert main(["next", str(tmp_path / name), "item 3", "--json"]) == 0
        out, err = capsys.readouterr()
        assert {*json.loads(out)["next"][0]} == {"item", number}
        assert ("scores, not probabilities" in err) == (number == "score")

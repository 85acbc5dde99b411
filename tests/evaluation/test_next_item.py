"""The evaluation of next items gives the scores of a plain loop over users that follows the definition."""

import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.evaluation import bootstrap, next_item

OPTIONS = {"kind": "items", "column": "item", "group_by": "user", "order_by": "time", "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Write an event log in which some items often follow each other, and train a model on its first six months."""
    folder, random = tmp_path_factory.mktemp("log"), np.random.default_rng(0)
    rows = []
    for user in range(120):
        item = random.integers(40)
        for day in np.sort(random.integers(1, 13, random.integers(1, 9))):
            rows.append((f"2026-{day:02}-01", f"user {user}", f"item {item}"))
            item = (item + random.integers(1, 4)) % (60 if day < 7 else 63)  # three items are new after June
    whole = pd.DataFrame(rows, columns=["time", "user", "item"])
    whole.sample(frac=1, random_state=0).sort_values("time", kind="stable").to_csv(folder / "whole.csv", index=False)
    whole[whole["time"] < "2026-07"].to_csv(folder / "before.csv", index=False)
    ws.train(folder / "before.csv", output=folder / "m", dim=6, epochs=9, **OPTIONS)
    return folder


def plain(model, table, since, is_ordered):
    """Compute the scores user by user, without matrices."""
    if is_ordered:
        table = table.sort_values("time", kind="stable")
    words, split = model.vocabulary.words, []
    for _, events in table.groupby("user"):
        items = events["item"].tolist()
        end = len(items) - 1 if since is None else int((events["time"] < since).sum())
        split.append((items[:end], {*items[end:]} - {*items[:end]}))
    split = [(history, new) for history, new in split if history and new]
    known = [[item for item in history if item in model] for history, _ in split]
    fade, back, decay = (0.8, 0.5, 0.7) if is_ordered else (1.0, 1.0, 1.0)
    pairs, n = {}, Counter(item for items in known for item in items)
    for items in known:
        for i, a in enumerate(items):
            for k, b in enumerate(items[i + 1 : i + 21]):
                if a != b:
                    pairs[a, b] = pairs.get((a, b), 0) + fade**k
                    pairs[b, a] = pairs.get((b, a), 0) + back * fade**k
    answers = {"model": [], "popularity": [], "counts": []}
    for items in known:
        new = [word for word in words if word not in items]
        answers["model"].append([item for item, _ in model.predict(items, 10)])
        answers["popularity"].append(new[:10])
        weights = [decay**k * n[a] ** -0.5 for k, a in enumerate(items[::-1])]
        scores = {
            b: sum(w * pairs.get((a, b), 0) for w, a in zip(weights, items[::-1], strict=True)) / max(1, n[b]) ** 0.2
            for b in new
        }
        answers["counts"].append([b for b in sorted(new, key=lambda b: -round(scores[b], 5)) if scores[b]][:10])
    judged = {}
    for side, lists in answers.items():
        hits = [[item in wanted for item in ranked] for ranked, (_, wanted) in zip(lists, split, strict=True)]
        best = [sum(1 / np.log2(2 + i) for i in range(min(10, len(wanted)))) for _, wanted in split]
        gains = [sum(hit / np.log2(2 + i) for i, hit in enumerate(each)) for each in hits]
        judged[side] = {
            "hit10": np.mean([any(each) for each in hits]),
            "ndcg10": np.mean(np.array(gains) / best),
            "n": sum(any(item in model for item in wanted) for _, wanted in split),
            "unjudged": table["user"].nunique() - len(split),
        }
        judged[side]["oov"] = len(split) - judged[side]["n"]
    return {**judged, "calibration": plain_calibration(model, known, [wanted for _, wanted in split])}


def plain_calibration(model, known, wanted):
    """Compare probabilities with what came next, case by case."""
    bins, first, logs = [[] for _ in range(10)], [], []
    for items, new in zip(known, wanted, strict=True):
        whole = model.predict(items, len(model))
        first.append((whole[0][1], whole[0][0] in new))
        for item, p in whole[:10]:
            bins[min(9, int(10 * p))].append(p - (item in new))
        logs += [np.log(p) for item, p in whole if item in new]
    p1, hit1 = np.mean(first, axis=0)
    ece = sum(abs(sum(cases)) for cases in bins) / sum(map(len, bins))
    return {"p1": p1, "hit1": hit1, "ece": ece, "log_p": float(np.mean(logs))}


@pytest.mark.parametrize("since", [None, "2026-07-01", "2026-11-01"])
@pytest.mark.parametrize("is_ordered", [True, False])
def test_users_are_judged_by_the_definition(log, since, is_ordered, monkeypatch):
    if since is not None and not is_ordered:
        pytest.skip("splitting at a date needs an order")
    model, path = ws.load(log / "m"), log / "whole.csv"
    if not is_ordered:
        model.call.pop("order_by")
    (scores,) = ws.evaluate(model, next=[path], since=since)["next"].values()
    calibration = scores.pop("calibration")
    difference = scores.pop("difference")
    assert [*scores] == ["model", "popularity", "counts"]
    rival = max(["popularity", "counts"], key=lambda side: scores[side]["ndcg10"])
    assert difference["rival"] == rival
    for name, low, high in (("hit10", "low", "high"), ("ndcg10", "ndcg10_low", "ndcg10_high")):
        ours, others = scores["model"], scores[rival]
        assert difference[name] == pytest.approx(ours[name] - others[name])
        assert difference[low] <= difference[name] <= difference[high]
        # Users whom both rankings serve well or badly widen the intervals of the scores, but not of the difference.
        assert difference[high] - difference[low] < ours[high] - ours[low] + others[high] - others[low]
    expected = plain(model, pd.read_csv(path), since, is_ordered)
    assert calibration == pytest.approx(expected.pop("calibration"), rel=1e-4)
    for side, score in scores.items():
        assert {name: score[name] for name in expected[side]} == pytest.approx(expected[side], abs=1e-6)
        assert score["low"] <= score["hit10"] <= score["high"]
        assert score["ndcg10_low"] <= score["ndcg10"] <= score["ndcg10_high"]
    assert scores["model"]["oov"] > 0
    assert scores["model"]["low"] > scores["popularity"]["high"]
    monkeypatch.setattr(next_item, "_USERS", 7)
    again = ws.evaluate(model, next=[path], since=since)["next"]
    assert again == {"whole": {**scores, "difference": difference, "calibration": calibration}}


def test_means_of_resamples(monkeypatch):
    values = np.random.default_rng(0).random((9, 2))
    means = bootstrap.means(values, 20)
    np.testing.assert_allclose(means, np.stack([bootstrap.shares(values[:, [i]], 20) for i in range(2)], axis=1))
    monkeypatch.setattr(bootstrap, "_BLOCK", 7)
    np.testing.assert_allclose(bootstrap.means(values, 20), means)


def test_a_log_is_judged_in_the_shell(log, capsys):
    command = ["evaluate", str(log / "m"), "--next", str(log / "whole.csv")]
    assert main([*command, "--group-by", "user", "--order-by", "time", "--since", "2026-07-01", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores == ws.evaluate(log / "m", next=[log / "whole.csv"], since="2026-07-01")
    assert main(command) == 0
    rows = [" ".join(line.split()[:3]) for line in capsys.readouterr().out.splitlines()]
    for row in ("whole, model .", "popularity", "item-to-item counts", "model − item-to-item|model − popularity"):
        assert len([*filter(re.compile(row).match, rows)]) == 2
    (log / "strange.csv").write_text("user,item,time\nu,strange,2026-01-01\nu,stranger,2026-01-02\n")
    assert main(["evaluate", str(log / "m"), "--next", str(log / "strange.csv"), "--json"]) == 0
    calibration = json.loads(capsys.readouterr().out)["next"]["strange"]["calibration"]
    assert calibration["log_p"] is None  # previously NaN, which is not JSON
    assert main(["evaluate", str(log / "m"), "--next", str(log / "strange.csv")]) == 0
    assert capsys.readouterr().out.split()[-1] == "-"
    for name in ("before.csv", "copy.csv"):  # rows of the training log are recognised in a copy, too
        (log / "copy.csv").write_bytes((log / "before.csv").read_bytes())
        assert main(["evaluate", str(log / "m"), "--next", str(log / name)]) == 0
        assert "was trained on these rows" in capsys.readouterr().err
    for options, message in (
        (["--since", "17"], "is a date, but a number is expected"),
        (["--since", "July"], "neither a number nor a date"),
        (["--since", "2027-01-01"], "no user has a new item after a history"),
        (["--group-by", "client"], "no column 'client'"),
        (["--next", str(log / "whole.csv")], "two test sets named whole"),
    ):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err
    assert main(["evaluate", str(log / "m")]) == 2  # previously, models of items were scored on word pairs
    assert "--next LOG" in capsys.readouterr().err

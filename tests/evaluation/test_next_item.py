"""The evaluation of next items gives the scores of a plain loop over users that follows the definition."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.errors import InputError
from wordsparse.evaluation import bootstrap, next_item

OPTIONS = {"preset": "items", "column": "item", "group": "user", "order": "time", "threads": 1, "progress": False}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


def plain(model: ws.Model, table: pd.DataFrame, since: str | None, is_ordered: bool) -> dict[str, Any]:
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
    pairs, n = dict[tuple[str, str], float](), Counter(item for items in known for item in items)
    for items in known:
        for i, a in enumerate(items):
            for k, b in enumerate(items[i + 1 : i + 21]):
                if a != b:
                    pairs[a, b] = pairs.get((a, b), 0) + fade**k
                    pairs[b, a] = pairs.get((b, a), 0) + back * fade**k
    answers: dict[str, list[list[str]]] = {"model": [], "popularity": [], "counts": []}
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
    judged: dict[str, Any] = {}
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


def plain_calibration(model: ws.Model, known: list[list[str]], wanted: list[set[str]]) -> dict[str, float]:
    """Compare probabilities with what came next, case by case."""
    bins, first, logs = [list[float]() for _ in range(10)], list[tuple[float, bool]](), list[float]()
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
def test_users_are_judged_by_the_definition(
    log: Path, since: str | None, is_ordered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if since is not None and not is_ordered:
        pytest.skip("splitting at a date needs an order")
    model, path = ws.load(log / "m"), log / "whole.csv"
    if not is_ordered:
        model.call.pop("order")
    (scores,) = ws.evaluate(model, next=[path], since=since)["next"].values()
    calibration = scores.pop("calibration")
    assert [*scores] == ["model", "popularity", "counts"]
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
    assert again == {"whole": {**scores, "calibration": calibration}}


def test_means_of_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((9, 2))
    means = bootstrap.means(values, 20)
    np.testing.assert_allclose(means, np.stack([bootstrap.shares(values[:, [i]], 20) for i in range(2)], axis=1))
    monkeypatch.setattr(bootstrap, "_BLOCK", 7)
    np.testing.assert_allclose(bootstrap.means(values, 20), means)


def test_a_log_is_judged_in_the_shell(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(log / "m"), "--next", str(log / "whole.csv")]
    assert main([*command, "--group-by", "user", "--order-by", "time", "--from", "2026-07-01", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores == ws.evaluate(log / "m", next=[log / "whole.csv"], since="2026-07-01")
    assert main(command) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert rows == ["next", "whole", "popularity", "item-to-item"] * 2 + ["probability", "whole"]
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
        (["--from", "17"], "is a date, but a number is expected"),
        (["--from", "July"], "neither a number nor a date"),
        (["--from", "2027-01-01"], "no user has a new item after a history"),
        (["--group-by", "client"], "no column 'client'"),
        (["--next", str(log / "whole.csv")], "two test sets named whole"),
    ):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err
    assert main(["evaluate", str(log / "m")]) == 2  # previously, models of items were scored on word pairs
    assert "--next LOG" in capsys.readouterr().err


def test_logs_need_a_model_and_columns(log: Path) -> None:
    model = ws.load(log / "m")
    with pytest.raises(InputError, match="needs a model trained on baskets"):
        ws.evaluate(model.wv, next=[log / "whole.csv"])
    of_lists = ws.train([["a", "b", "c"]] * 9, preset="items", dim=2, epochs=1, progress=False)
    with pytest.raises(InputError, match="--column and --group-by"):
        ws.evaluate(of_lists, next=[log / "whole.csv"])
    with pytest.raises(InputError, match="--order-by"):
        ws.evaluate(of_lists, next=[log / "whole.csv"], column="item", group="user", since="2026-01-01")

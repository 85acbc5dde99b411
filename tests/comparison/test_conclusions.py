from typing import Any

from wordsparse.comparison.conclusions import conclude

OURS, PEER = "wordsparse-cbow", "gensim-cbow-ns"
CALLED = "wordsparse CBOW", "gensim CBOW, negative sampling"


def difference(test: str, value: float, verdict: str, **facts: Any) -> dict[str, Any]:
    interval = {"difference": value, "low": value - 0.1, "high": value + 0.1, "verdict": verdict}
    place = {"tokens_per_epoch": 10, "epochs": 2, "best_peer": True, "kind": "pairs", "test": test}
    return {**place, "ours": OURS, "peer": PEER, **interval, **facts}


def budget(test: str, seconds: float, value: float | None, verdict: str) -> dict[str, Any]:
    row = difference(test, 0 if value is None else value, verdict, cpu_seconds=seconds)
    return {**row, "difference": value, "ours": None if verdict == "absent" else OURS}


def test_after_the_same_epochs() -> None:
    rows = [
        difference("people", 0.3, "behind", epochs=1),
        difference("people", 0.2, "ahead"),
        difference("people", 0.4, "ahead", best_peer=False),
        difference("verbs", -0.05, "level"),
    ]
    found = conclude(rows, [], [])
    assert found["same_epochs"] == [
        f"people, after 2 epochs: {CALLED[0]} is ahead of {CALLED[1]} (+0.200, 95 % interval +0.100 to +0.300).",
        f"verbs, after 2 epochs: {CALLED[0]} cannot be told from {CALLED[1]} (−0.050, 95 % interval −0.150 to +0.050).",
    ]
    assert found["in_short"] == [
        f"After 2 epochs, {CALLED[0]} is ahead of the best peer on 1 of 2 test sets, behind on 0, and cannot be told "
        "from it on 1."
    ]
    assert found["same_cpu_time"] == []


def test_by_cpu_time() -> None:
    rows = [
        budget("people", 1, None, "absent"),
        budget("people", 2, 0.2, "ahead"),
        budget("people", 3, 0.3, "ahead"),
        budget("people", 9, -0.2, "behind"),
        budget("verbs", 2, 0.2, "ahead"),
        budget("alone", 2, None, "absent"),
    ]
    found = conclude([], rows, [])
    assert found["same_cpu_time"] == [
        f"people, by CPU time: from 1 s only a peer is done ({CALLED[1]}); "
        f"from 2 s {CALLED[0]} is ahead (+0.300, 95 % interval +0.200 to +0.400 on {CALLED[1]}); "
        f"from 9 s {CALLED[1]} is ahead ({CALLED[0]} −0.200, 95 % interval −0.300 to −0.100).",
        f"verbs, by CPU time: from 2 s {CALLED[0]} is ahead (+0.200, 95 % interval +0.100 to +0.300 on {CALLED[1]}).",
    ]
    assert found["in_short"] == [
        "At equal CPU time, with as many of the epochs tried as fit, the best of ours is ahead of the best peer "
        "throughout on 1 of 2 test sets, behind at some point on 1: people."
    ]


def test_cost_is_of_the_most_epochs_and_the_middle_run() -> None:
    costs = [(OURS, 1, 9.0), (OURS, 2, 4.0), (OURS, 2, 5.0), (OURS, 2, 60.0), (PEER, 2, 10.0)]
    runs = [
        {"name": name, "tokens_per_epoch": 7, "epochs": epochs, "cpu_seconds": seconds, "peak_memory_bytes": 2e6}
        for name, epochs, seconds in costs
    ]
    failed = {"name": PEER, "tokens_per_epoch": 7, "epochs": 2, "error": "killed"}
    assert conclude([], [], [*runs, failed])["in_short"] == [
        f"{CALLED[0]} took 5.0 CPU s for 2 epochs, 0.50 times the 10.0 of {CALLED[1]}, and 2 MB of memory against 2 MB."
    ]


def test_two_kinds_of_one_name_are_told_apart() -> None:
    rows = [difference("same", 0.2, "ahead"), difference("same", 0.2, "ahead", kind="analogies")]
    starts = [sentence.partition(",")[0] for sentence in conclude(rows, [], [])["same_epochs"]]
    assert starts == ["same (pairs)", "same (analogies)"]

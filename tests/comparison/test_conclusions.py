from typing import Any

from wordsparse.comparison.conclusions import conclude

OURS, PEER = "wordsparse-cbow", "gensim-cbow-ns"
CALLED = "wordsparse CBOW", "gensim CBOW, negative sampling"


def difference(test: str, value: float, verdict: str, **facts: Any) -> dict[str, Any]:
    interval = {"difference": value, "low": value - 0.1, "high": value + 0.1, "verdict": verdict}
    place = {"epochs": 2, "best_peer": True, "kind": "pairs", "test": test}
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
    assert found["in_short"] == [
        f"After 2 epochs, compared with the best peer on 2 test sets, {CALLED[0]} scores higher on 1; on 1 the "
        "difference may be chance."
    ]


def test_both_sides_and_neither() -> None:
    rows = [difference("people", 0.2, "ahead"), difference("verbs", -0.2, "behind")]
    compared = f"compared with the best peer on 2 test sets, {CALLED[0]} scores"
    assert conclude(rows, [], [])["in_short"] == [f"After 2 epochs, {compared} higher on 1 and lower on 1."]
    rows = [difference("people", 0.02, "level"), difference("verbs", -0.02, "level")]
    found = conclude(rows, [budget("people", 2, 0.02, "level")], [])
    assert found["in_short"] == ["The text is too little to tell the methods apart: every difference may be chance."]


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
    assert found["in_short"] == [
        "Given the same CPU time, the best of ours scores higher than the best peer throughout on 1 of 2 test sets; at "
        "some CPU times it scores lower on 1 (people)."
    ]


def test_cost_is_of_the_most_epochs_and_the_middle_run() -> None:
    costs = [(OURS, 1, 9.0), (OURS, 2, 4.0), (OURS, 2, 5.0), (OURS, 2, 60.0), (PEER, 2, 10.0)]
    runs = [
        {"name": name, "epochs": epochs, "cpu_seconds": seconds, "peak_memory_bytes": 2e6}
        for name, epochs, seconds in costs
    ]
    failed = {"name": PEER, "epochs": 2, "error": "killed"}
    assert conclude([], [], [*runs, failed])["in_short"] == [
        f"{CALLED[0]} took 5.0 s of CPU time for 2 epochs and 2 MB of memory; {CALLED[1]} took 10.0 s and 2 MB: "
        "wordsparse was faster by a factor of 2."
    ]


def test_a_slower_side_is_called_slower() -> None:
    """The summary said "took 0.3 CPU s, 2.06 times the 0.1": two numbers that a reader could not divide."""
    runs = [
        {"name": name, "epochs": 1, "cpu_seconds": seconds, "peak_memory_bytes": 2e6}
        for name, seconds in ((OURS, 0.309), (PEER, 0.15))
    ]
    (sentence,) = conclude([], [], runs)["in_short"]
    assert sentence.endswith("took 0.15 s and 2 MB: wordsparse was slower by a factor of 2.06.")


def test_sets_of_unknown_words_are_named() -> None:
    score = {"n": 0, "oov": 353}
    runs: list[dict[str, Any]] = [
        {"name": OURS, "pairs": {"people": score, "known": {"n": 2, "oov": 1}}, "analogies": {"asked": score}}
    ]
    assert conclude([], [], runs)["unanswered"] == [
        "Not one of the pairs of people (353) has both words in the vocabulary.",
        "Not one of the questions of asked (353) has its four words among the frequent ones of the vocabulary.",
        "Give test sets in the language of the text: --pairs FILE or --analogies FILE.",
    ]

"""The content of a comparison, for tests of its page and its tables."""

NASTY = "<script>alert('$x_1$')</script>\x07"
SECTION = {"accuracy": 0.5, "low": 0.4, "high": 0.6, "n": 9, "oov": 1}
METHODS = {"wordsparse-cbow": "wordsparse CBOW", "gensim-cbow-hs": "gensim CBOW", NASTY: NASTY}


def run(name, epochs):
    judged = {
        "pairs": {NASTY: {"spearman": 0.3, "low": 0.2, "high": 0.4, "n": 8, "oov": 2}},
        "analogies": {"asked": {**SECTION, "sections": {NASTY: SECTION}}},
        "sentences": {"texts": {"spearman": 0.7, "low": 0.6, "high": 0.8, "n": 8, "oov": 2}},
        "related": {},
        "neighbours": {},
        "retrieval": {"found": {"model": {"ndcg10": 0.4, "low": 0.3, "high": 0.5, "n": 8, "oov": 2}, "bm25": {}}},
    }
    identity = {"name": name, "dim": 5, "window": 3, "epochs": epochs, "seed": 1, "repeat": 0}
    costs = {"cpu_seconds": 1.5 * epochs, "wall_seconds": 2.0, "tokens_per_second": 500.0}
    shown = {"peak_memory_bytes": 10**8, "loss": [2.5], "nearest": {NASTY: ["one", NASTY]}}
    return {**identity, **costs, **shown, **judged}


def content():
    """Return the content of a comparison of two methods, each trained for 1 and for 2 epochs."""
    runs = [run(name, epochs) for epochs in (1, 2) for name in ("wordsparse-cbow", NASTY)]
    numbers = {"difference": 0.123, "low": -0.1, "high": 0.3, "verdict": "level", "dim": 5, "window": 3}
    numbers |= {"epochs": 2, "best_peer": True}
    differences = [{"kind": "pairs", "test": NASTY, "ours": "wordsparse-cbow", "peer": NASTY, **numbers}]
    facts = {"machine": {"processor": NASTY, "cpus": 2}, "options": {"dim": 5}, "text": {"tokens": 1000}}
    judged = {"methods": METHODS, "runs": runs, "differences": differences, "warnings": [NASTY], "headlines": [NASTY]}
    return {"command": f"wordsparse compare {NASTY}", **facts, **judged}

"""Write docs/performance.md and docs/recipe.md from their templates and the result files in docs/results.

    python tools/pages.py

It also writes README.md's table and its picture. Every table comes from a result file. A template names files by a
pattern: run this again when there is a new file.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

README = Path(__file__).resolve().parents[1] / "README.md"
DOCS = README.parent / "docs"
PAGES = ("performance", "recipe", "scaling")
# README.md shows this comparison: its file, the epochs of its table, and the test sets of its table and picture.
HEADLINE, EPOCHS = "compare-english-10m", 5
TABLE_SETS = ("wordsim353", "simlex999", "men", "rare-words", "questions-words")
PICTURE_SETS = ("men", "rare-words", "questions-words")
MODELS = {"cbow": "CBOW", "skipgram": "skip-gram"}
SETS = {
    "wordsim353": "WordSim",
    "simlex999": "SimLex",
    "men": "MEN",
    "rare-words": "RW",
    "rw": "RW",
    "mturk771": "MTurk-771",
    "mturk": "MTurk",
    "rg65": "RG-65",
    "yp130-verbs": "YP-130",
    "yp130": "YP-130",
    "simverb3500": "SimVerb",
    "simverb": "SimVerb",
    "verb143": "verb forms",
    "questions-words": "Google",
    "msr": "MSR",
}
UNKNOWN = "not recorded"

Content = Mapping[str, Any]


def results(pattern: str) -> dict[str, Content]:
    """The result files whose names match ``pattern``, by name."""
    found = sorted((DOCS / "results").glob(f"{pattern}.json"))
    if not found:
        raise LookupError(f"docs/results has no {pattern}.json")
    return {path.name: json.loads(path.read_text()) for path in found}


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """A Markdown table; the first ``words`` columns hold words, the others numbers."""
    lines = [headers, ["---"] * words + ["---:"] * (len(headers) - words), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def score(value: float | None) -> str:
    """A correlation or an accuracy, with three decimals and no zero before the point."""
    return "" if value is None else f"{value:.3f}".replace("0.", ".", 1)


def number(value: float | None) -> str:
    """A number with three significant digits, none of a thousand or more in powers of ten."""
    if value is None:
        return ""
    if value and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def origin(name: str, content: Content) -> str:
    """Where the numbers of a file come from: command, machine, BLAS, version, kernels; in one paragraph."""
    machine = content["machine"]
    packages = machine["packages"]
    environment = machine.get("environment")
    steering = UNKNOWN if environment is None else " ".join(f"`{k}={v}`" for k, v in environment.items()) or "none"
    command = f"`{content['command']}`" if content.get("command") else UNKNOWN
    facts = [
        f"`docs/results/{name}`. Command: {command}.",
        f"Machine: {machine['processor']}, CPUs: {machine['cpus']}, threads: {machine['threads']}; "
        f"{machine['sgemm_gflops']:.0f} GFLOP/s in float32 matrix products through BLAS.",
        f"BLAS and its kernels: {', '.join(machine['blas'])}; variables: {steering}.",
        f"Version: wordsparse {packages['wordsparse']}, commit {machine.get('commit') or UNKNOWN}; "
        f"instruction set {machine.get('instruction_set', UNKNOWN)}, products {machine.get('products', UNKNOWN)}.",
    ]
    if "note" in content:
        facts.append(f"Note: {content['note']}.")
    return "\n".join(facts)


def comparison(content: Content) -> str:
    """A comparison's runs as a table: cost, and the score on every test set."""
    runs = [run for run in content["runs"] if "error" not in run]
    vary = [key for key in ("tokens_per_epoch", "epochs") if len({run[key] for run in runs}) > 1]
    sets = list(dict.fromkeys([*runs[0]["pairs"], *runs[0]["analogies"]]))
    headers = ["run", *("tokens" if key == "tokens_per_epoch" else key for key in vary)]
    headers += ["tokens/s", "CPU s", "peak MB", *(SETS.get(name, name) for name in sets)]
    rows = []
    for run in sorted(runs, key=lambda run: [run[key] for key in vary]):
        cost = [
            f"{run['tokens_per_second']:,.0f}",
            number(run["cpu_seconds"]),
            f"{run['peak_memory_bytes'] / 1e6:,.0f}",
        ]
        rows.append([method(content, run), *(f"{run[key]:,}" for key in vary), *cost, *scores(run, sets)])
    return table(headers, rows)


def method(content: Content, run: Content) -> str:
    """The name of a run's method; ours in bold."""
    label = content["methods"][run["name"]]
    return f"**{label}**" if run["program"] == "wordsparse" else str(label)


def scores(run: Content, sets: Sequence[str]) -> list[str]:
    """The scores of a run on test sets."""
    found = {name: result["spearman"] for name, result in run["pairs"].items()}
    found |= {name: result["accuracy"] for name, result in run["analogies"].items()}
    return [score(found[name]) for name in sets]


def headline(content: Content) -> str:
    """README.md's table: CPU time and scores of each method after as many epochs."""
    runs = [run for run in content["runs"] if run["epochs"] == EPOCHS]
    threads = "one thread" if runs[0]["threads"] == 1 else f"{runs[0]['threads']} threads"
    headers = [f"{EPOCHS} epochs, d = {runs[0]['dim']}, {threads}", "CPU s", *(SETS[name] for name in TABLE_SETS)]
    rows = [[method(content, run), number(run["cpu_seconds"]), *scores(run, TABLE_SETS)] for run in runs]
    return table(headers, rows)


def headline_picture(content: Content) -> bytes:
    """README.md's picture, SVG: scores against CPU time."""
    from wordsparse.comparison.report.pictures import draw

    shown = [row for row in content["scores"] if row["test"] in PICTURE_SETS]
    return next(picture.svg for picture in draw({**content, "scores": shown}) if picture.name == "cpu-time")


def medians(runs: Sequence[Content], measure: str) -> dict[str, float]:
    """The median of a measure over the repeats of each method."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if "error" not in run:
            found.setdefault(run["name"], []).append(run[measure])
    return {name: statistics.median(values) for name, values in found.items()}


def speed(content: Content) -> str:
    """A sentence for each model: how many times the speed of gensim's negative sampling; the longest runs."""
    sentences = []
    longest = max((run["tokens_per_epoch"], run["epochs"]) for run in content["runs"])
    for model, label in MODELS.items():
        runs = [run for run in content["runs"] if (run["tokens_per_epoch"], run["epochs"]) == longest]
        cpu, rate = (medians(runs, measure) for measure in ("cpu_seconds", "tokens_per_second"))
        ours, peer = f"wordsparse-{model}", f"gensim-{model}-ns"
        if ours in cpu and peer in cpu:
            wall, by_cpu = rate[ours] / rate[peer], cpu[peer] / cpu[ours]
            sentences.append(
                f"wordsparse trains {label} at {wall:.1f} times the speed of gensim's negative sampling "
                f"({by_cpu:.1f} times by CPU time)."
            )
    return " ".join(sentences)


def from_text(content: Content) -> str:
    """Wall seconds from the text to the vectors, ours beside gensim's negative sampling, and how many times as fast."""
    seconds = medians(content["runs"], "text_to_vectors_seconds")
    rows = []
    for model, label in MODELS.items():
        ours, peer = seconds[f"wordsparse-{model}"], seconds[f"gensim-{model}-ns"]
        rows.append([label, number(ours), number(peer), number(peer / ours)])
    return "From the text to the vectors, wall seconds:\n\n" + table(["", "wordsparse", "gensim", "times"], rows)


def complexity(content: Content) -> str:
    """Microseconds per example of the dense update, the tree and the exact layer, by minibatch."""
    cells = {(cell["side"], cell["m"]): cell["wall_us"] for cell in content["cells"]}
    floor = {row["m"]: row["us"] for row in content["floor"]}
    sides = ["naive dense", "hierarchical softmax", "squared", "bounded-ns"]
    rows = []
    for m in sorted({m for _, m in cells}):
        naive, ours = cells.get(("naive dense", m)), cells.get(("squared", m))
        ratio = naive / ours if naive and ours else None
        rows.append([f"{m:,}", *(number(cells.get((side, m))) for side in sides), number(floor.get(m)), number(ratio)])
    return table(["m", *sides, "floor", "naive / squared"], rows, words=0)


def goals(content: Content) -> str:
    """The goals for the layer's cost, and the measured values."""
    rows = [[row["goal"], number(row["wanted"]), number(row["reached"])] for row in content["goals"]]
    return table(["goal", "wanted", "reached"], rows)


def step_parts(content: Content) -> str:
    """The parts of a step of each model: times, rates, the share of BLAS's rate, and the floor."""
    rows = [
        [
            MODELS[profile["model"]],
            f"`{part['part']}`",
            number(part["wall_ms"]),
            number(part["cpu_ms"]),
            number(part["floor_ms"]),
            number(part["gflops"]),
            score(part["share"]),
        ]
        for profile in content["profiles"]
        for part in profile["parts"]
    ]
    rows += [
        [MODELS[p["model"]], "whole step", number(p["wall_ms"]), number(p["cpu_ms"]), number(p["floor_ms"]), "", ""]
        for p in content["profiles"]
    ]
    shares = (
        f"Of a step of {MODELS[p['model']]} {100 * p['one_thread_share']:.2g} % of the CPU time is one thread's alone."
        + (f" A fold takes {p['fold_wall_ms']:.0f} ms." if "fold_wall_ms" in p else "")
        for p in content["profiles"]
    )
    headers = ["model", "part", "wall ms", "CPU ms", "floor, CPU ms", "GFLOP/s", "of BLAS's rate"]
    return "\n\n".join([table(headers, rows, words=2), " ".join(shares)])


def step_sweeps(content: Content) -> str:
    """Tokens a second of whole steps, as one thing varies."""
    rows = [
        [MODELS[row["model"]], row["swept"], f"{row['at']:,}", f"{row['tokens_per_second']:,.0f}"]
        for row in content["sweeps"]
    ]
    return table(["model", "varied", "at", "tokens/s"], rows, words=2)


def stability(content: Content) -> str:
    """Errors against a float64 shadow after long runs."""
    rows = []
    for run in content["runs"]:
        setting = run["setting"]
        rows.append(
            [
                setting["variant"],
                f"{setting['minibatch']:,}",
                f"{setting['steps']:,}",
                *map(error, (run["worst_row"], run["worst_Q"])),
                f"{run['folds']:,}",
                run["ended"].partition(":")[0],
            ]
        )
    return table(["run", "m", "steps", "worst row", "worst Q", "folds", "ended"], rows)


def error(value: float | None) -> str:
    """A relative error; empty where it was not a finite number."""
    return "" if value is None else f"{value:.1e}"


def reading(content: Content) -> str:
    """The speed of reading a text, by tokeniser, beside plain Python and gensim."""
    rows = [
        [row["side"], row["threads"], *(number(row[f"tokens_per_{unit}"] / 1e6) for unit in ("second", "cpu_second"))]
        for row in content["sides"]
    ]
    caption = f"{content['options']['corpus']}, {content['tokens']:,} tokens at white space."
    return f"{caption}\n\n{table(['side', 'threads', 'million tokens a second', 'a CPU second'], rows)}"


def ranks(content: Content) -> str:
    """One process beside several ranks: a step's seconds and bytes, and how many times as fast; medians."""
    rows = []
    for side in content["sides"]:
        sent, formula = (
            number(side[name] / 1e6) if side["ranks"] > 1 else "" for name in ("rank_sent_bytes", "formula_bytes")
        )
        seconds = [number(1e3 * side[f"{name}_seconds"]) for name in ("wall", "work_cpu", "communication_cpu")]
        rows.append(
            [
                f"{side['ranks']:.0f}",
                f"{side['batch_tokens']:,.0f}",
                f"{side['rank_rows']:,.0f}",
                *seconds,
                sent,
                formula,
            ]
        )
    headers = [
        "ranks",
        "minibatch",
        "rows a rank",
        "wall ms",
        "work CPU ms",
        "communication CPU ms",
        "MB sent",
        "by the formula",
    ]
    names = {"wall": "wall time", "work": "CPU time of the slowest rank without communication"}
    names["with_communication"] = "CPU time with it"
    said = [
        f"{kind.capitalize()} scaling: "
        + ", ".join(f"{content[kind][f'{name}_median']:.2f} by {about}" for name, about in names.items())
        for kind in ("strong", "weak")
    ]
    caption = f"d = {content['dim']}, {content['words']:,} words. {'. '.join(said)}."
    return f"{caption}\n\n{table(headers, rows, words=0)}"


def phases(content: Content) -> str:
    """Where the CPU time of a step goes: a half of one process's, and a rank's of the same minibatch."""
    one, several = content["sides"][:2]
    if "phases" not in one:
        return ""
    share = {name: seconds / several["ranks"] for name, seconds in one["phases"].items()}
    names = {**several["phases"], **share}
    rows = [[f"`{name}`", *(number(1e3 * side.get(name, 0)) for side in (share, several["phases"]))] for name in names]
    total = ["all", *(number(1e3 * sum(side.values())) for side in (share, several["phases"]))]
    return table(["function", f"1/{several['ranks']:.0f} of one process, CPU ms", "of a rank"], [*rows, total])


def clusters(content: Content) -> str:
    """The model of clusters: days and node-hours for all tokens, and what a step consists of."""
    rows = []
    for one in content["predicted"]:
        sizes = [f"{one['words']:,}", f"{one['gigabits']}", f"{one['nodes']}", f"{one['batch_tokens']:,}"]
        times = [number(1e3 * one["work_seconds"]), number(1e3 * one["sending_seconds"]), score(one["efficiency"])]
        hours = 24 * one["days"]
        rows.append([*sizes, *times, *map(number, (hours, hours * one["nodes"], one["node_gigabytes"]))])
    headers = ["words", "Gb/s", "nodes", "minibatch", "work ms", "sending ms", "of the ideal", "hours", "node-hours"]
    return table([*headers, "GB a node"], rows, words=0)


def study(content: Content) -> str:
    """A study of the recipe: means over seeds for each model and variant."""
    groups: dict[tuple[str, str], list[Content]] = {}
    for run in content["runs"]:
        groups.setdefault((run["model"], run["variant"]), []).append(run)
    first = next(run for run in content["runs"] if "failed" not in run)
    sets = [("pairs", name) for name in first["pairs"]] + [("analogies", name) for name in first["analogies"]]
    rows = []
    for (model, variant), runs in groups.items():
        if any("failed" in run for run in runs):
            rows.append([MODELS[model], variant, "–", "diverged", *("–" for _ in sets)])
            continue
        means = [statistics.mean(run[kind][name] for run in runs) for kind, name in sets]
        cpu = statistics.mean(run["cpu_seconds"] for run in runs)
        heldout = statistics.mean(run["heldout_loss"][-1] for run in runs)
        rows.append([MODELS[model], variant, f"{cpu:.0f}", f"{heldout:.3f}", *map(score, means)])
    seeds = len({run["seed"] for run in content["runs"]})
    options = content["options"]
    held = f"{100 * options['heldout']:.0f} % of the text held out"
    epochs = f"{options['epochs']} epoch{'s' if options['epochs'] != 1 else ''}"
    most = f", its first {options['max_tokens']:,} tokens" if options.get("max_tokens") else ""
    caption = (
        f"{content['corpus']}{most}, d = {options['dim']}, {epochs}, {held}, {seeds} seed{'s' if seeds != 1 else ''}."
    )
    headers = ["model", "variant", "CPU s", "held-out loss", *(SETS.get(name, name) for _, name in sets)]
    return f"{caption}\n\n{table(headers, rows, words=2)}"


def shown(pattern: str, *parts: Callable[[Content], str]) -> str:
    """The ``parts`` of every result file that matches, each file with its origin."""
    pieces = []
    for name, content in results(pattern).items():
        pieces += [text for part in parts if (text := part(content))] + [origin(name, content)]
    return "\n\n".join(pieces)


def render(page: str) -> str:
    """The text of a page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(DOCS / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
    )
    parts = (
        comparison,
        speed,
        from_text,
        complexity,
        goals,
        step_parts,
        step_sweeps,
        stability,
        reading,
        ranks,
        phases,
        clusters,
        study,
    )
    functions: dict[str, Any] = {part.__name__: part for part in parts}
    text = environment.get_template(f"{page}.md").render(shown=shown, **functions)
    return f"<!-- Written by tools/pages.py from docs/templates/{page}.md and docs/results. -->\n\n{text}"


def with_headline(text: str) -> str:
    """README.md with the table between its two marks."""
    before, rest = text.split("<!-- headline -->", 1)
    after = rest.split("<!-- /headline -->", 1)[1]
    content = results(HEADLINE)[f"{HEADLINE}.json"]
    return f"{before}<!-- headline -->\n{headline(content)}\n<!-- /headline -->{after}"


def main() -> None:
    """Write both pages, and README.md's table and picture."""
    for page in PAGES:
        (DOCS / f"{page}.md").write_text(render(page))
    README.write_text(with_headline(README.read_text()))
    (DOCS / "images/headline.svg").write_bytes(headline_picture(results(HEADLINE)[f"{HEADLINE}.json"]))


if __name__ == "__main__":
    main()

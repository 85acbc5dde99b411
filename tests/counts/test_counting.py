"""Counting pairs, adding tables of counts, and training from counts, by the public functions and commands."""

import decimal
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pytest
import scipy.sparse as sp
from pyarrow import parquet
from support.texts import disk_of

import wordsparse as ws
from wordsparse.cli import main
from wordsparse.corpus import pairs
from wordsparse.counts import counting
from wordsparse.counts import pieces as counts
from wordsparse.counts.source import CountSource, PairOptions
from wordsparse.errors import InputError, WordsparseError

RANDOM = np.random.default_rng(3)
WORDS = [f"w{i}" for i in range(30)]
TEXT = [[WORDS[int(i)] for i in RANDOM.zipf(1.4, 9) % 30] for _ in range(300)]
SMALL: dict[str, Any] = {"dim": 6, "epochs": 2, "progress": False, "form": 0}


def plain(window: int, min_count: int) -> dict[tuple[str, str], float]:
    """Return the counts of pairs in the text, counted one by one."""
    counts = Counter(word for sentence in TEXT for word in sentence)
    pairs: Counter[tuple[str, str]] = Counter()
    for sentence in TEXT:
        kept = [word for word in sentence if counts[word] >= min_count]
        for i, word in enumerate(kept):
            for j, other in enumerate(kept):
                if i != j and abs(i - j) <= window:
                    pairs[word, other] += 1 / abs(i - j)
    return dict(pairs)


def table(path: Path) -> dict[tuple[str, str], float]:
    rows = parquet.read_table(path).to_pylist()
    found = {(row["word"], row["context"]): row["count"] for row in rows}
    assert len(found) == len(rows), "a pair has one row"
    return found


def write(path: Path, rows: list[tuple[Any, Any, Any]]) -> Path:
    columns = dict(zip(("word", "context", "count"), map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(arrow.table(columns), path)
    return path


@pytest.mark.parametrize("threads", [1, 3])
def test_a_text_is_counted_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(counting, "WRITTEN", 64)
    monkeypatch.setattr(pairs, "MOST", 64)
    facts = ws.count(TEXT, tmp_path / "t.parquet", window=3, min_count=4, threads=threads)
    found, expected = table(tmp_path / "t.parquet"), plain(3, 4)
    assert found == pytest.approx(expected, rel=1e-5)
    assert (facts["pairs"], facts["total"]) == (len(found), pytest.approx(sum(expected.values()), rel=1e-5))


def test_tables_are_added(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", [("x", "y", 1.0), ("x", "y", 2.0), ("y", "z", 0.5)])
    (tmp_path / "b.tsv").write_text("count\tword\tcontext\n4\ty\tz\n7\tq\tx\n")
    parquet.write_table(parquet.read_table(a)[:0], tmp_path / "empty.parquet")
    ws.count([tmp_path / "empty.parquet", a, tmp_path / "b.tsv"], tmp_path / "c.parquet", kind="counts")
    assert table(tmp_path / "c.parquet") == {("x", "y"): 3.0, ("y", "z"): 4.5, ("q", "x"): 7.0}


def test_items_of_several_words_are_counted_and_trained_from(tmp_path: Path) -> None:
    baskets = [{"user": i // 3, "item": item} for i, item in enumerate(["Toy Story", "Heat", "Big Fish"] * 9)]
    ws.count(baskets, tmp_path / "t.parquet", column="item", group_by="user", min_count=1)
    model = ws.train(tmp_path / "t.parquet", kind="counts", **SMALL)
    assert sorted(model.vocabulary.words) == ["Big Fish", "Heat", "Toy Story"]
    frame = parquet.read_table(tmp_path / "t.parquet")
    for same in (frame, frame.to_pandas()):
        assert (ws.train(same, kind="counts", **SMALL).vectors == model.vectors).all()


def test_a_word_that_no_row_has_is_no_word(tmp_path: Path) -> None:
    """Filtered pandas frames and Parquet files keep unused categories, which are not words of the table."""
    rows = [(a, b, 1.0 + i) for i, a in enumerate(WORDS) for b in WORDS if a != b]
    frame = parquet.read_table(write(tmp_path / "all.parquet", rows)).to_pandas()
    frame = frame.astype({"word": "category", "context": "category"})
    few = frame[frame.word.isin(WORDS[:9]) & frame.context.isin(WORDS[5:12])]
    few.to_parquet(tmp_path / "few.parquet")
    few.to_csv(tmp_path / "few.csv", index=False)
    sources = (few, tmp_path / "few.csv", tmp_path / "few.parquet", arrow.Table.from_pandas(few))
    models = [ws.train(source, kind="counts", **SMALL) for source in sources]
    assert sorted(models[0].vocabulary.words) == sorted(WORDS[:12])
    for model in models:
        assert model.vocabulary.words == models[0].vocabulary.words
        assert (model.vectors == models[0].vectors).all()
    assert ws.count(tmp_path / "few.parquet", tmp_path / "sum.parquet", kind="counts")["vocab_size"] == 12


def test_counts_train_as_text_does(tmp_path: Path) -> None:
    """After training on a text or on the counts of the text, the nearest neighbours of a word belong to its topic."""
    random = np.random.default_rng(0)
    text = [[f"{'ab'[topic]}{i}" for i in random.integers(12, size=8)] for topic in random.integers(2, size=800)]
    ws.count(text, tmp_path / "t.parquet", window=5)
    for model in (
        ws.train(text, model="skipgram", dim=8, progress=False, form=0),
        ws.train(tmp_path / "t.parquet", kind="counts", dim=8, progress=False, form=0),
    ):
        assert all(near[0] == word[0] for word in model.wv.words for near, _ in model.wv.similar(word, 5))
        # The model's word counts add up to about the number of tokens, whether they come from text or from pairs.
        assert 0.5 < sum(model.vocabulary.counts) / sum(map(len, text)) < 1.5


def test_a_full_disk_raises_an_error(tmp_path: Path) -> None:
    """Writing to a memory-mapped file whose pages do not fit on the disk would kill the process."""
    corpus = ws.encode(TEXT, tmp_path / "text", min_count=1)
    size = 4 * corpus.tokens + 4 * len(TEXT)
    with disk_of(size), pytest.raises(WordsparseError, match="places: writing failed"):
        ws.count(corpus, tmp_path / "t.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_a_row_of_weight_n_is_n_rows(tmp_path: Path) -> None:
    rows = [{"text": " ".join(sentence[:5]), "n": i % 4 + 1} for i, sentence in enumerate(TEXT)]
    expanded = [{"text": row["text"], "n": 1} for row in rows for _ in range(int(row["n"]))]
    for name, source in (("a.pq", rows), ("b.pq", expanded)):
        ws.count(source, tmp_path / name, column="text", weight_column="n")
    assert table(tmp_path / "a.pq") == pytest.approx(table(tmp_path / "b.pq"))
    corpus = ws.encode(rows, tmp_path / "text", column="text", weight_column="n")
    ws.count(corpus, tmp_path / "e.pq")
    assert table(tmp_path / "e.pq") == pytest.approx(table(tmp_path / "a.pq"))
    baskets = [{**row, "user": i % 9} for i, row in enumerate(rows)]
    repeated = [row for row in baskets for _ in range(int(str(row["n"])))]
    ws.count(baskets, tmp_path / "c.pq", column="text", group_by="user", weight_column="n", min_count=1)
    ws.count(repeated, tmp_path / "d.pq", column="text", group_by="user", min_count=1)
    assert table(tmp_path / "c.pq") == table(tmp_path / "d.pq")


def test_googles_files_are_read_as_they_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Google's n-gram files have no header and no suffix .tsv, and quotes are ordinary characters."""
    rows = [['" a , b', 1990, 3], ["a b ;", 1991, 2], ['b "', 1991, 1]] * 2
    (tmp_path / "named.jsonl").write_text("".join(f"{json.dumps({'ngram': text, 'n': n})}\n" for text, _, n in rows))
    google = tmp_path / "googlebooks-eng-5gram-a.gz"
    google.write_bytes(gzip.compress("".join(f"{text}\t{year}\t{n}\t1\n" for text, year, n in rows).encode()))
    given = {"column": "ngram", "weight_column": "n", "min_count": 1}
    ws.count(tmp_path / "named.jsonl", tmp_path / "a.pq", **given)
    ws.count(google, tmp_path / "b.pq", columns="ngram,year,n,volumes", **given)
    assert table(tmp_path / "a.pq") == table(tmp_path / "b.pq")
    how = ["count", str(google), "--column", "ngram", "--columns", "ngram,year,n", "-o", str(tmp_path / "c.pq")]
    assert main(how) == 2
    assert "name the column of the weight" in capsys.readouterr().err
    assert main([*how, "--weight-column", "n"]) == 2
    assert "row 1 has 4 cells, but there are 3 columns" in capsys.readouterr().err


def write_matrix(path: Path, words: list[str], matrix: sp.csr_array) -> Path:
    entries = matrix.tocoo()
    return write(
        path, [(words[i], words[j], n) for i, j, n in zip(entries.row, entries.col, entries.data, strict=True)]
    )


def test_runs_on_counts_are_reproducible_and_can_be_resumed(tmp_path: Path) -> None:
    matrix = sp.random_array((30, 30), density=0.5, rng=np.random.default_rng(1)) * 9
    path = write_matrix(tmp_path / "t.parquet", WORDS, matrix)
    given: dict[str, Any] = {"kind": "counts", "heldout": 0.1, **SMALL}
    model = ws.train(path, threads=1, **given)
    stored = ws.train(path, output=tmp_path / "m", threads=2, **given)
    np.testing.assert_array_equal(model.wv.vectors, stored.wv.vectors)
    assert model.options["model"] == "skipgram"
    assert len(model.report["heldout_loss"]) == 2
    more = ws.train(path, output=tmp_path / "m", resume=True, **{**given, "epochs": 3})
    assert len(more.report["loss"]) == 3
    new = write(tmp_path / "new.parquet", [("new", "w1", 40.0), ("w1", "new", 40.0)])
    on = ws.train([path, new], output=tmp_path / "m", resume=True, **given)
    assert "new" in on.wv


def test_split_counts_add_up_and_are_grouped_by_the_rarer_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(counts, "ORDERED", 2**19)  # so small that sorting needs several parts
    matrix = sp.random_array((600, 600), density=0.3, rng=np.random.default_rng(1)).tocsr()
    entries = matrix.tocoo()
    matrix.data = np.rint(1 + 20000 / ((1 + entries.row) * (1 + entries.col)))
    path = write_matrix(tmp_path / "t.parquet", [f"w{i:03d}" for i in range(600)], matrix)
    source = CountSource(path, PairOptions())
    pieces = source.pieces[:]
    ids = np.array([int(word[1:]) for word in source.vocabulary.words])[pieces[:, :2]]
    found = sp.coo_array((pieces[:, 2].view(np.float32), ids.T), shape=matrix.shape).tocsr()
    assert abs(found - matrix).max() < 1e-2
    random = np.random.default_rng(0).permutation(pieces)
    words = [len(np.unique(order[: len(pieces) // 200, :2])) for order in (pieces, random)]
    assert words[0] < 0.8 * words[1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b", 1.0), ("a", "c", -1.0)], "row 2: its count is -1.0, not a positive"),
        ([("a", "b", float("nan"))], "row 1: its count is nan"),
        ([("a", "b", 1e39)], "row 1: its count is 1e\\+39"),
        ([("a", "b", 1.0), ("a", "b", 5e-324)], "row 2: its count is 5e-324"),
        ([("a", "b", 1.0), ("b", "a", 3e38)], r"counts must add up to less than 2\*\*63"),
        ([("a", "b", "many")], "row 1 or a later row cannot be used: .*'many'"),
        ([("a", None, 1.0)], "row 1 has no context"),
        ([("", "c", 1.0)], "'' is no word"),
        ([(["a"], "c", 1.0)], "the column 'word' holds list<.*>, not text"),  # not a KeyError
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(
    tmp_path: Path, rows: list[tuple[Any, Any, Any]], message: str
) -> None:
    path = write(tmp_path / "t.parquet", rows)
    with pytest.raises(InputError, match=message):
        ws.train(path, kind="counts", output=tmp_path / "m", **SMALL)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("weight", ["5e-324", "1e-38", "-1", "4e38", "1" + 400 * "0"])
def test_a_weight_that_float32_does_not_hold_is_refused_by_its_row(tmp_path: Path, weight: str) -> None:
    """A tiny weight times 1/distance would round to 0. To the kernel, a count of 0 means a new pair: previously, the
    kernel wrote past the end of an array."""
    rows = "".join(f'{{"t": "{"a b " * 30}", "n": {n}}}\n' for n in [1, 2, weight] + [1] * 40)
    (tmp_path / "w.jsonl").write_text(rows)
    with pytest.raises(InputError, match="row 3: its weight must be"):
        ws.count(tmp_path / "w.jsonl", tmp_path / "o.parquet", column="t", weight_column="n", min_count=1)


def test_a_table_with_counts_too_large_to_read_is_not_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [("a", "b", 3e38), ("b", "a", 1.0)])
    with pytest.raises(InputError, match="the count of 'a' and 'b' is 6e\\+38"):
        ws.count([path, path], tmp_path / "o.parquet", kind="counts")
    with pytest.raises(InputError, match=r"counts must add up to less than 2\*\*63"):  # not an OverflowError
        ws.count([{"t": "a b", "n": 3e38}] * 9, tmp_path / "o.parquet", column="t", weight_column="n")
    with pytest.raises(InputError, match=r"name it t\.parquet"):
        ws.count(path, tmp_path / "t.csv", kind="counts")
    assert list(tmp_path.iterdir()) == [path]


def test_counts_may_be_decimals(tmp_path: Path) -> None:
    numbers = arrow.array([decimal.Decimal("42.704"), decimal.Decimal("1.5")], arrow.decimal128(18, 3))
    parquet.write_table(arrow.table({"word": ["a", "b"], "context": ["b", "a"], "count": numbers}), tmp_path / "t.pq")
    ws.count(tmp_path / "t.pq", tmp_path / "o.pq", kind="counts")
    assert table(tmp_path / "o.pq") == pytest.approx({("a", "b"): 42.704, ("b", "a"): 1.5})


def test_a_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    buffers = (arrow.py_buffer(np.array([0, 1], np.int32)), arrow.py_buffer(b"\xea"))
    words = arrow.StringArray.from_buffers(1, *buffers)
    parquet.write_table(arrow.table({"word": words, "context": ["a"], "count": [1.0]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="row 1 or a later row cannot be used"):
        ws.train(tmp_path / "t.parquet", kind="counts", **SMALL)


def test_requests_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", [("a", "b", 3.0), ("b", "a", 3.0)])
    with pytest.raises(InputError, match="give model=skipgram"):
        ws.train(path, kind="counts", model="cbow", **SMALL)
    (tmp_path / "t.csv").write_text("word,context\na,b\n")
    with pytest.raises(InputError, match="has no column 'count'"):
        ws.train(tmp_path / "t.csv", kind="counts", **SMALL)
    parquet.write_table(arrow.table({"context": ["b"], "count": [1.0]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="has no column 'word'"):
        ws.train(tmp_path / "t.parquet", kind="counts", **SMALL)
    for word, count, said in (('"a"', '"many"', "'many'"), ("5", "1", "'int'"), ('"a"', "[1]", "1-dimensional")):
        (tmp_path / "t.jsonl").write_text(f'{{"word": {word}, "context": "b", "count": {count}}}\n')
        with pytest.raises(InputError, match=rf"t\.jsonl: row 1 or a later row cannot be used: .*{said}"):
            ws.train(tmp_path / "t.jsonl", kind="counts", **SMALL)
    for options, said in (
        ({"min_count": 0}, "min_count must be"),
        ({"tokens": "simple"}, "tokens: does not apply to the kind of data in kind"),
    ):
        with pytest.raises(InputError, match=said):
            ws.train(path, kind="counts", **options, **SMALL)
    rows = [{"u": "x", "i": f"i{n % 3}", "t": n} for n in range(30)]
    grouped = {"column": "i", "group_by": "u", "order_by": "t", "min_count": 1}
    text, tables = ws.encode(TEXT, tmp_path / "text"), {"kind": "counts", "min_count": 2, "window": 3}
    for given, options, said in (
        ([{"t": "a b", "n": 0}], {"column": "t", "weight_column": "n"}, "row 1: its weight must be"),
        (text.path, {"weight_column": "n"}, "text: is an encoded corpus"),
        (text, {"min_count": 1}, "was encoded with min_count 5, not 1"),
        (rows, {**grouped, "half_life": "3d"}, "counted without weights: leave half_life"),
        (
            ws.encode(rows, tmp_path / "by-age", **grouped, half_life=3.0),
            {},
            "counted without weights: leave half_life",
        ),
        (
            [{**row, "n": 0.2} for row in rows],
            {**grouped, "weight_column": "n"},
            "counted without weights: leave half_life",
        ),
        (path, {"kind": "graph"}, "kind must be one of text, counts, not 'graph'"),
        (path, tables, "min_count, window: for counting a text, not for adding up tables"),
    ):
        with pytest.raises(InputError, match=said):
            ws.count(given, tmp_path / "n.pq", **options)


def test_the_command_counts_and_train_takes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("\n".join(map(" ".join, TEXT)))
    pairs, model = str(tmp_path / "p.parquet"), str(tmp_path / "m")
    assert main(["count", str(tmp_path / "text.txt"), "-o", pairs, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == pairs
    assert main(["train", pairs, "--for", "counts", "-o", model, "--dim", "6", "--quiet"]) == 0

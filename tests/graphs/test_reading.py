"""Reading graphs, refusing invalid graphs, and random walks on graphs."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from wordsparse.corpus.shards import END_OF_SENTENCE, OUT_OF_VOCABULARY
from wordsparse.errors import InputError
from wordsparse.graphs.options import GraphOptions
from wordsparse.graphs.reading import read_graph
from wordsparse.graphs.source import GraphSource

EDGES = [("a", "b", 2.0), ("b", "c", 1.0), ("a", "c", 3.0), ("c", "d", 1.0)]


def arcs(source, **options):
    """Return a dict from (source, target) to the weight of the edge in this direction."""
    nodes, edges = read_graph(source, GraphOptions(**options))
    found = edges.tocoo()
    ends = zip(found.row.tolist(), found.col.tolist(), strict=True)
    return {(nodes[a], nodes[b]): w for (a, b), w in zip(ends, found.data.tolist(), strict=True)}


def expected(directed):
    both = {} if directed else {(b, a): w for a, b, w in EDGES}
    return {(a, b): w for a, b, w in EDGES} | both


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize(
    ("name", "line", "head", "options"),
    [
        ("g.txt", "{} {} {}", "# a comment\n\n", {}),
        ("g.edges", "{}\t{}\t{}", "% a comment\n", {}),
        ("g.csv", "{},{},{}", "from,to,weight\n", {}),
        ("g.tsv", "x\t{}\t{}\t{}", "other\tfrom\tto\tstrength\n", {"ends": "from,to", "edge_weight": "strength"}),
    ],
)
def test_files_of_edges(tmp_path, name, line, head, options, directed):
    (tmp_path / name).write_text(head + "\n".join(line.format(*edge) for edge in EDGES))
    assert arcs(tmp_path / name, directed=directed, **options) == expected(directed)


def test_other_graphs(tmp_path):
    (tmp_path / "g.csv").write_text('"1","2"\n"2","a, b"\n')
    assert arcs(tmp_path / "g.csv", directed=True) == {("1", "2"): 1, ("2", "a, b"): 1}
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from(EDGES)
    assert arcs(graph) == expected(directed=True)
    assert arcs(graph, directed=False) == expected(directed=False)
    assert arcs(iter(EDGES)) == expected(directed=False)
    assert arcs([(1, 2.0), (2, 3)], directed=True) == {("1", "2"): 1, ("2", "3"): 1}
    frame = pd.DataFrame(EDGES, columns=["a", "b", "weight"])
    table = pa.Table.from_pandas(frame)
    assert arcs(frame) == arcs(table, ends="a,b") == expected(directed=False)
    graph.add_nodes_from(["alone"])
    assert arcs(graph) == expected(directed=True)
    matrix = networkx.to_scipy_sparse_array(graph, nodelist="abcd")
    numbered = {(str("abcd".index(a)), str("abcd".index(b))): w for (a, b), w in expected(directed=False).items()}
    assert arcs(matrix) == numbered


@pytest.mark.parametrize(
    ("edge", "message"),
    [(("a", "b", 10**400), "'weight' of the edges must be numbers"), (("", "b", 1), "a node of the graph is empty")],
)
def test_a_networkx_graph_is_refused_as_edges_are(edge, message):
    graph = pytest.importorskip("networkx").Graph()
    graph.add_weighted_edges_from([edge])
    with pytest.raises(InputError, match=message):
        read_graph(graph, GraphOptions())


def test_what_is_left_out_is_said(caplog):
    # An edge that is listed twice in one direction counts twice; an edge listed once in each direction counts once.
    graph = [("a", "a"), ("a", "b"), ("b", "a"), ("c", "b"), ("c", "b"), ("d", "d")]
    assert arcs(graph) == {("a", "b"): 1, ("b", "a"): 1, ("c", "b"): 2, ("b", "c"): 2}
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "2 edges from a node to itself" in said
    assert "1 nodes without an edge" in said


def test_a_matrix_is_read_as_it_is_and_stays_so():
    doubled = sp.coo_array((np.array([200, 200], np.uint8), ([0, 0], [1, 1])), shape=(2, 2))
    assert arcs(doubled) == {("0", "1"): 400, ("1", "0"): 400}
    given = sp.csr_array(([1.0, 1.0, 2.0], [1, 1, 0], [0, 2, 3]), shape=(2, 2))
    assert arcs(given, directed=True) == {("0", "1"): 2, ("1", "0"): 2}
    assert (given.data.tolist(), given.indices.tolist(), given.indptr.tolist()) == ([1, 1, 2], [1, 1, 0], [0, 2, 3])
    for array in (given.data, given.indices, given.indptr):
        array.flags.writeable = False  # like arrays of memory-mapped files
    assert arcs(given) == {("0", "1"): 2, ("1", "0"): 2}


def test_a_graph_that_is_too_large_is_refused(tmp_path, monkeypatch):
    (tmp_path / "g.txt").write_text("1 2\n" * 100_000)
    monkeypatch.setattr("wordsparse.machine.memory.limits", lambda: iter([(10**6, "test")]))
    with pytest.raises(InputError, match="a graph of 100,000 edges needs about"):
        read_graph(tmp_path / "g.txt", GraphOptions())


def walks(source, seed=1, epoch=0, **options):
    """Return the walks as ids (n, length + 1), and the names of these ids."""
    read = GraphSource(source, GraphOptions(**options))
    found = read.walks.of(seed, epoch)[:]
    return found.reshape(-1, options["walk_length"] + 1), read.vocabulary.words


def transitions(found, words, before, at):
    """Return the fraction of walks that continue to each node after they have visited ``before`` and then ``at``."""
    rows = "".join("".join(words[i] for i in walk[:-1]) + "." for walk in found)
    after = Counter(rows[i + 2] for i in range(len(rows) - 2) if rows[i : i + 2] == before + at and rows[i + 2] != ".")
    return {node: count / after.total() for node, count in sorted(after.items())}


def test_walks_follow_edges_by_their_weights():
    found, words = walks(EDGES, walk_length=30, walks=2000)
    assert (found[:, -1] == END_OF_SENTENCE).all()
    assert Counter(found[:, 0].tolist()) == dict.fromkeys(range(4), 2000)
    share = transitions(found, words, "b", "a")
    assert share == pytest.approx({"b": 0.4, "c": 0.6}, abs=0.02)
    assert transitions(found, words, "d", "c") == pytest.approx({"a": 0.6, "b": 0.2, "d": 0.2}, abs=0.02)


def test_p_and_q_are_those_of_node2vec():
    found, words = walks(EDGES, walk_length=30, walks=2000, p=4.0, q=0.25)
    # After b, then c: the factors are 1/p for b, 1 for a (a neighbour of b) and 1/q for d, times weights of 1, 3 and 1.
    assert transitions(found, words, "b", "c") == pytest.approx(
        {"a": 3 / 7.25, "b": 0.25 / 7.25, "d": 4 / 7.25}, abs=0.02
    )


def test_a_walk_that_can_go_no_further_ends():
    found, words = walks([("a", "b"), ("b", "c")], walk_length=4, walks=1, directed=True)
    ends = {words[walk[0]]: walk[1:4].tolist() for walk in found}
    place = {word: i for i, word in enumerate(words)}
    assert ends["c"] == [OUT_OF_VOCABULARY] * 3
    assert ends["a"] == [place["b"], place["c"], OUT_OF_VOCABULARY]


def test_walks_are_the_same_however_they_are_cut():
    read = GraphSource(EDGES, GraphOptions(walk_length=7, walks=5, p=2.0))
    shard = read.walks.of(3, 2)
    whole, size = shard[:], shard.shape[0]
    assert size == read.length + read.walks.number
    for step in (1, 5, 8, 13):
        parts = [shard[start : start + step] for start in range(0, size, step)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(shard.of(3, 3)[:], whole)
    assert not np.array_equal(shard.of(4, 2)[:], whole)
    counted = np.bincount(np.concatenate([shard.of(3, epoch)[:] for epoch in range(400)]) + 2)[2:]
    np.testing.assert_allclose(counted / 400, read.vocabulary.counts, rtol=0.1)

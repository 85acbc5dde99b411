"""Readers of graphs: files of edges, NetworkX graphs and SciPy matrices become node names and a matrix of weights."""

import logging
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from wordsparse import validation
from wordsparse.corpus.numbering import Numbers, numbered
from wordsparse.corpus.sources import Corpus, find_files
from wordsparse.corpus.tables import column_names, format_of_name, table_blocks
from wordsparse.corpus.tables.files import DELIMITERS, cells_of_line, lines_of
from wordsparse.corpus.tables.groups import as_written, is_nan
from wordsparse.errors import InputError
from wordsparse.files.escaping import listed
from wordsparse.files.unpacking import suffix_of
from wordsparse.graphs.options import GraphOptions
from wordsparse.machine import memory

logger = logging.getLogger(__name__)

# The peak memory per edge in bytes, measured while the matrix is transposed and sorted.
BYTES_PER_EDGE = 130
# Characters that begin a comment in a list of edges.
COMMENTS = ("#", "%")
WEIGHT = "weight"
# The bounds of weights, so that float64 can hold the sum of a node's weights, and the inverse of that sum.
SMALLEST, LARGEST = 1e-100, 1e100
# An edge in Python must have one of the types in EDGE. A node must not be one of the values in NO_NODE.
EDGE, NO_NODE = (list, tuple, np.ndarray), (None, "")


def read_graph(source: Any, options: GraphOptions) -> tuple[list[str], sp.csr_array]:
    """Return a graph's node names, and a matrix (V, V) with the weights of edges from row nodes to column nodes.

    ``source`` is a path, a list of paths, a data frame, a NetworkX graph, a SciPy matrix, or an iterable of edges. In
    files of lines (``#`` and ``%`` begin a comment), files of rows (.csv, .tsv, .jsonl, .parquet), data frames and
    iterables, an edge has two nodes, and a weight if all edges have weights; repeated edges add up. A matrix has a row
    and a column for each node; the name of a node is its row number, from 0.

    Raise InputError if the graph cannot be read, has no edge or does not fit into memory, or if a weight is negative,
    out of bounds or not a number.
    """
    if sp.issparse(source):
        nodes, edges, directed = *_of_matrix(source), options.directed
    elif hasattr(source, "is_directed") and hasattr(source, "edges"):
        nodes, edges, directed = *_of_networkx(source, options), options.directed
        directed = source.is_directed() if directed is None else directed
    else:
        nodes, edges, directed = *_of_rows(_rows(source, options)), options.directed
    return _checked(nodes, edges, bool(directed))


def _checked(nodes: list[str], edges: sp.csr_array, directed: bool) -> tuple[list[str], sp.csr_array]:
    """Return the graph without self-loops and isolated nodes. Unless ``directed``, edges go both ways."""
    weights = edges.data
    wrong = ~((weights == 0) | ((weights >= SMALLEST) & (weights <= LARGEST)))
    if wrong.any():
        bad, at = edges.tocoo(), int(wrong.argmax())
        ends = f"{nodes[bad.row[at]]!r:.40} to {nodes[bad.col[at]]!r:.40}"
        kind = f"positive numbers, from {SMALLEST:g} to {LARGEST:g}"
        raise InputError(f"the edge from {ends} has the weight {weights[at]:g}: weights must be {kind}")
    loops = edges.diagonal()
    if count := int(np.count_nonzero(loops)):
        logger.warning("%s edges from a node to itself are left out", f"{count:,}")
        edges = edges - sp.diags_array(loops, format="csr")
    if not directed:
        edges = edges.maximum(edges.T.tocsr())
    edges.eliminate_zeros()
    has_edge = (np.diff(edges.indptr) > 0) | (np.bincount(edges.indices, minlength=len(nodes)) > 0)
    if not has_edge.any():
        raise InputError("the graph has no edge between two nodes: there is nothing to walk on")
    if count := int(np.count_nonzero(~has_edge)):
        logger.warning("%s nodes without an edge are left out: they get no vector", f"{count:,}")
        linked = np.flatnonzero(has_edge)
        nodes, edges = [nodes[node] for node in linked], edges[linked][:, linked].tocsr()
    logger.info("a graph of %s nodes and %s edges", f"{len(nodes):,}", f"{edges.nnz // (1 if directed else 2):,}")
    return nodes, edges


def _matrix(ends: np.ndarray, weights: np.ndarray, nodes: int) -> sp.csr_array:
    """Return the matrix of edges (n, 2) between numbered nodes. Repeated edges add up."""
    return sp.coo_array((weights, (ends[:, 0], ends[:, 1])), (nodes, nodes)).tocsr()


def _of_matrix(matrix: Any) -> tuple[list[str], sp.csr_array]:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"a matrix of edges must be square, a row and a column for each node, not {matrix.shape}")
    check_memory(matrix.nnz)
    edges = validation.csr("a matrix of edges", matrix, np.dtype(np.float64))
    return [str(node) for node in range(matrix.shape[0])], edges


def _of_networkx(graph: Any, options: GraphOptions) -> tuple[list[str], sp.csr_array]:
    check_memory(graph.number_of_edges())
    numbers = {node: number for number, node in enumerate(graph.nodes)}
    if any(node in NO_NODE or is_nan(node) for node in numbers):
        raise InputError("a node of the graph is empty: give every node a name")
    name = options.edge_weight or WEIGHT
    edges = [(numbers[a], numbers[b], weight) for a, b, weight in graph.edges(data=name, default=None)]
    if options.edge_weight and all(weight is None for _, _, weight in edges):
        raise InputError(f"no edge of the graph has the attribute {name!r}: name another attribute with edge_weight")
    try:
        weights = np.array([1.0 if weight is None else weight for _, _, weight in edges], np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the attribute {name!r} of the edges must be numbers: {error}") from error
    ends = np.array([edge[:2] for edge in edges], np.int64).reshape(-1, 2)
    return [str(node) for node in numbers], _matrix(ends, weights, len(numbers))


def _rows(source: Any, options: GraphOptions) -> list[tuple[str, Iterable[tuple[int, Any]]]]:
    """Return pairs of a name and edges: a pair per file, or a single pair for a data frame or an iterable."""
    corpus = Corpus.of(source)
    if corpus.form == "frame":
        names = list(getattr(source, "column_names", source.columns))  # Arrow's ``columns`` are the data
        return [("the data frame", _columns("the data frame", source, names, options))]
    if corpus.paths is not None:
        return [(str(file), _cells(file, options)) for file in find_files(corpus.paths)]
    if not isinstance(source, Iterable):
        raise InputError(f"give a path, a list of paths, or an iterable of edges, not {source!r}")
    return [("the edges", enumerate(source, 1))]


def _of_rows(rows: Iterable[tuple[str, Iterable[tuple[int, Any]]]]) -> tuple[list[str], sp.csr_array]:
    numbers, weights = Numbers(), array("d")
    blocks = [np.empty((0, 2), np.int32)]
    for name, cells in rows:
        for block in numbered(_pairs(name, cells, weights), numbers, end=0):
            blocks.append(block.reshape(-1, 3)[:, :2].copy())
            check_memory(len(weights))
    if not weights:
        raise InputError("there is no edge: give the two nodes of an edge in each line, row or item")
    nodes = [str(node) for node in numbers]
    return nodes, _matrix(np.concatenate(blocks), np.array(weights), len(nodes))


def _pairs(name: str, cells: Iterable[tuple[int, Any]], weights: Any) -> Iterator[list[str]]:
    """Yield the two nodes of each edge, and append its weight, by default 1, to ``weights``."""
    width = 0
    for number, row in cells:
        if not isinstance(row, EDGE) or len(row) not in (2, 3):
            raise InputError(
                f"{name}: row {number} is {row!r:.60}, not an edge: give two nodes, and a weight if there is one; "
                "for sentences, leave out --for graph (kind)"
            )
        width = width or len(row)
        if len(row) != width:
            raise InputError(f"{name}: row {number} has {len(row)} cells, but the first edge has {width}: give {width}")
        try:
            weights.append(float(row[2]) if width == 3 else 1.0)
        except (TypeError, ValueError, OverflowError):
            validation.finite(f"{name}: the weight of row {number}", row[2])  # raises InputError
        source, target = row[0], row[1]
        if source in NO_NODE or target in NO_NODE or is_nan(source) or is_nan(target):
            raise InputError(f"{name}: row {number} has an empty node: give every edge two nodes")
        yield [as_written(source), as_written(target)]


def _cells(path: Path, options: GraphOptions) -> Iterator[tuple[int, Any]]:
    """Return, for each line or row, its number and its cells. The cells are two nodes and, optionally, a weight."""
    if suffix_of(path) == ".mtx":
        raise InputError(f"{path}: is a matrix: use wordsparse.train(scipy.io.mmread(path), ..., kind='graph')")
    format = format_of_name(path)
    named = options.ends or options.edge_weight
    if format is None and named:
        raise InputError(f"{path}: its columns have no names: leave out ends and edge_weight, or give a table (.csv)")
    names = [] if format in (None, "jsonl") else column_names(path, format)
    if format is None or (format == "csv" and not named and all(map(_is_number, names[:2]))):
        return _lines(path, '"' if format else None)
    if format == "jsonl" and not options.columns:
        raise InputError(f"{path}: name the two columns that hold the nodes of an edge: ends=SOURCE,TARGET")
    return _columns(str(path), [path], names, options)


def _columns(name: str, source: Any, names: list[str], options: GraphOptions) -> Iterator[tuple[int, Any]]:
    weight = options.edge_weight or (WEIGHT if WEIGHT in names else None)
    ends = options.columns or [name for name in names if name != weight][:2]
    if len(ends) < 2:
        raise InputError(f"{name}: an edge needs two columns of nodes, next to the weight; columns: {listed(names)}")
    is_frame = not isinstance(source, list)
    for block in table_blocks(source, [*ends, *([weight] if weight else [])], is_frame=is_frame):
        yield from zip(block.numbers, zip(*block.cells(), strict=True), strict=True)


def _lines(path: Path, quote: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line of a file without a header. The first line determines the delimiter; the default is
    white space.

    ``#`` and ``%`` begin a comment. If a line contains the character ``quote``, its cells are read as in CSV.
    """
    mark: str | None = ""
    for number, line in enumerate(lines_of(path), 1):
        if line.startswith(COMMENTS) or not line.strip():
            continue
        if mark == "":
            mark = next((mark for mark in DELIMITERS if mark in line.strip()), None)
        split = cells_of_line if quote and quote in line else str.split
        yield number, [cell.strip() for cell in split(line.strip(), mark)] if mark else line.split()


def check_memory(edges: int) -> None:
    """Raise InputError if a graph with this number of edges does not fit into free memory."""
    memory.check(edges * BYTES_PER_EDGE, f"a graph of {edges:,} edges")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

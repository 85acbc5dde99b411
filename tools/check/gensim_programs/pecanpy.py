"""The example of pecanpy's README: its command line on Zachary's karate club, with SparseOTF.

pecanpy needs nptyping, which asks for NumPy below 2: its newest version, 2.5.0, names aliases that NumPy 2 removed.
They are given back here.
"""

import sys
from pathlib import Path

import networkx as nx
import numpy as np

REMOVED = {
    "bool8": "bool_",
    "object0": "object_",
    "int0": "intp",
    "uint0": "uintp",
    "float_": "float64",
    "longfloat": "longdouble",
    "singlecomplex": "complex64",
    "complex_": "complex128",
    "cfloat": "complex128",
    "clongfloat": "clongdouble",
    "longcomplex": "clongdouble",
    "void0": "void",
    "string_": "bytes_",
    "bytes0": "bytes_",
    "unicode_": "str_",
    "str0": "str_",
}
for old, new in REMOVED.items():
    setattr(np, old, getattr(np, new))

from pecanpy import cli  # noqa: E402

club = nx.karate_club_graph()
Path("karate.edg").write_text("".join(f"{a}\t{b}\n" for a, b in club.edges()))
sys.argv = ["pecanpy", "--input", "karate.edg", "--output", "karate.emb", "--mode", "SparseOTF"]
cli.main()
lines = Path("karate.emb").read_text().splitlines()
assert lines[0] == "34 128"
assert len(lines) == 35

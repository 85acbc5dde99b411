"""The PySpark program of docs/counts.md makes the same table as ``wordsparse count``."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import wordsparse as ws

pytest.importorskip("pyspark", reason="PySpark is not installed")
pytestmark = pytest.mark.nightly

PROGRAM = Path(__file__).parents[2] / "docs" / "spark_counts.py"


def table(path):
    rows = parquet.read_table(path).to_pylist()
    assert len({(row["word"], row["context"]) for row in rows}) == len(rows), "a pair has one row"
    return {(row["word"], row["context"]): row["count"] for row in rows}


def test_the_program_makes_the_table_of_count(tmp_path):
    random, text = np.random.default_rng(3), tmp_path / "text.txt"
    lines = [" ".join(f"w{i}" for i in random.zipf(1.4, random.integers(0, 40)) % 300) for _ in range(600)]
    text.write_text("\n".join([*lines, "two  blanks", ""]))
    ws.count(text, tmp_path / "ours.parquet", threads=1)
    master = "--master local[2] pyspark-shell"
    workers = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": master, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, PROGRAM, text, tmp_path / "spark"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **workers})
    ours, spark = table(tmp_path / "ours.parquet"), table(tmp_path / "spark")
    assert set(ours) == set(spark)
    assert ours == pytest.approx(spark, rel=1e-6)

"""Wrong requests are refused and write nothing: each line of a room's refusals.txt is `request ⇒ error: pattern`.

Lines without ⇒ prepare the requests of their paragraph, and the first paragraph those of the whole file.
"""

import gc
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import wordsparse as ws


def requests():
    for file in sorted(Path(__file__).parent.rglob("refusals.txt")):
        head, *paragraphs = file.read_text("utf-8").strip().split("\n\n")
        for paragraph in paragraphs:
            lines = paragraph.splitlines()
            prepare = "\n".join([head, *(line for line in lines if "⇒" not in line)])
            for line in lines:
                if "⇒" in line:
                    request, error, pattern = re.fullmatch(r"(.*?) +⇒ (\w+): (.*)", line).groups()
                    yield pytest.param(prepare, request, error, pattern, id=f"{file.parent.name}: {request}")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(("prepare", "request_", "error", "pattern"), [*requests()])
def test_a_wrong_request_is_refused(prepare, request_, error, pattern, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = set()

    def write(name, content):
        """Write a file that a request reads."""
        inputs.add(name)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Path(name)

    names = {"Path": Path, "np": np, "pd": pd, "sp": sp, "ws": ws, "write": write}
    exec(prepare, names)
    inputs.update(os.listdir())
    with pytest.raises(Exception, match=pattern) as refusal:
        eval(request_, names)
    assert error in [kind.__name__ for kind in type(refusal.value).__mro__]
    assert len(str(refusal.value)) < 1000
    del refusal  # its traceback refers to this frame, so files that it holds would be closed late
    with warnings.catch_warnings():  # a cycle of frames may hold a file, which would be closed in another test
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect(1)
    assert {*os.listdir()} == inputs

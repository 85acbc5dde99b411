import os
import subprocess
import sys

import pytest

MAP = """
import numpy as np
from wordsparse.explorer.projection import Projection
unit = np.linalg.qr(np.random.default_rng(0).standard_normal((120, 8)))[0].astype(np.float32)
print(Projection().of([str(i) for i in range(120)], unit).shape)
"""


def test_nothing_is_printed_where_the_system_has_no_programs(tmp_path):
    """joblib asks lscpu, or whatever its system has, for the number of cores."""
    pytest.importorskip("sklearn")
    environment = {**os.environ, "PATH": str(tmp_path)}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run([sys.executable, "-c", MAP], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(120, 2)\n", "")

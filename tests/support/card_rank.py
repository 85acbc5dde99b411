"""``wordsparse`` on ranks of a host with GPUs that are played: see fake_cupy.py and emulation/.

    python card_rank.py COUNT FIRST OTHERS ARGUMENTS…

The host has COUNT cards, of which those from number FIRST on are visible; where FIRST is ``own``, each rank sees one,
that of its number. OTHERS says how rank 1 differs: ``none``, ``no-cupy``, ``no-card`` or ``driver``.
"""

import os
import sys

from support.emulation.standin import cupy
from support.fake_cupy import fake_cupy
from wordsparse.__main__ import run
from wordsparse.kernels.cuda import CudaKernels
from wordsparse.training import loop

count, first, odd = sys.argv[1:4]
del sys.argv[1:4]
here = next(int(os.environ[name]) for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK") if name in os.environ)
answers = {"count": 1, "first": here} if first == "own" else {"count": int(count) - int(first), "first": int(first)}
if here == 1:
    answers |= {"no-card": {"count": 0}, "driver": {"driver": 12000}}.get(odd, {})
missing = odd == "no-cupy" and here == 1
sys.modules["cupy"] = None if missing else fake_cupy(**answers)  # type: ignore[assignment]
loop.kernels_on = lambda device, threads, bfloat16: CudaKernels(cupy)  # type: ignore[assignment]
run()

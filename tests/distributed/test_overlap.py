"""While a rank waits in MPI, its next minibatch is built."""

import functools
import sys
import threading
import time
from pathlib import Path
from typing import Any

from support.mpi import launched, needs_mpi

import wordsparse as ws


@needs_mpi
def test_the_next_minibatch_is_built_while_a_rank_waits_for_another(tmp_path: Path) -> None:
    """Rank 1 sends nothing before rank 0, which waits for it, has built its next minibatch: without overlap, nobody
    would go on."""
    text = [[f"w{(7 * start + step) % 50}" for step in range(10)] for start in range(200)]
    ws.encode(text, tmp_path / "encoded", min_count=1)
    run = launched(2, __file__, tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "built meanwhile\n"


def main(folder: Path) -> None:
    """On both ranks."""
    from wordsparse.corpus import EncodedCorpus
    from wordsparse.distributed.mpi import MpiRanks
    from wordsparse.distributed.run import ShardedRun
    from wordsparse.training import minibatches
    from wordsparse.words.options import Options

    waits, built = threading.Event(), folder / "built"
    make = minibatches._built
    made: list[Any] = []

    def slowly(*given: Any) -> Any:
        made.append(given)
        if len(made) == 2 and ranks.rank == 0:
            assert waits.wait(60)
            for _ in range(20):  # the other thread is in MPI by the end of it
                time.sleep(0.02)
            built.touch()
        return make(*given)

    class Waiting(MpiRanks):
        @functools.wraps(MpiRanks.exchange)
        def exchange(self, *given: Any) -> Any:
            waits.set()
            end = time.monotonic() + 60
            while self.rank == 1 and not built.exists():
                if time.monotonic() > end:
                    print("rank 0 builds nothing while it waits", file=sys.stderr)
                    self.abort(1)
                time.sleep(0.01)
            return super().exchange(*given)

    minibatches._built = slowly
    ranks = Waiting()
    options = Options(dim=8, threads=2, batch_tokens=300, epochs=1, sample=0)
    run = ShardedRun(ranks, EncodedCorpus.open(folder / "encoded"), options)
    made.clear()  # the first one is also made to know the memory that it takes
    run.train()
    if ranks.rank == 0:
        print("built meanwhile")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

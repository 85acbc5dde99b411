"""Arrays of a GPU between ranks: they travel through the memory of the host."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from wordsparse.distributed.ranks import Ranks
from wordsparse.kernels import Kernels
from wordsparse.types import Array


def staged(ranks: Ranks, kernels: Kernels) -> Ranks:
    """The ranks as they take the arrays of these kernels; themselves for those of the CPU."""
    return ranks if kernels.device == "cpu" else StagedRanks(ranks, kernels)


class StagedRanks:
    """Ranks that take arrays of NumPy, as theirs, and arrays of a GPU: what they return is where the argument was."""

    def __init__(self, ranks: Ranks, kernels: Kernels) -> None:
        self._ranks, self._kernels = ranks, kernels
        self.rank, self.size, self.beside, self.local_rank = ranks.rank, ranks.size, ranks.beside, ranks.local_rank

    @property
    def sent(self) -> int:
        return self._ranks.sent

    @property
    def cpu_seconds(self) -> float:
        return self._ranks.cpu_seconds

    @property
    def agreed(self) -> BaseException | None:
        return self._ranks.agreed

    @agreed.setter
    def agreed(self, error: BaseException) -> None:
        self._ranks.agreed = error

    def sum(self, part: Array) -> Array:
        return self._through_host(part, self._ranks.sum)

    def exchange(self, rows: Array, to: Sequence[int], from_: Sequence[int]) -> Array:
        return self._through_host(rows, lambda here: self._ranks.exchange(here, to, from_))

    def gather(self, content: bytes) -> list[bytes]:
        return self._ranks.gather(content)

    def barrier(self) -> None:
        self._ranks.barrier()

    def abort(self, status: int) -> NoReturn:
        self._ranks.abort(status)

    def _through_host(self, array: Array, travel: Callable[[Array], Array]) -> Array:
        kernels = self._kernels
        if not isinstance(array, kernels.xp.ndarray):
            return travel(array)
        return kernels.to_device(travel(kernels.to_host(array)))

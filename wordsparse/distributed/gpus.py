"""The device of each rank: the CPU, or a GPU of its host that no other rank has; its arrays travel through the host."""

import socket
from collections.abc import Callable, Sequence

from wordsparse.distributed.ranks import Ranks, agreed, gather_json
from wordsparse.errors import InputError
from wordsparse.kernels import Kernels
from wordsparse.machine import devices
from wordsparse.machine.devices import Choice
from wordsparse.types import Array


def choose(device: str, ranks: Ranks) -> Choice:
    """Where this rank computes. Of a host's GPUs that it sees, the first rank takes the first, and so on in turn.

    Raises
    ------
    InputError
        If ``device`` is none, or is ``cuda`` and no GPU is usable here.
    """
    if ranks.size > 1 and device == "auto":
        return Choice("cpu", "the CPU: several ranks use GPUs only with device cuda")
    if ranks.size > 1 and device == "cuda":
        devices.take(ranks.local_rank)
    return devices.choose(device)


def facts(device: str) -> dict[str, object]:
    """What must be the same on all ranks for the same numbers."""
    if device != "cuda":
        return {}
    gpu = devices.find_gpu()
    rounded = " with TF32" if gpu.tf32 else ""
    return {"GPU": f"{gpu.name} (driver {gpu.driver}, CUDA {gpu.runtime}, CuPy {gpu.cupy}{rounded})"}


def check_apart(ranks: Ranks) -> None:
    """Refuse two ranks on one GPU; collective.

    Raises
    ------
    InputError
        On all ranks.
    """
    told = gather_json(ranks, [socket.gethostname(), devices.address()])
    for rank, (host, address) in enumerate(told):
        first = told.index([host, address])
        if first != rank:
            message = (
                f"device cuda: ranks {first} and {rank} have the same GPU ({address} of {host}): start no more ranks "
                "on a host than it has GPUs"
            )
            raise agreed(ranks, InputError(message))


def staged(ranks: Ranks, kernels: Kernels) -> Ranks:
    """The ranks as they take the arrays of these kernels; themselves for those of the CPU."""
    return ranks if kernels.device == "cpu" else StagedRanks(ranks, kernels)


class StagedRanks(Ranks):
    """Ranks that take arrays of NumPy and arrays of a GPU: what they return is where the argument was."""

    def __init__(self, ranks: Ranks, kernels: Kernels) -> None:
        self._ranks, self._kernels = ranks, kernels
        self.rank, self.size, self.beside, self.local_rank = ranks.rank, ranks.size, ranks.beside, ranks.local_rank

    def sum(self, part: Array) -> Array:
        return self._through_host(part, self._ranks.sum)

    def exchange(self, rows: Array, to: Sequence[int], from_: Sequence[int]) -> Array:
        return self._through_host(rows, lambda here: self._ranks.exchange(here, to, from_))

    def gather(self, content: bytes) -> list[bytes]:
        return self._ranks.gather(content)

    def _through_host(self, array: Array, travel: Callable[[Array], Array]) -> Array:
        kernels = self._kernels
        if not isinstance(array, kernels.xp.ndarray):
            return travel(array)
        return kernels.to_device(travel(kernels.to_host(array)))

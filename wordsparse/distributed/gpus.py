"""The device of each rank: the CPU, or a GPU of its host that no other rank has."""

import socket

from wordsparse.distributed.ranks import Ranks, gather_json
from wordsparse.errors import InputError
from wordsparse.machine import devices
from wordsparse.machine.devices import Choice


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
            error = InputError(
                f"device cuda: ranks {first} and {rank} have the same GPU ({address} of {host}): start no more ranks "
                "on a host than it has GPUs"
            )
            ranks.agreed = error
            raise error

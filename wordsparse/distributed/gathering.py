"""The state of all ranks in one place: rows on the disk of rank 0, from where they are read as they are needed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wordsparse.distributed.embedding import ROWS, ShardedEmbedding
from wordsparse.distributed.owners import Owners
from wordsparse.distributed.ranks import Ranks
from wordsparse.words.embedding import WordEmbedding


@contextmanager
def gathered(embedding: WordEmbedding, ranks: Ranks, folder: Path) -> Iterator[dict[str, Any] | str]:
    """The state of the whole embedding, inside the block, in which rank 0 may work alone for long; collective.

    Yields
    ------
    dict or str
        On rank 0 the state, whose rows are maps of files in ``folder``, or why there is none (a full disk); on the
        others an empty one.

    Raises
    ------
    TrainingError
        On all ranks, if their numbers have come apart.
    """
    assert isinstance(embedding, ShardedEmbedding)
    embedding.output.check_alike()
    state = embedding.state()
    try:
        failures = [_collect(state, name, embedding.output.owners, folder) for name in ROWS]
        if ranks.rank == 0:
            yield next((failure for failure in failures if failure), "") or state
        else:
            yield {}
    finally:
        if ranks.rank == 0:
            shutil.rmtree(folder, ignore_errors=True)


def _collect(state: dict[str, Any], name: str, owners: Owners, folder: Path) -> str:
    """Put the whole of a sharded array into ``state`` on rank 0; says why where it cannot be written.

    All blocks are brought together in any case: the other ranks send them.
    """
    own, path, failure, mode = state[name], folder / name, "", "xb"  # no file of an earlier run is written on
    for block in owners.gathered(own):
        if owners.ranks.rank == 0 and not failure:
            try:
                folder.mkdir(exist_ok=True)
                with open(path, mode) as file:
                    file.write(block.reshape(-1).view(np.uint8).data)
                mode = "ab"
            except OSError as error:
                failure = f"{folder}: {error.strerror or error}"
    if owners.ranks.rank == 0 and not failure:
        state[name] = np.memmap(path, own.dtype, "r", shape=(owners.n, *own.shape[1:]))
    return failure

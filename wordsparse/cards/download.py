"""The download of one file, which resumes where an earlier one was cut."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from wordsparse.cards.card import Card
from wordsparse.errors import WordsparseError
from wordsparse.files.storage import writing

BLOCK_BYTES = 2**20
TIMEOUT = 60.0
"""Seconds without a byte, after which a connection counts as cut."""
RESUME = "run the same command again: it resumes where the card tells a checksum"

# Called with the bytes that are on the disk, and those of the whole file, None if they are not known.
Progress = Callable[[int, int | None], object]


def download(source: Card, part: Path, progress: Progress) -> None:
    """Download a file to ``part``, which may hold the part that an earlier call brought.

    It is resumed where the card tells a checksum, which notices another file; else it begins anew. Proxies are those of
    the environment, as urllib takes them. WordsparseError if the server has no such file, cannot be reached or cuts
    the connection, or if writing fails. What has arrived stays.
    """
    have = part.stat().st_size if part.exists() and source.known else 0
    try:
        if not _continued(source, part, have, progress):
            raise WordsparseError(f"{source.url}: the connection was cut; {RESUME}")
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code == 416:  # the part is as long as the file, or longer
            part.unlink()
        raise WordsparseError(f"{source.url}: {refusal}: check the address, or {RESUME}") from refusal
    # URLError is an OSError; of host names and ports, of a redirect too, come the last two.
    except (OSError, http.client.HTTPException, ValueError, OverflowError) as cut:
        raise WordsparseError(f"{source.url}: {cut}; {RESUME}") from cut


def _continued(source: Card, part: Path, have: int, progress: Progress) -> bool:
    """Append what a connection brings, from the byte ``have`` on where the server can send parts; whether the file is
    complete."""
    headers = {"User-Agent": f"wordsparse/{version('wordsparse')}"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(source.url, headers=headers)
    with urllib.request.build_opener().open(request, timeout=TIMEOUT) as response:  # urlopen keeps the first proxies
        have = have if response.status == 206 else 0  # else the server sends whole files only
        total = source.bytes if response.length is None else have + response.length
        with open(part, "ab" if have else "wb") as file:
            while block := response.read1(BLOCK_BYTES):
                with writing(part):
                    have += file.write(block)
                progress(have, total)
    return total is None or have >= total

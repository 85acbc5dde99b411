"""The download of one file, which resumes where it was cut."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wordsparse.cards.card import Download
from wordsparse.errors import WordsparseError
from wordsparse.files.storage import writing

BLOCK_BYTES = 2**20
TIMEOUT = 60.0
"""Seconds without a byte, after which a connection counts as cut."""
ATTEMPTS = 5
"""Connections in a row that brought nothing new."""
PAUSE = 2.0
"""Seconds before the next attempt."""

# Called with the bytes that are on the disk, and those of the whole file, None if they are not known.
Progress = Callable[[int, int | None], object]


def download(source: Download, part: Path, progress: Progress) -> None:
    """Download a file to ``part``, which may hold the part that an earlier attempt brought.

    It is resumed where the card tells a checksum, which notices another file; else it begins anew. Proxies are those of
    the environment, as urllib takes them. WordsparseError if the server has no such file, or one of another size than
    the card tells; if it cannot be reached or cuts every connection, or if writing fails. What has arrived stays.
    """
    failures = 0
    while True:
        before, error = _size(part), Exception("the connection was cut")
        try:
            if _continue(source, part, progress):
                return
        except urllib.error.HTTPError as refusal:
            refusal.close()
            if refusal.code == 416:  # the part is as long as the file, or longer
                part.unlink()
            elif refusal.code not in (408, 429, 500, 502, 503, 504):
                raise WordsparseError(f"{source.url}: {refusal}: check the address") from refusal
            error = refusal
        except (OSError, http.client.HTTPException) as cut:  # URLError is an OSError
            error = cut
        failures = 0 if _size(part) > before else failures + 1
        if failures == ATTEMPTS:
            raise WordsparseError(
                f"{source.url}: {error}, {ATTEMPTS} times in a row; run the same command again: it resumes where the "
                "card tells a checksum"
            ) from error
        time.sleep(PAUSE * failures)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _continue(source: Download, part: Path, progress: Progress) -> bool:
    """Open one connection and append what it brings; whether the file is complete."""
    have = _size(part) if source.known else 0
    with _opened(source.url, have) as response:
        have = have if response.status == 206 else 0  # else the server sends whole files only
        total = source.bytes if response.length is None else have + response.length
        if source.bytes not in (None, total):
            part.unlink(missing_ok=True)
            raise WordsparseError(f"{source.url}: has {total:,} bytes, but the card says {source.bytes:,}")
        with open(part, "ab" if have else "wb") as file:
            while block := response.read1(BLOCK_BYTES):
                with writing(part):
                    have += file.write(block)
                progress(have, total)
    return total is None or have >= total


def _opened(url: str, have: int) -> Any:
    """The answer of a server, from the byte ``have`` on where it can send parts."""
    headers = {"User-Agent": f"wordsparse/{version('wordsparse')}"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.build_opener().open(request, timeout=TIMEOUT)  # urlopen keeps the first proxies
    except (ValueError, OverflowError) as error:  # host names and ports of a card or of a redirect
        raise WordsparseError(f"{url}: it, or where it redirects to, cannot be an address: {error}") from error

"""The download of one file, which resumes where it was cut."""

import http.client
import time
import urllib.error
import urllib.parse
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
    failures, most = 0, _size(part)
    while True:
        try:
            if _continue(source, part, progress):
                return
            error: Exception = ConnectionError("the connection was cut")
        except urllib.error.HTTPError as refusal:
            refusal.close()
            if refusal.code == 416:  # the part is as long as the file, or longer
                part.unlink()
            elif refusal.code not in (408, 429, 500, 502, 503, 504):
                raise WordsparseError(
                    f"{source.url}: the server says {refusal.code} {refusal.reason}: check the address in the card"
                ) from refusal
            error = refusal
        except (OSError, http.client.HTTPException) as cut:  # URLError is an OSError
            error = cut
        failures, most = 0 if _size(part) > most else failures + 1, max(_size(part), most)
        if failures == ATTEMPTS:
            reason = getattr(error, "reason", None) or error
            raise WordsparseError(
                f"{source.url}: {reason}, {ATTEMPTS} times in a row; run the same command again: it resumes where the "
                "card tells a checksum"
            ) from error
        time.sleep(PAUSE * failures)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _continue(source: Download, part: Path, progress: Progress) -> bool:
    """Open one connection and append what it brings; whether the file is complete."""
    have, ended = _size(part) if source.checksum or source.text_checksum else 0, False
    with _answer(source.url, {"Range": f"bytes={have}-"} if have else {}) as response:
        have = have if response.status == 206 else 0  # else the server sends whole files only
        total = source.bytes if response.length is None else have + response.length
        with writing(part), open(part, "ab" if have else "wb") as file:
            while not ended and source.bytes in (None, total) and (total is None or have <= total):
                try:
                    block = response.read1(BLOCK_BYTES)
                except (http.client.HTTPException, OSError):
                    break
                have, ended = have + file.write(block), not block
                progress(have, total)
    if source.bytes is not None and (total != source.bytes or have > source.bytes):
        part.unlink()
        raise WordsparseError(
            f"{source.url}: has changed: {max(total or 0, have):,} bytes or more, but the card says "
            f"{source.bytes:,}; correct the card if you trust the new file"
        )
    return ended and total in (None, have)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects from https to https addresses only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https://") and not newurl.startswith("https://"):
            raise WordsparseError(f"{req.full_url}: redirects to {newurl:.200}: name that in the card if you trust it")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _answer(url: str, headers: dict[str, str]) -> Any:
    """The answer of a server; WordsparseError if its address, or one that it redirects to, cannot be one."""
    try:
        address = urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")  # as browsers do
        agent = {"User-Agent": f"wordsparse/{version('wordsparse')}"}
        request = urllib.request.Request(address, headers=headers | agent)
        return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except (ValueError, OverflowError) as error:  # host names and ports of a card or of a redirect
        raise WordsparseError(f"{url}: it, or where it redirects to, cannot be an address: {error}") from error

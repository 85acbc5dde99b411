"""Downloads of one file, which resume where they were cut."""

import contextlib
import http.client
import json
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from wordsparse.corpus.cards import Download
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files.storage import read_json, write_file, writing

BLOCK_BYTES = 2**20
TIMEOUT = 60.0
"""Seconds without a byte, or without the beginning of an answer, after which a connection counts as cut."""
ATTEMPTS = 5
"""Connections in a row that brought nothing new."""
PAUSE = 2.0
"""Seconds before the next attempt."""


@dataclass(frozen=True)
class DownloadProgress:
    """Bytes that are on the disk, and in the whole file; None if the server does not say."""

    bytes: int
    total: int | None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to other https addresses, and from http to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.startswith(allowed):
            fp.close()
            raise WordsparseError(
                f"{req.full_url}: redirects to {newurl:.200}, which is not followed: "
                "name that address in the card if you trust it"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Connection(http.client.HTTPConnection):
    """Is cut where no answer has begun in time: http.client reads "100 Continue" for as long as a server sends it."""

    def getresponse(self) -> http.client.HTTPResponse:
        timer = threading.Timer(TIMEOUT, _cut, [self.sock])
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class _Handler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RDWR)


PART, ABOUT = "part", "part.json"
"""The files of a download: the part that has arrived, and its address."""


def is_download(entry: Path) -> bool:
    """Whether an entry of a directory is one that :func:`download` writes there."""
    own = entry.name in (PART, ABOUT) or re.fullmatch(rf"\.{re.escape(ABOUT)}\.[0-9a-f]{{8}}\.partial", entry.name)
    return bool(own) and not entry.is_symlink()


def download(source: Download, folder: Path, progress: Callable[[DownloadProgress], object]) -> Path:
    """Download a file into ``folder``, which holds the part of an earlier attempt, or nothing.

    Proxies are those of the environment, as urllib takes them. The file is complete by its size; its checksum is not
    compared. WordsparseError if the server has no such file, or one of another size than the card tells; if it cannot
    be reached or cuts every connection, or if writing fails. In the last three cases, what has arrived stays.
    """
    part, about = folder / PART, folder / ABOUT
    with writing(folder):
        folder.mkdir(exist_ok=True)
    failures, most = 0, part.stat().st_size if part.exists() else 0
    while True:
        try:
            if _continue(source, part, about, progress):
                return part
            error: Exception = ConnectionError("the connection was cut")
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code not in (408, 429, 500, 502, 503, 504):
                raise WordsparseError(
                    f"{source.url}: the server says {refused.code} {refused.reason}; check the address in the card, "
                    "or try again later"
                ) from refused
            error = refused
        except (OSError, http.client.HTTPException) as cut:  # URLError is an OSError
            error = cut
        after = part.stat().st_size if part.exists() else 0
        # A file that is fetched again and again brings nothing new.
        failures, most = 0 if after > most else failures + 1, max(after, most)
        if failures == ATTEMPTS:
            reason = getattr(error, "reason", None) or error
            raise WordsparseError(
                f"{source.url}: {reason}, {ATTEMPTS} times in a row; {after:,} bytes are in {folder}: run the same "
                "command again to resume"
            ) from error
        time.sleep(PAUSE * failures)


def _continue(source: Download, part: Path, about: Path, progress: Callable[[DownloadProgress], object]) -> bool:
    """Open one connection and append what it brings; whether the file is complete."""
    have, validator = _part(source, part, about)
    address = urllib.parse.quote(source.url, safe="%/:=&?~#+!$,;'@()*[]")  # as browsers do
    try:
        request = urllib.request.Request(address, headers={"User-Agent": f"wordsparse/{version('wordsparse')}"})
        if have:
            # If-Range: the whole file is sent again if it has changed.
            request.add_header("Range", f"bytes={have}-")
            request.add_header("If-Range", validator)
        response = urllib.request.build_opener(_Redirects, _Handler).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        part.unlink(missing_ok=True)  # the part is as long as the file, or longer
        return False
    except (ValueError, OverflowError) as error:  # of a card or of a redirect: host names, ports
        raise WordsparseError(f"{source.url}: it, or where it redirects to, cannot be an address: {error}") from error
    with response:
        start = _start(response.headers.get("Content-Range", "")) if response.status == 206 else 0
        if start != have:  # the file has changed, or the server sends whole files only
            part.unlink(missing_ok=True)
        if start not in (0, have):
            return False
        stated = response.headers.get("Content-Length")
        length = None if stated is None else _whole(stated)
        if stated is not None and length is None:
            raise WordsparseError(f"{source.url}: the server states {stated!r:.40} as its length; try again later")
        total = None if length is None else start + length
        if source.bytes is not None and total not in (None, source.bytes):
            part.unlink(missing_ok=True)
            raise WordsparseError(
                f"{source.url}: has changed: {total:,} bytes, but the card says {source.bytes:,}; correct the card "
                "if you trust the new file"
            )
        tag = response.headers.get("ETag", "")
        known = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        write_file(about, json.dumps({"url": source.url, "validator": known}).encode())
        with writing(part), open(part, "ab", opener=_opener) as file:
            have, ended = _append(response, file, source, start, total, progress)
    whole = total or source.bytes
    return ended and whole in (None, have)


def _append(
    response: http.client.HTTPResponse,
    file: IO[bytes],
    source: Download,
    have: int,
    total: int | None,
    progress: Callable[[DownloadProgress], object],
) -> tuple[int, bool]:
    """Append what a connection brings; the size of the part, and whether the connection came to its end."""
    ended = False
    while not ended:
        try:
            block = response.read1(BLOCK_BYTES)
        except (http.client.HTTPException, OSError):
            break
        file.write(block)
        have += len(block)
        if source.bytes is not None and have > source.bytes:
            raise WordsparseError(
                f"{source.url}: sends more than the {source.bytes:,} bytes that the card says; correct the card if "
                "you trust the new file"
            )
        progress(DownloadProgress(have, total or source.bytes))
        ended = not block
    file.flush()
    os.fsync(file.fileno())
    return have, ended


def _part(source: Download, part: Path, about: Path) -> tuple[int, str]:
    """The size of the part that an earlier attempt left, and what identifies the file; 0 if it is of no use."""
    try:
        known = read_json(about)
    except InputError:
        known = {}
    validator = known.get("validator")
    if not part.is_file() or known.get("url") != source.url or not isinstance(validator, str) or not validator:
        part.unlink(missing_ok=True)
        return 0, ""
    return part.stat().st_size, validator


def _start(content_range: str) -> int:
    """The first byte of ``bytes 5-9/10``; -1 if it does not say."""
    first = _whole(content_range.removeprefix("bytes ").partition("-")[0])
    return -1 if first is None else first


def _whole(text: str) -> int | None:
    """The whole number that a server states; None if it states none, or one of more than 18 digits."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def _opener(path: str, flags: int) -> int:
    """Opens no file that a link leads to: whoever made the directory may have put the link there."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)

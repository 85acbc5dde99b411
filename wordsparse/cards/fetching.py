"""Fetches what a card describes: downloads, checks and unpacks it, as a directory that appears when it is complete.

A download resumes where an earlier one was cut.
"""

import fnmatch
import hashlib
import http.client
import lzma
import os
import shutil
import socket
import tarfile
import threading
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from wordsparse.cards.card import RECORD, Card, is_file_name
from wordsparse.errors import WordsparseError
from wordsparse.files.storage import new_directory, synced, write_manifest, writing
from wordsparse.files.system import sync

BLOCK_BYTES = 2**20
TIMEOUT = 60.0
"""Seconds without a byte, after which a connection counts as cut; and seconds for the headers of an answer."""
RESUME = "run the same command again: it resumes where the card tells a checksum"
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, RuntimeError, ValueError)

# Called with the bytes that are on the disk, and those of the whole file, None if they are not known.
Progress = Callable[[int, int | None], object]


class _DamagedError(WordsparseError):
    """What was downloaded is of no use."""


def fetch(card: Card, output: str | os.PathLike[str], *, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Write the text of a card into ``output``, a new directory or an empty one; what is recorded beside it.

    InputError if the output exists; WordsparseError if the server has no such file, or another one; if the download
    fails, or writing fails. What an interrupted download has brought stays beside the
    output, and the next call resumes it. Of the record, ``files`` are the names, ``verified`` is the checksum of the
    card that was met, ``download_bytes`` and ``download_sha256`` are of what was downloaded.
    """
    target = Path(output)
    with new_directory(target) as place:
        record = {"format": "wordsparse fetched corpus", "version": 1, "name": card.name, "licence": card.licence}
        record |= {"url": card.url, **_sent(card, target, place, progress)}
        write_manifest(place / RECORD, record)
    return record


def _sent(source: Card, target: Path, place: Path, progress: Progress) -> dict[str, Any]:
    """Download, check and unpack a file of a server."""
    name = hashlib.sha256(source.url.encode()).hexdigest()[:8]
    part = Path(os.path.realpath(target)).with_name(f".{target.name}.{name}.part")
    _download(source, part, progress)
    try:
        sha256, size = _checked(part, source.checksum, source.url), part.stat().st_size
        if source.bytes not in (None, size):
            raise _DamagedError(f"{source.url}: does not have the {source.bytes:,} bytes that the card says")
        if not source.members:
            files = [source.file]
            os.rename(part, place / files[0])
            sync(place / files[0])
        else:
            files = _unpacked(part, source.url, source.members, place)
    except _DamagedError:
        part.unlink(missing_ok=True)
        raise
    part.unlink(missing_ok=True)
    return {"files": files, "download_sha256": sha256, "download_bytes": size, "verified": source.known}


def _download(source: Card, part: Path, progress: Progress) -> None:
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
    with _opener().open(request, timeout=TIMEOUT) as response:  # urlopen keeps the first proxies
        have = have if response.status == 206 else 0  # else the server sends whole files only
        total = source.bytes if response.length is None else have + response.length
        with open(part, "ab" if have else "wb") as file:
            # More than the card's bytes is another file, which may have no end.
            while (source.bytes is None or have <= source.bytes) and (block := response.read1(BLOCK_BYTES)):
                with writing(part):
                    have += file.write(block)
                progress(have, total)
    return total is None or have >= total


class _Response(http.client.HTTPResponse):
    """A response whose headers have come within TIMEOUT: a server can send them byte by byte, or without end."""

    def __init__(self, connection: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        self._connection = connection

    def begin(self) -> None:
        """Read the headers."""
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

        watch = threading.Timer(TIMEOUT, cut)
        watch.start()
        try:
            super().begin()
        finally:
            watch.cancel()
            if late.is_set():  # headers that were cut look complete
                raise TimeoutError(f"its headers took more than {TIMEOUT:g} seconds")


class _Web(urllib.request.HTTPSHandler, urllib.request.HTTPHandler, urllib.request.HTTPRedirectHandler):
    """Opens http and https addresses, and those alone after redirects too."""

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> http.client.HTTPResponse:
        """Open a connection whose response is ours."""
        connection: Any = type("_Connection", (http_class,), {"response_class": _Response})
        return super().do_open(connection, req, **options)

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request to which a redirect leads."""
        fp.close()  # else its body is read, which may have no end
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """What opens http and https, and nothing else: ``build_opener`` would open ftp too."""
    proxies = {scheme: proxy for scheme, proxy in urllib.request.getproxies().items() if scheme in ("http", "https")}
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        _Web(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _checked(path: Path, expected: str | None, name: str) -> str:
    """The SHA-256 of a file; WordsparseError if it has not the expected checksum."""
    algorithm, _, digits = (expected or "sha256:").partition(":")
    with open(path, "rb") as file:
        value = hashlib.file_digest(file, algorithm).hexdigest()
        if digits and value != digits.lower():
            raise _DamagedError(f"{name}: its {algorithm} is {value}, but the card says {digits}; it was deleted")
        file.seek(0)
        return value if algorithm == "sha256" else hashlib.file_digest(file, "sha256").hexdigest()


def _unpacked(archive: Path, source: str, patterns: Mapping[str, str], place: Path) -> list[str]:
    """Unpack the members of an archive that are the text; their names, without directories."""
    names, missing = list[str](), set(patterns)
    try:
        for member, file in _members(archive):
            pattern = next((pattern for pattern in patterns if fnmatch.fnmatchcase(member, pattern)), None)
            if pattern is None:
                continue
            name = member.rpartition("/")[2]
            if name in names or not is_file_name(name):
                raise _DamagedError(f"{source}: its member {member!r:.80} has a name that cannot be used")
            with synced(place / name) as target:
                shutil.copyfileobj(file, target, BLOCK_BYTES)
            _checked(place / name, patterns[pattern], f"{name} of {source}")
            names.append(name)
            missing -= {each for each in missing if fnmatch.fnmatchcase(member, each)}
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk; decompressors give no number
            raise WordsparseError(f"{place}: {error.strerror}") from error
        raise _DamagedError(f"{source}: is not an archive, or a damaged one ({error}); it was deleted") from error
    if missing:
        raise _DamagedError(f"{source}: holds no member {', '.join(sorted(missing))}")
    return names


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and the content of each regular file in an archive; the content is to be read at once."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as file:
                        yield info.filename, file
        return
    with tarfile.open(path, "r|*") as tar:
        for member in tar:
            if member.isfile() and (content := tar.extractfile(member)) is not None:
                yield member.name, content

"""Functions that download, check and unpack the data of a card. The output directory appears only when it is complete.

A download resumes where an earlier download was cut off.
"""

import fnmatch
import hashlib
import http.client
import lzma
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from wordsparse.cards.card import RECORD, Card, is_file_name
from wordsparse.errors import WordsparseError
from wordsparse.files.storage import new_directory, synced, write_manifest, writing
from wordsparse.files.system import sync

BLOCK_BYTES = 2**20
TIMEOUT = 60.0
"""The seconds without data after which a connection is considered cut."""
RESUME = "run the same command again: it resumes if the card has a checksum"
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, RuntimeError, ValueError)

# A function that shows the progress: the number of bytes on disk, and the size of the whole file (None if unknown).
Progress = Callable[[int, int | None], object]


class _DamagedError(WordsparseError):
    """An error for a damaged download."""


def fetch(card: Card, output: str | os.PathLike[str], *, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Download the data of a card into ``output``, a new or empty directory. Return the stored record.

    Raise InputError if the output exists. Raise WordsparseError if the server has no such file or a different file, or
    if downloading or writing fails. An interrupted download stays next to the output, and the next call resumes it. In
    the record, ``files`` are names, ``verified`` is the checksum of the card that the download matched, and
    ``download_bytes`` and ``download_sha256`` describe the downloaded file.
    """
    target = Path(output)
    name = hashlib.sha256(card.url.encode()).hexdigest()[:8]
    part = Path(os.path.realpath(target)).with_name(f".{target.name}.{name}.part")
    with new_directory(target) as place:
        _download(card, part, progress)
        try:
            sha256, size = _checked(part, card.checksum, card.url), part.stat().st_size
            if card.bytes not in (None, size):
                raise _DamagedError(f"{card.url}: does not have the {card.bytes:,} bytes that the card says")
            if not card.members:
                files = [card.file]
                os.rename(part, place / files[0])
                sync(place / files[0])
            else:
                files = _unpacked(part, card.url, card.members, place)
        except _DamagedError:
            part.unlink(missing_ok=True)
            raise
        part.unlink(missing_ok=True)
        record = {"format": "wordsparse fetched corpus", "version": 1, "name": card.name, "licence": card.licence}
        record |= {"url": card.url, "files": files, "download_sha256": sha256, "download_bytes": size}
        record |= {"verified": card.known}
        write_manifest(place / RECORD, record)
    return record


def _download(source: Card, part: Path, progress: Progress) -> None:
    """Download a file to ``part``, which may hold data from an earlier call.

    The download resumes only if the card has a checksum, which detects a changed file; otherwise it starts again.
    urllib takes proxies from the environment. Raise WordsparseError if the server has no such file, cannot be reached
    or cuts the connection, or if writing fails. Data that were already downloaded are kept.
    """
    have = part.stat().st_size if part.exists() and source.known else 0
    try:
        if not _continued(source, part, have, progress):
            raise WordsparseError(f"{source.url}: the connection was cut; {RESUME}")
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code == 416:  # ``part`` is as long as the file or longer
            part.unlink()
        raise WordsparseError(f"{source.url}: {refusal}: check the address, or {RESUME}") from refusal
    # URLError is an OSError. A host name or a port that is invalid, also in a redirect, raises ValueError or
    # OverflowError.
    except (OSError, http.client.HTTPException, ValueError, OverflowError) as cut:
        raise WordsparseError(f"{source.url}: {cut}; {RESUME}") from cut


def _continued(source: Card, part: Path, have: int, progress: Progress) -> bool:
    """Append the data of one connection, beginning at byte ``have`` if the server can send parts of a file. Return
    whether the file is complete."""
    headers = {"User-Agent": f"wordsparse/{version('wordsparse')}"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(source.url, headers=headers)
    with _opener().open(request, timeout=TIMEOUT) as response:  # urlopen would keep the proxies of its first call
        have = have if response.status == 206 else 0  # 206: the rest of the file; otherwise the whole file
        total = source.bytes if response.length is None else have + response.length
        with open(part, "ab" if have else "wb") as file:
            # If more bytes arrive than the card states, the server sends another file, which may be endless.
            while (source.bytes is None or have <= source.bytes) and (block := response.read1(BLOCK_BYTES)):
                with writing(part):
                    have += file.write(block)
                progress(have, total)
    return total is None or have >= total


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A handler of redirects that does not read the body of the response, since that body may be endless."""

    def redirect_request(self, req: Any, fp: IO[bytes], *args: Any) -> urllib.request.Request | None:
        """Return the request that follows a redirect."""
        fp.close()
        return super().redirect_request(req, fp, *args)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https only, also after redirects; ``build_opener`` would allow ftp too."""
    proxies = {scheme: proxy for scheme, proxy in urllib.request.getproxies().items() if scheme in ("http", "https")}
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _checked(path: Path, expected: str | None, name: str) -> str:
    """Return the SHA-256 of a file. Raise WordsparseError if the file does not match the expected checksum."""
    algorithm, _, digits = (expected or "sha256:").partition(":")
    with open(path, "rb") as file:
        value = hashlib.file_digest(file, algorithm).hexdigest()
        if digits and value != digits.lower():
            raise _DamagedError(f"{name}: its {algorithm} is {value}, but the card says {digits}; the file was deleted")
        file.seek(0)
        return value if algorithm == "sha256" else hashlib.file_digest(file, "sha256").hexdigest()


def _unpacked(archive: Path, source: str, patterns: Mapping[str, str], place: Path) -> list[str]:
    """Unpack the members of an archive that match the patterns. Return the members' names without directories."""
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
        if isinstance(error, OSError) and error.errno is not None:  # a disk error: decompressors set no errno
            raise WordsparseError(f"{place}: {error.strerror}") from error
        raise _DamagedError(f"{source}: is not an archive, or is damaged ({error}); the file was deleted") from error
    if missing:
        raise _DamagedError(f"{source}: holds no member {', '.join(sorted(missing))}")
    return names


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and the content of each regular file in an archive. The caller must read a content before
    requesting the next file."""
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

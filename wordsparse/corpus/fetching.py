"""Fetches what a card describes: downloads, checks and unpacks it, as a directory that appears when it is complete."""

import fnmatch
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wordsparse.corpus.archives import DAMAGE, members
from wordsparse.corpus.cards import Card, Checksum, Download
from wordsparse.corpus.download import DownloadProgress, download, is_download
from wordsparse.corpus.sources import Readable
from wordsparse.corpus.wheels import installed_file, wheel
from wordsparse.errors import InputError, WordsparseError
from wordsparse.files import regular
from wordsparse.files.storage import (
    check_new_directory,
    check_own,
    new_directory,
    remove_directory,
    sole_writer,
    synced,
    write_manifest,
    writing,
)
from wordsparse.files.system import sync
from wordsparse.files.unpacking import MAX_EXPANSION, unpacked_limit

FORMAT, VERSION = "wordsparse fetched corpus", 1
RECORD = "_fetched.json"
"""Of a fetched text; its name begins with _, so that it is skipped when the directory is read."""

BLOCK_BYTES = 2**20
END_BYTES = 2**26
"""How far from its end a text may be cut."""


@dataclass(frozen=True)
class Fetched:
    """A fetched text: its directory and files, and the SHA-256 and size of what was downloaded.

    ``verified`` is the checksum of the card that was met; None if the card tells none.
    """

    path: Path
    files: list[str]
    sha256: str | None
    bytes: int | None
    verified: str | None


def fetch(
    card: Card, output: str | os.PathLike[str], *, progress: Callable[[DownloadProgress], object] = lambda _: None
) -> Fetched:
    """Write the text of a card into a directory.

    InputError if the output exists or the disk is too small; WordsparseError if the server has no such file, or
    another one; if no wheel is within reach, if the download fails, or writing fails.

    Parameters
    ----------
    card : Card
    output : path
        A new directory, or an empty one. What an interrupted download has brought is in ``output.download`` beside it,
        and the next call resumes it.
    progress : callable, optional
        Called with the progress of the download.
    """
    target = Path(output)
    check_new_directory(target)
    if card.download is None:
        return _packed(card, target)
    _check_space(card.download, target)
    folder = target.with_name(f"{target.name}.download")
    with sole_writer(folder):
        check_own(folder, is_download, target)
        part = download(card.download, folder, progress)
        fetched = _installed(card, card.download, part, target)
        remove_directory(folder)
    return fetched


def _installed(card: Card, source: Download, part: Path, target: Path) -> Fetched:
    """Check and unpack a whole download."""
    sha256, bytes = _checked(part, source.checksum, source.url, part.parent), part.stat().st_size
    with new_directory(target) as place:
        if source.members is None:
            files = [source.url.rpartition("/")[2]]
            with writing(target):
                os.rename(part, place / files[0])
        else:
            with _damage_of(part, source):
                files = _unpacked(part, source, source.members, place)
        if source.text_checksum is not None:
            _checked(place / files[0], source.text_checksum, f"{files[0]} of {source.url}", part.parent)
        if source.end is not None:
            _end(place / files[0], *source.end)
        verified = source.checksum or source.text_checksum
        fetched = Fetched(target, files, sha256, bytes, None if verified is None else str(verified))
        _record(place, card, fetched)
    return fetched


def _record(place: Path, card: Card, fetched: Fetched) -> None:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "name": card.name,
        "licence": card.licence,
        "url": None if card.download is None else card.download.url,
        "download_bytes": fetched.bytes,
        "download_sha256": fetched.sha256,
        "verified": fetched.verified,
        "files": fetched.files,
    }
    write_manifest(place / RECORD, content)


def _check_space(source: Download, target: Path) -> None:
    """Raise InputError if the disk cannot hold the sizes that are known."""
    unpacked = 0 if source.members is None else source.text_bytes or source.bytes or 0
    needed, free = (source.bytes or 0) + unpacked, shutil.disk_usage(target.absolute().parent).free
    if needed > free:
        raise InputError(
            f"{target}: about {needed / 1e6:,.0f} MB are needed, but {free / 1e6:,.0f} MB are left there; free some"
        )


def _checked(path: Path, expected: Checksum | None, name: str, folder: Path) -> str:
    """The SHA-256 of a file; WordsparseError, and the download is removed, if it has not the expected checksum."""
    algorithms = {"sha256"} if expected is None else {"sha256", expected.algorithm}
    digests = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in algorithms}
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            for digest in digests.values():
                digest.update(block)
    if expected is not None and (found := digests[expected.algorithm].hexdigest()) != expected.digits:
        remove_directory(folder)
        raise WordsparseError(
            f"{name}: its {expected.algorithm} is {found}, but the card says {expected.digits}: it has changed, or was "
            "damaged on its way; it was deleted"
        )
    return digests["sha256"].hexdigest()


@contextmanager
def _damage_of(part: Path, source: Download) -> Iterator[None]:
    """Convert the errors of unpacking, and remove a download that cannot be unpacked."""
    try:
        yield
    except InputError as error:
        raise WordsparseError(f"{source.url}: {error}") from error
    except OSError as error:
        raise WordsparseError(f"{part}: cannot be read: {error.strerror or error}") from error
    except DAMAGE as error:
        remove_directory(part.parent)
        raise WordsparseError(
            f"{source.url}: is not an archive, or a damaged one ({error}); it was deleted: fetch it again"
        ) from error


def _unpacked(part: Path, source: Download, patterns: Sequence[str], place: Path) -> list[str]:
    """Unpack the members of an archive that are the text; their names, without directories."""
    left = source.text_bytes or unpacked_limit(part.stat().st_size, MAX_EXPANSION)
    names: list[str] = []
    for member, file in members(part):
        if not any(fnmatch.fnmatchcase(member, pattern) for pattern in patterns):
            continue
        name = member.rpartition("/")[2]
        if name in names or name in ("", ".", "..", RECORD) or not name.isprintable():
            raise InputError(f"its member {member!r:.80} has a name that cannot be used")
        left -= _copied(file, place / name, left)
        names.append(name)
    if not names:
        raise InputError(f"holds no member {', '.join(patterns)}")
    if source.text_bytes is not None and left:
        raise InputError(
            f"its text has {source.text_bytes - left:,} bytes, but the card says {source.text_bytes:,}; fetch it "
            "again, or correct the card"
        )
    return names


def _copied(file: Readable, path: Path, most: int) -> int:
    """Write a member's bytes to a new file; how many they are, at most ``most``."""
    written = 0
    with writing(path), synced(path) as target:
        while block := file.read(BLOCK_BYTES):
            written += len(block)
            if written > most:
                raise InputError(
                    "unpacks to more bytes than the card says, or than text of its size does; correct the card if "
                    "you trust the file"
                )
            target.write(block)
    return written


def _end(path: Path, last: str, end: str) -> None:
    """Cut a text after the last occurrence of ``last``, and write ``end`` there."""
    with writing(path), open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - END_BYTES))
        at = file.read().rfind(last.encode())
        if at < 0:
            raise WordsparseError(f"{path.name}: does not end as the card says: there is no {last!r} near its end")
        file.truncate(start + at + len(last.encode()))
        file.seek(0, os.SEEK_END)
        file.write(end.encode())
    sync(path)


def _packed(card: Card, target: Path) -> Fetched:
    """Write the files of a wheel: copies, where its package is installed with the same ones."""
    files = [file.name.rpartition("/")[2] for file in card.files]
    with tempfile.TemporaryDirectory() as scratch, new_directory(target) as place:
        if not _copies(card, place):
            _out_of(wheel(str(card.wheel), Path(scratch)), card, place)
        for name, file in zip(files, card.files, strict=True):
            _checked(place / name, file.checksum, f"{name} of {card.wheel}", Path(scratch))
        fetched = Fetched(target, files, None, None, ", ".join(str(file.checksum) for file in card.files))
        _record(place, card, fetched)
    return fetched


def _copies(card: Card, place: Path) -> bool:
    """Copy the files of an installed package; False where it lacks one, or has another."""
    paths = [path for file in card.files if (path := installed_file(str(card.wheel), file.name)) is not None]
    same = [regular.sha256_of(path) for path in paths] == [file.checksum.digits for file in card.files]
    for path in paths if same else ():
        with open(path, "rb") as file:
            _copied(file, place / path.name, path.stat().st_size)
    return same


def _out_of(archive: Path, card: Card, place: Path) -> None:
    for file in card.files:
        source = Download(f"the wheel of {card.wheel}", members=(file.name,), text_bytes=file.bytes)
        with _damage_of(archive, source):
            _unpacked(archive, source, (file.name,), place)

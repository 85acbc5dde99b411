"""The models of resampled texts beside a model, and how sure its neighbours are by them.

A neighbour that comes back in few of the resamples rests on a few passages of the text. See Antoniak & Mimno (2018),
"Evaluating the Stability of Embedding-based Word Similarities", who resample documents.

The directory ``resamples`` of a model directory holds a file ``NNNN.i8`` for each resample, the vectors (V, dim) as
8-bit integers, each row scaled by itself (cosines need no scales), and ``resamples.json``: the SHA-256 of the model's
manifest, which says what the resamples belong to, what was resampled, and each file's size and SHA-256.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from wordsparse.errors import InputError
from wordsparse.files import regular, storage
from wordsparse.vectors.word_vectors import WordVectors

DIRECTORY, MANIFEST = "resamples", "resamples.json"
FORMAT, VERSION = "wordsparse-resamples", 1
# The interval of a cosine leaves out this share of the resamples on each side.
TAIL = 0.05
# Words whose cosines with all others are in memory at a time.
_WORDS = 128

Codes = NDArray[np.int8]


class Neighbour(NamedTuple):
    """A near word, and what the resamples say about it.

    ``returned`` counts the resamples in which it is among as many nearest words too. ``low`` and ``high`` enclose its
    cosine in 90 % of the resamples that have both words, and are None where none has. All three are None of a composed
    word.
    """

    word: str
    cosine: float
    returned: int | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Resamples:
    """The vectors of a model's words in each of several resamples.

    ``shape`` is (V, dim); ``about`` says what was resampled and how, as JSON; ``parts`` are arrays (V, dim) or the
    files that hold them, and ``digests`` the files' SHA-256.
    """

    shape: tuple[int, int]
    about: dict[str, Any]
    parts: Sequence["Codes | Path"]
    digests: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.parts)

    @classmethod
    def beside(cls, model: str | PathLike[str], shape: tuple[int, int]) -> Self | None:
        """The resamples of a model directory; None where it has none. InputError if its manifest is damaged, or belongs
        to another model."""
        model = Path(model)
        directory = model / DIRECTORY
        if not (directory / MANIFEST).is_file():
            return None
        content = storage.read_manifest(directory / MANIFEST, FORMAT, VERSION)
        (about,) = storage.objects(directory / MANIFEST, content, "about")
        files = content.get("files")
        if content.get("model") != regular.sha256_of(model / "model.json"):
            raise InputError(f"{directory}: belongs to another model: delete it, or train with --bootstrap again")
        if not isinstance(files, list) or not all(isinstance(digest, str) for digest in files):
            raise InputError(f"{directory / MANIFEST}: files must be a list of checksums")
        return cls(shape, about, [directory / file_name(number) for number in range(len(files))], files)

    def each(self) -> Iterator[Codes]:
        """The vectors of each resample, (V, dim) int8; one is in memory at a time. InputError if a file is missing,
        damaged or altered."""
        for number, part in enumerate(self.parts):
            yield self._read(part, self.digests[number]) if isinstance(part, Path) else part

    def _read(self, path: Path, digest: str) -> Codes:
        data = regular.read_bytes(path, self.shape[0] * self.shape[1])
        if hashlib.sha256(data).hexdigest() != digest or len(data) != self.shape[0] * self.shape[1]:
            raise InputError(
                f"{path}: does not match its checksum: the file was altered or damaged; train with --bootstrap again"
            )
        return np.frombuffer(data, np.int8).reshape(self.shape)


def neighbours(vectors: WordVectors, resamples: Resamples, word: str, n: int = 10) -> list[Neighbour]:
    """The ``n`` nearest words of a word, with what the resamples say; see :class:`Neighbour`."""
    found, meant = vectors.similar(word, n), vectors.meant(word)
    if not resamples or len(meant) > 1 or vectors.is_composed(meant[0]):
        return [Neighbour(near, cosine) for near, cosine in found]
    row, rows = vectors.row(meant[0]), np.array([vectors.row(near) for near, _ in found], np.int64)
    (returned,), (cosines,) = compared(resamples, np.array([row]), rows[None])
    return [
        Neighbour(near, cosine, int(count), *interval(of_resamples))
        for (near, cosine), count, of_resamples in zip(found, returned, cosines, strict=True)
    ]


def compared(
    resamples: Resamples, words: NDArray[np.int64], near: NDArray[np.int64], among: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """How the resamples see the nearest words ``near`` (m, n) of some ``words`` (m,), both as rows.

    Only the first ``among`` rows are compared, all where it is None. Returns in how many resamples a near word is among
    the n nearest ones again, (m, n) int64, and the cosines, (m, n, resamples) float32, NaN where a resample lacks one
    of the two words.
    """
    returned, cosines = np.zeros(near.shape, np.int64), np.empty((*near.shape, len(resamples)), np.float32)
    for number, codes in enumerate(resamples.each()):
        unit = codes[:among].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", unit, unit))
        unit /= np.where(lengths > 0, lengths, np.float32(np.nan))[:, None]
        for start in range(0, len(words), _WORDS):
            part = slice(start, start + _WORDS)
            of_all = unit[words[part]] @ unit.T
            of_near = cosines[part, :, number] = np.take_along_axis(of_all, near[part], axis=1)
            of_all[np.arange(len(of_all)), words[part]] = -np.inf
            of_all[np.isnan(of_all)] = -np.inf
            place = of_all.shape[1] - near.shape[1]
            # The cosine of the n-th nearest word.
            last = np.partition(of_all, place, axis=1)[:, place, None]
            returned[part] += of_near >= last
    return returned, cosines


def interval(cosines: NDArray[np.float32]) -> tuple[float, float] | tuple[None, None]:
    """The 5 % and 95 % quantiles of the cosines that are numbers; (None, None) where none is."""
    known = cosines[~np.isnan(cosines)]
    if not known.size:
        return None, None
    low, high = np.quantile(known, [TAIL, 1 - TAIL])
    return float(low), float(high)


def file_name(number: int) -> str:
    """The file of the resample with this number, counted from 0."""
    return f"{number:04d}.i8"


class Writer:
    """Adds resamples to a model directory, one by one: after each, the directory is complete. Resamples of another
    model, or with another ``about`` (the resampled text and the resampling, as JSON), are removed."""

    def __init__(self, model: str | PathLike[str], about: dict[str, Any]) -> None:
        model = Path(model)
        self._directory = model / DIRECTORY
        self._content = {
            "format": FORMAT,
            "version": VERSION,
            "model": regular.sha256_of(model / "model.json"),
            "about": about,
        }
        self.digests: list[str] = []
        with suppress(InputError):
            before = storage.read_manifest(self._directory / MANIFEST, FORMAT, VERSION)
            files = before.pop("files", None)
            if (
                before == self._content
                and isinstance(files, list)
                and all(map(self._is_there, range(len(files)), files))
            ):
                self.digests = files
                return
        storage.remove_directory(self._directory)

    def add(self, codes: Codes) -> None:
        """Write the next resample. If writing fails (WordsparseError), those before it are kept."""
        self._directory.mkdir(exist_ok=True)
        path = self._directory / file_name(len(self.digests))
        data = codes.tobytes()
        storage.write_file(path, data)
        self.digests.append(hashlib.sha256(data).hexdigest())
        storage.write_manifest(self._directory / MANIFEST, {**self._content, "files": self.digests})

    def _is_there(self, number: int, digest: Any) -> bool:
        path = self._directory / file_name(number)
        return path.is_file() and regular.sha256_of(path) == digest
